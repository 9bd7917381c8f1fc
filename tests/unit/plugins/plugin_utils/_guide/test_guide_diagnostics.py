# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide import evidence, host_evidence, pod_evidence
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.diagnostics import Failure, collect, prune
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.evidence import Target, readable
from ansible_collections.cdc.pipeline.tests.unit.fakes.kubernetes import FakeApi, waits

FAILURE = Failure(
    "Kafka | Run 3 brokers", "kafka", "main.yml:1", "localhost", {"msg": "no hunter2secret", "invocation": {"x": 1}}
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    for folder in ("log", "supervisor", "kafka-0/log", "kafka-0/secrets", "postgresql-0/log"):
        (home / folder).mkdir(parents=True)
    (home / "log/kafka-0.log").write_text(
        "\n".join(f"line {number}" for number in range(500)) + "\npassword=tiger4711\n"
    )
    (home / "log/postgresql-0.log").write_text("fine\n")
    (home / "kafka-0/log/gc.log").write_text("pause\n")
    (home / "kafka-0/secrets/x.properties").write_text("password=tiger4711\n")
    return home


def test_what_is_collected(home, tmp_path):
    folder = tmp_path / "reports/a"
    assert collect(folder, FAILURE, Target("local", str(home), "kafka"), ["hunter2secret"]).problems == []
    names = {path.name for path in folder.iterdir()}
    assert names == {"failure.txt", "result.json", "host.txt", "supervisor.txt", "kafka-0.log", "kafka-0-gc.log"}
    log = (folder / "kafka-0.log").read_text().splitlines()
    assert len(log) == 200
    assert log[-1] == "********"
    text = "".join(path.read_text() for path in folder.iterdir())
    assert "tiger4711" not in text
    assert "hunter2secret" not in text
    assert "invocation" not in (folder / "result.json").read_text()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_memory_of_a_process_that_crashed_is_left_out(home, tmp_path):
    for name, head in (("core", b"\x7fELF\x02"), ("core.17", b"\x7fELF\x02"), ("heap", b"JAVA PROFILE 1.0.2")):
        (home / "kafka-0/log" / name).write_bytes(head + b"tiger\x004711")
    (home / "kafka-0/log/hs_err_pid17.log").write_text("what crashed was given tiger4711\n")
    collect(tmp_path / "a", FAILURE, Target("local", str(home), "kafka"), [])
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert {name for name in names if name.startswith("kafka-0-")} == {"kafka-0-gc.log", "kafka-0-hs_err_pid17.log"}
    assert "tiger4711" not in (tmp_path / "a/kafka-0-hs_err_pid17.log").read_text()


def test_without_a_component_all_logs_are_taken(home, tmp_path):
    collect(tmp_path / "a", FAILURE, Target("local", str(home)), [])
    assert (tmp_path / "a/postgresql-0.log").exists()


def test_an_instance_that_is_not_there_yet(tmp_path):
    missing = Target("local", str(tmp_path / "nothing"), "kafka")
    assert readable(missing)
    assert collect(tmp_path / "a", FAILURE, missing, []).problems == []


def test_a_log_that_cannot_be_read_is_named(home, tmp_path, monkeypatch):
    def refuse(path: Path) -> str:
        raise PermissionError(f"Permission denied: {path.name}")

    monkeypatch.setattr(host_evidence, "_end", refuse)
    found = collect(tmp_path / "a", FAILURE, Target("local", str(home), "kafka"), [])
    assert found.problems[0] == "Permission denied: kafka-0.log"


@pytest.fixture
def unreadable(monkeypatch):
    """As for a user who is not root."""
    monkeypatch.setattr(evidence, "readable", lambda target: False)


def sudo(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sudo that does as the script says."""
    folder.mkdir()
    (folder / "sudo").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "sudo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_what_only_root_may_read_is_read_by_sudo(home, tmp_path, unreadable, monkeypatch):
    sudo(tmp_path / "bin", '[ "$1" = -n ] && shift && exec "$@"', monkeypatch)
    found = collect(tmp_path / "a", FAILURE, Target("local", str(home), "kafka"), ["hunter2secret"])
    assert found.problems == []
    assert (tmp_path / "a/kafka-0.log").read_text().endswith("line 499\n********\n")
    assert "hunter2secret" not in (tmp_path / "a/result.json").read_text()


def test_a_sudo_that_asks_for_a_password(home, tmp_path, unreadable, monkeypatch):
    sudo(tmp_path / "bin", "exit 1", monkeypatch)
    found = collect(tmp_path / "a", FAILURE, Target("local", str(home), "kafka"), [])
    assert found.problems[0] == f"only root may read the rest: sudo sh -c 'tail -n 200 {home}/log/kafka*.log'"
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"failure.txt", "result.json", "host.txt"}


@pytest.fixture
def cluster(monkeypatch) -> FakeApi:
    api = FakeApi()
    monkeypatch.setattr(pod_evidence, "connect", lambda *_: api)
    for name, broken in (
        ("kafka", waits("CrashLoopBackOff", restarts=3, last={"exitCode": 1})),
        ("archive", waits("ImagePullBackOff", "manifest unknown")),
        ("postgresql", None),
    ):
        labels = {"app.kubernetes.io/part-of": "cdc-pipeline", "app.kubernetes.io/name": name}
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        status["containerStatuses"] = [{"name": name, "image": "x:1", "restartCount": 0, "state": {"running": {}}}]
        pod = {"kind": "Pod", "metadata": {"name": f"{name}-0", "labels": labels}, "status": status}
        pod["spec"] = {"containers": [{"name": name, "image": "x:1"}]}
        api.put(broken(pod) if broken else pod)
        api.logs[f"{name}-0"] = f"last words of {name}"
    about = {"name": "kafka-0"}
    event = {"type": "Warning", "reason": "BackOff", "message": "back-off 40s", "involvedObject": about, "count": 7}
    api.put({"kind": "Event", "metadata": {"name": "kafka-0.1"}, **event})
    return api


def in_cluster(tmp_path: Path) -> Target:
    return Target("local", str(tmp_path / "nothing"), "kafka", kubeconfig=str(tmp_path / "none"), namespace="n")


def test_pods(cluster, tmp_path):
    found = collect(tmp_path / "a", FAILURE, in_cluster(tmp_path), [])
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names == {"failure.txt", "result.json", "host.txt", "pods.txt", "events.txt", "kafka-0.log"}
    assert (tmp_path / "a/kafka-0.log").read_text() == "last words of kafka\n"
    assert (tmp_path / "a/events.txt").read_text() == "BackOff: kafka-0: back-off 40s (7 times)\n"
    assert "postgresql-0" in (tmp_path / "a/pods.txt").read_text()
    # Of every component, since what fails may wait for another.
    archive, kafka = found.lines
    assert archive.startswith("archive-0 is in ImagePullBackOff: The image x:1 cannot be pulled: there is no such")
    assert kafka == "kafka-0 is in CrashLoopBackOff: kafka-0 keeps ending: it ended with exit status 1"
    assert found.problems == []


def test_events_that_may_not_be_listed(cluster, tmp_path):
    cluster.forbidden = {("list", "Event")}
    found = collect(tmp_path / "a", FAILURE, in_cluster(tmp_path), [])
    assert "events" in found.problems[0]
    assert (tmp_path / "a/kafka-0.log").exists()


def test_old_folders_go(tmp_path):
    for number in range(30):
        (tmp_path / f"202601{number:02}-kafka").mkdir()
    prune(tmp_path, keep=20)
    assert len(list(tmp_path.iterdir())) == 20
    assert not (tmp_path / "20260109-kafka").exists()
