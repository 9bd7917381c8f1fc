"""Logs of processes and pods: their ends, new lines, and no secrets in them."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cdc_pipeline.cli.components import names
from cdc_pipeline.cli.log_files import LogFile
from cdc_pipeline.cli.log_lines import Line, Wanted, follow
from cdc_pipeline.cli.log_times import since, time_of
from cdc_pipeline.cli.pod_logs import PodLog
from cdc_pipeline.instance.answer import ClusterError
from cdc_pipeline.instance.cluster import Cluster
from cdc_pipeline.instance.plan_cluster import ClusterAccess
from shop import serve

REPLICA = json.loads((Path(__file__).parent / "replica.json").read_text())


@pytest.fixture
def home(instance_in) -> Path:
    found = instance_in()
    for name in ("kafka-0", "kafka-1", "kafka-connect-0", "archive-0"):
        (found / "supervisor" / "replicas" / f"{name}.json").write_text(json.dumps(REPLICA | {"name": name}))
        (found / "log" / f"{name}.log").write_text(f"{name} begins\n\n{name} continues\n")
    (found / "log" / "archive-0.log").write_text("signed in with sesame-open\nhalf a li")
    (found / "credentials" / "password").write_text("sesame-open\n")
    return found


def test_the_end_of_each_log(home, cdc) -> None:
    code, out, _err = cdc("logs", "kafka", "-n", "1", "--home", home)
    assert code == 0
    assert out == (
        f"==> kafka-0 ({home}/log/kafka-0.log) <==\nkafka-0 continues\n"
        f"\n==> kafka-1 ({home}/log/kafka-1.log) <==\nkafka-1 continues\n"
    )
    assert "kafka-0" in (every := cdc("logs", "--home", home)[1]) and "archive-0" in every


def test_components_by_either_spelling_and_single_replicas(home, cdc) -> None:
    for component in ("kafka_connect", "kafka-connect", "kafka-connect-0"):
        assert "kafka-connect-0 continues" in cdc("logs", component, "--home", home)[1]
    (home / "log" / "kafka-1.log").unlink()
    assert cdc("logs", "kafka-1", "--home", home)[:2] == (0, f"==> kafka-1 ({home}/log/kafka-1.log) <==\n")
    code, _out, err = cdc("logs", "kafak", "--home", home)
    assert (code, err) == (
        1,
        "Error: There is no component 'kafak'. There are: archive, kafka, kafka-connect.\n",
    )


def test_a_role_stands_for_its_workloads(instance_in, home, cdc) -> None:
    components = {"kafka": ["kafka"], "log_keeping": ["archive", "kafka-connect"], "elsewhere": ["absent"]}
    instance_in(components=components)
    for component in ("log_keeping", "log-keeping"):
        code, out, _err = cdc("logs", component, "--home", home)
        assert code == 0
        assert re.findall("^==> (.*) [(]", out, re.MULTILINE) == ["archive-0", "kafka-connect-0"]
    err = cdc("logs", "elsewhere", "--home", home)[2]
    assert err == "Error: There is no component 'elsewhere'. There are: archive, kafka, kafka-connect, log_keeping.\n"
    assert names({"archive-0": "archive"}, components) == ["archive", "archive-0", "log_keeping"]


def test_a_reader_that_has_seen_enough_is_no_error(home: Path) -> None:
    (home / "log" / "kafka-0.log").write_text("a line\n" * 100_000)
    command = [sys.executable, "-m", "cdc_pipeline.cli.main", "logs", "kafka-0", "-n", "100000", "--home", str(home)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline().startswith("==> kafka-0")
    process.stdout.close()
    assert (process.stderr.read(), process.wait(30)) == ("", 0)


def test_secrets_are_masked(home, cdc) -> None:
    assert "signed in with ********" in cdc("logs", "archive", "--home", home)[1]
    lines = cdc("logs", "archive", "--json", "--home", home)[1].splitlines()
    assert [json.loads(line) for line in lines] == [{"name": "archive-0", "line": "signed in with ********"}]


def test_the_last_lines_of_a_log_that_is_longer_than_a_block(tmp_path) -> None:
    path = tmp_path / "long.log"
    path.write_text("".join(f"line {number:06d} {'x' * 50}\n" for number in range(10_000)) + "half")
    assert [line[:11] for line in LogFile(path).last(3000, None)] == [
        f"line {number:06d}" for number in range(7000, 10_000)
    ]
    assert list(LogFile(path).last(0, None)) == []


AT = dt.datetime(2026, 3, 4, 5, 6, 7, 890000, dt.UTC)
NOW = dt.datetime(2026, 3, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "line",
    [
        "2026-03-04 05:06:07.890 UTC [77] postgres@shop LOG:  checkpoint",
        "2026-03-04T05:06:07,890 INFO [main] started (kafka.server)",
        "2026-03-04 05:06:07,890 INFO success: kafka-0 entered RUNNING state",
        '{"time": "2026-03-04T05:06:07.890Z", "level": "info", "message": "progress"}',
        "I0304 05:06:07.890000 filer.go:181 applied",
        "2026-03-04T06:06:07.890+01:00 elsewhere",
    ],
)
def test_the_time_of_a_line(line: str) -> None:
    assert time_of(line, NOW) == AT


@pytest.mark.parametrize(
    "line", ["\tat java.base/Thread.run", "", "2026-13-44 05:06:07 no day", "I1344 05:06:07.890000 x"]
)
def test_a_line_without_a_time(line: str) -> None:
    assert time_of(line, NOW) is None


def test_a_line_without_a_year_is_of_the_last_one_when_the_day_is_yet_to_come() -> None:
    assert time_of("W1231 23:59:59.000001 x", NOW) == dt.datetime(2025, 12, 31, 23, 59, 59, 1, dt.UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("30s", NOW - dt.timedelta(seconds=30)),
        ("2h", NOW - dt.timedelta(hours=2)),
        ("99999999d", dt.datetime.min.replace(tzinfo=dt.UTC)),
        ("2026-03-04T05:06:07.890", AT),
        ("2026-03-04 06:06:07.890+01:00", AT),
        ("2026-03-05", NOW),
    ],
)
def test_since_when(text: str, at: dt.datetime) -> None:
    assert since(text, NOW) == at


def written(folder: Path) -> Path:
    """A log in three files, whose lines are an hour apart, each with a line of a stack trace below it."""
    path = folder / "kafka-0.log"
    times = [dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours) for hours in (5, 4, 3, 2, 1)]
    lines = [f"{at:%Y-%m-%dT%H:%M:%S},000 INFO {n}\n\tat {n}\n" for n, at in enumerate(times)]
    for suffix, part, until in ((".2", lines[:1], times[0]), (".1", lines[1:3], times[2]), ("", lines[3:], times[4])):
        file = folder / f"kafka-0.log{suffix}"
        file.write_text("".join(part))
        os.utime(file, (until.timestamp(), until.timestamp()))
    return path


def test_lines_since_a_time_through_the_rotated_files(home: Path, cdc) -> None:
    path = written(home / "log")
    shown = cdc("logs", "kafka-0", "--since", "210m", "--home", home)[1].splitlines()[1:]
    assert [line.split()[-1] for line in shown] == ["2", "2", "3", "3", "4", "4"]
    shown = cdc("logs", "kafka-0", "--since", "210m", "-n", "3", "--home", home)[1].splitlines()[1:]
    assert [line.split()[-1] for line in shown] == ["3", "4", "4"]
    lines = LogFile(path).follow(None, dt.datetime.now(dt.UTC) - dt.timedelta(minutes=210))
    assert [next(lines).split()[-1] for _line in range(6)] == ["2", "2", "3", "3", "4", "4"]
    with path.open("a") as log:
        log.write("new\n")
    assert next(lines) == "new"


def test_lines_that_match_are_looked_for_in_the_whole_log(home: Path, cdc) -> None:
    written(home / "log")
    shown = cdc("logs", "kafka-0", "--grep", "INFO [0-3]", "-n", "3", "--home", home)[1].splitlines()[1:]
    assert [line.split()[-1] for line in shown] == ["1", "2", "3"]
    shown = cdc("logs", "archive", "--grep", "signed", "--home", home)[1].splitlines()[1:]
    assert shown == ["signed in with ********"]
    assert cdc("logs", "kafka-0", "--grep", "nowhere", "--home", home)[:2] == (
        0,
        f"==> kafka-0 ({home}/log/kafka-0.log) <==\n",
    )


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--since", "yesterday", "is neither a duration, such as 30s"),
        ("--since", "10", "is neither a duration, such as 30s"),
        ("--grep", "(", "is not a valid regular expression"),
    ],
)
def test_a_time_or_a_pattern_that_cannot_be_read(home: Path, cdc, option: str, value: str, said: str) -> None:
    code, _out, err = cdc("logs", option, value, "--home", home)
    assert code == 2
    assert said in err


def test_new_lines_are_followed_through_a_rotation(tmp_path) -> None:
    path = tmp_path / "web.log"
    path.write_text("old\nlast\nbegun")
    lines = LogFile(path).follow(1, None)
    assert next(lines) == "last"
    with path.open("a") as stream:
        stream.write(" and ended\nnew\n")
    assert [next(lines), next(lines)] == ["begun and ended", "new"]
    path.rename(tmp_path / "web.log.1")

    def write_again() -> None:
        time.sleep(0.5)
        path.write_text("after the rotation\n" * 20)  # It is longer than the old one was.

    threading.Thread(target=write_again).start()
    assert next(lines) == "after the rotation"


def test_several_logs_are_followed_together(tmp_path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"{name} 1\n")
    found = follow({name: LogFile(tmp_path / name) for name in ("a", "b")}, Wanted(1))
    assert {next(found), next(found)} == {Line("a", "a 1"), Line("b", "b 1")}
    with (tmp_path / "a").open("a") as log:
        log.write("a 2\n")
    assert next(found) == Line("a", "a 2")


class Api(BaseHTTPRequestHandler):
    """One pod, whose container ends while its log is followed, and has another container a moment later."""

    looks = itertools.count()
    streams = itertools.count()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if url.path.endswith("/pods/gone/log"):
            self._answer(404, json.dumps({"message": 'pods "gone" not found'}).encode())
        elif url.path.endswith("/pods/web-0/log"):
            number = next(self.streams) if query["follow"] == ["True"] else 0
            lines = [f"run {number} line {each}" for each in range(3)]
            if "sinceSeconds" in query:
                # The request takes a moment itself.
                lines.insert(0, f"since {int(query['sinceSeconds'][0]) // 100 * 100}")
            last = int(query["tailLines"][0]) if "tailLines" in query else len(lines)
            self._answer(200, "\n".join(lines[len(lines) - last :]).encode() + b"\n")
        else:
            starts = min(next(self.looks) // 3, 1)
            state = {"running": {}} if starts else {"terminated": {}}
            status = {"containerStatuses": [{"name": "web", "restartCount": starts, "state": state}]}
            self._answer(200, json.dumps({"metadata": {"name": "web-0"}, "status": status}).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    server = serve(Api)
    config = {
        "apiVersion": "v1",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    yield Cluster(ClusterAccess(kubeconfig=str(tmp_path / "kubeconfig")))
    server.shutdown()
    server.server_close()


def test_the_log_of_a_pod(cluster: Cluster) -> None:
    log = PodLog(cluster, "web-0", "web", "node-1")
    assert log.place == "on node-1"
    assert list(log.last(2, None)) == ["run 0 line 1", "run 0 line 2"]
    assert list(log.last(None, dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5))) == [
        "since 300",
        *(f"run 0 line {n}" for n in range(3)),
    ]
    with pytest.raises(ClusterError, match='pods "gone" not found'):
        list(cluster.log("gone", "web", 1))


def test_a_pod_whose_container_starts_again_is_followed(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdc_pipeline.cli.pod_logs._PAUSE", 0.01)
    lines = PodLog(cluster, "web-0", "web", "").follow(1, None)
    assert [next(lines) for _ in range(4)] == ["run 0 line 2", "run 1 line 0", "run 1 line 1", "run 1 line 2"]
