"""Logs of processes and pods: their ends, new lines, and no secrets in them."""

from __future__ import annotations

import itertools
import json
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
from cdc_pipeline.cli.log_lines import Line, follow
from cdc_pipeline.cli.pod_logs import PodLog
from cdc_pipeline.verify.cluster import Cluster, ClusterError
from cdc_pipeline.verify.plan_cluster import ClusterAccess
from shop import serve

REPLICA = json.loads((Path(__file__).parent / "replica.json").read_text())


@pytest.fixture
def home(instance_in) -> Path:
    found = instance_in()
    for name in ("kafka-0", "kafka-1", "kafka-connect-0", "archive-0"):
        (found / "supervisor" / "replicas" / f"{name}.json").write_text(json.dumps(REPLICA | {"name": name}))
        (found / "log" / f"{name}.log").write_text(f"{name} begins\n\n{name} goes on\n")
    (found / "log" / "archive-0.log").write_text("signed in with sesame-open\nhalf a li")
    (found / "credentials" / "password").write_text("sesame-open\n")
    return found


def test_the_end_of_each_log(home, cdc) -> None:
    code, out, _err = cdc("logs", "kafka", "-n", "1", "--home", home)
    assert code == 0
    assert out == (
        f"==> kafka-0 ({home}/log/kafka-0.log) <==\nkafka-0 goes on\n"
        f"\n==> kafka-1 ({home}/log/kafka-1.log) <==\nkafka-1 goes on\n"
    )
    assert "kafka-0" in (every := cdc("logs", "--home", home)[1]) and "archive-0" in every


def test_components_by_either_spelling_and_single_replicas(home, cdc) -> None:
    for component in ("kafka_connect", "kafka-connect", "kafka-connect-0"):
        assert "kafka-connect-0 goes on" in cdc("logs", component, "--home", home)[1]
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
    assert [line[:11] for line in LogFile(path).last(3000)] == [f"line {number:06d}" for number in range(7000, 10_000)]
    assert LogFile(path).last(0) == []


def test_new_lines_are_followed_through_a_rotation(tmp_path) -> None:
    path = tmp_path / "web.log"
    path.write_text("old\nlast\nbegun")
    lines = LogFile(path).follow(1)
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
    found = follow({name: LogFile(tmp_path / name) for name in ("a", "b")}, 1)
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
    assert log.last(2) == ["run 0 line 1", "run 0 line 2"]
    with pytest.raises(ClusterError, match='pods "gone" not found'):
        list(cluster.log("gone", "web", 1))


def test_a_pod_whose_container_starts_again_is_followed(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdc_pipeline.cli.pod_logs._PAUSE", 0.01)
    lines = PodLog(cluster, "web-0", "web", "").follow(1)
    assert [next(lines) for _ in range(4)] == ["run 0 line 2", "run 1 line 0", "run 1 line 1", "run 1 line 2"]
