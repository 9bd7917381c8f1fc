"""What a training is, without its servers."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from cdc_pipeline.load import table
from cdc_pipeline.shape import ShapeError
from cdc_pipeline.train import properties, training
from cdc_pipeline.train.cli import main
from cdc_pipeline.train.failed import NOTE
from cdc_pipeline.train.identity import Files
from cdc_pipeline.train.identity import written as written_files
from cdc_pipeline.train.place import FILE, LOCK, BusyError, held, place, publish, remove_old, write
from cdc_pipeline.train.plan import Identity, Program, load
from cdc_pipeline.train.process import Runner, TrainingError
from cdc_pipeline.train.servers import Servers

ROOT = Path(__file__).resolve().parents[3]
ROLES = ROOT / "roles"
# As a pipeline in a cluster has its settings.
RENDERED = ROOT / "tests/golden/manifests/kind"
PORTS = properties.Ports(1, (2, 3), (9, 10), (4, 5), 6, 8)
FILES = Files("/authority", "/certificate", "/key", "/keystore", "/trust_store", "/key_store")


def defaults(role: str) -> dict:
    found: dict = {}
    for path in sorted((ROLES / role / "defaults").rglob("*.yml")):
        found |= yaml.safe_load(path.read_text())
    return found


def text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_connector_is_the_one_of_a_pipeline() -> None:
    """Another transformation or another batch size would be another path through the code."""
    settings = {key: text(value) for key, value in defaults("connectors")["connectors_settings"].items()}
    session = defaults("common")["cdc_session_settings"]
    settings["database.options"] = " ".join(f"-c {name}={value.replace(' ', '')}" for name, value in session.items())
    assert settings == properties.CONNECTOR
    converter = defaults("kafka_connect")["kafka_connect_converter_settings"]
    assert {key: text(value) for key, value in converter.items()} == properties.CONVERTER


def test_the_worker_works_as_one_of_a_pipeline() -> None:
    own = properties.worker(PORTS, "secret", FILES, "/access")
    pipeline = defaults("kafka_connect")["kafka_connect_settings"]
    same = ("exactly.once.source.support", "plugin.discovery", "connector.client.config.override.policy")
    assert {key: own[key] for key in same} == {key: pipeline[key] for key in same}
    # What would be loaded by a plugin's own loader is not cached.
    assert "plugin.path" not in own
    assert own["offset.storage.topic"] == "connect-offsets" and own["status.storage.topic"] == "connect-status"


def test_every_server_is_on_this_host_alone() -> None:
    settings = {
        **properties.broker(1, PORTS, "/d", FILES),
        **properties.registry(PORTS, "s", FILES),
        **properties.worker(PORTS, "s", FILES, "/access"),
    }
    hosts = re.findall(r"(?:[0-9]+\.){3}[0-9]+", properties.text(settings))
    assert set(hosts) == {"127.0.0.1"} and "0.0.0.0" not in properties.text(settings)
    broker = properties.broker(1, PORTS, "/d", FILES)
    assert broker["controller.quorum.voters"] == "1@127.0.0.1:4,2@127.0.0.1:5"
    assert broker["listeners"] == "CLIENT://127.0.0.1:3,BROKER://127.0.0.1:10,CONTROLLER://127.0.0.1:5"


def rendered(workload: str, name: str) -> dict[str, str]:
    """Settings of a pipeline's server."""
    document = yaml.safe_load((RENDERED / workload / f"configmap-{workload}-config.yaml").read_text())
    lines = document["data"][name].splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize(
    ("workload", "name", "own"),
    [
        ("kafka", "kafka-0.server.properties", properties.broker(0, PORTS, "/d", FILES)),
        ("kafka-connect", "worker.properties", properties.worker(PORTS, "s", FILES, "/access")),
        ("schema-registry", "application.properties", properties.registry(PORTS, "s", FILES)),
    ],
)
def test_the_servers_are_encrypted_and_ask_for_logins_as_those_of_a_pipeline(
    workload: str, name: str, own: dict[str, object]
) -> None:
    """What is compiled when a training is over is what a pipeline runs."""
    told = re.compile(r"(^|\.)(ssl|sasl|security|authorizer|access|super)\.|^rest\.extension|^listener\.name")
    # Of clients outside of the cluster; a check that is the default; and people, whom a training has none of.
    apart = re.compile(r"outside|endpoint\.identification|^access\.people\.")
    wanted = {key for key in rendered(workload, name) if told.search(key) and not apart.search(key)}
    assert wanted and not wanted - set(own)
    same = ("security.protocol", "sasl.mechanism", "ssl.keystore.type", "ssl.truststore.type", "authorizer.class.name")
    for key in wanted:
        if key.endswith(same):
            assert rendered(workload, name)[key].replace(",OUTSIDE:SASL_SSL", "") == own[key], key


def test_the_identity_of_the_servers_is_in_files_of_their_user(tmp_path: Path) -> None:
    identity = Identity("ca\n", "certificate\n", "key", "dHJ1c3Q=", "a2V5cw==")
    files = written_files(identity, tmp_path)
    assert Path(files.keystore).read_text() == "key\ncertificate\n"
    assert (Path(files.trust_store).read_bytes(), Path(files.key_store).read_bytes()) == (b"trust", b"keys")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o640 if os.geteuid() == 0 else 0o600}
    assert "key" not in repr(identity).replace("key_store", "")


def test_the_connector_has_the_servers_and_topics_of_the_training() -> None:
    found = properties.connector(PORTS, table.TABLE, "secret", FILES)
    assert found["database.port"] == "1" and found["table.include.list"] == "public\\.pipeline_load"
    assert found["transforms.known.topics"].split(",") == list(properties.topics(table.TABLE))


def test_properties_are_escaped() -> None:
    assert properties.text({"a": True, "b": "x\\.y", "c": 1}) == "a=true\nb=x\\\\.y\nc=1\n"


def plan(cache: Path, **more: object) -> dict:
    programs = {
        name: {"class_path": f"/{name}.jar", "options": ["-XX:+UseG1GC"], "cache": str(cache / f"cache_of_{name}-1")}
        for name in ("kafka", "connect", "schema_registry")
    }
    return {
        "home": "/home",
        "cache": str(cache),
        "java": "/java",
        "postgresql": "/nowhere",
        "programs": programs,
        "identity": dict.fromkeys(("authority", "certificate", "key", "trust_store", "key_store"), ""),
        "background": False,
        **more,
    }


def written(folder: Path, content: dict) -> Path:
    path = folder / "plan.json"
    path.write_text(json.dumps(content))
    return path


def test_a_plan_is_read_and_what_is_there_is_not_wanted(tmp_path: Path) -> None:
    read = load(written(tmp_path, plan(tmp_path)))
    assert read.programs["kafka"] == Program("/kafka.jar", ("-XX:+UseG1GC",), str(tmp_path / "cache_of_kafka-1"))
    (tmp_path / "cache_of_connect-1").mkdir()
    assert read.wanted == ["kafka", "schema_registry"]
    with pytest.raises(ShapeError, match="evens is unknown; did you mean events"):
        load(written(tmp_path, plan(tmp_path, evens=1)))


def test_a_plan_comes_by_the_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(plan(tmp_path))))
    assert load(Path("-")) == load(written(tmp_path, plan(tmp_path)))


def test_options_that_a_second_process_must_not_have_are_left_out(tmp_path: Path) -> None:
    given = ["-XX:+UseG1GC", "-Dx=-Xmx1g", "-Djava.io.tmpdir=/tmp"]
    harmful = [
        "-javaagent:/agent.jar=9404",
        "-agentlib:jdwp=server=y,address=5005",
        "-agentpath:/profiler.so",
        "-Dcom.sun.management.jmxremote.port=9999",
        "-Xlog:gc*:file=/var/log/gc.log",
        "-Xms4g",
        "-Xmx4g",
        "-XX:HeapDumpPath=/var/dumps",
    ]
    content = plan(tmp_path)
    content["programs"]["kafka"]["options"] = [*given, *harmful]
    with place(tmp_path, "") as where:
        line = Servers(load(written(tmp_path, content)), where, print).java("kafka", "-version")
        assert line[3:] == [*given, f"-Djava.io.tmpdir={where.work}", "-version", "-cp", "/kafka.jar"]


def _hold(cache: Path, ready, done) -> None:
    with held(cache, "/other"):
        ready.set()
        done.wait(30)


COMMAND = [sys.executable, "-m", "cdc_pipeline.train.cli", "--plan"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}


def test_one_training_at_a_time(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    ready, done = fork.Event(), fork.Event()
    other = fork.Process(target=_hold, args=(tmp_path, ready, done))
    other.start()
    try:
        assert ready.wait(30)
        assert json.loads((tmp_path / LOCK).read_text()) == {"pid": other.pid, "home": "/other", "waits": False}
        with pytest.raises(BusyError), held(tmp_path, "/home"):
            pass
        # The other one makes what is missing, so nothing is wrong in the background. Who waits has to look again.
        for background, status in ((False, 3), (True, 0)):
            file = written(tmp_path, plan(tmp_path, background=background))
            assert subprocess.run([*COMMAND, str(file)], env=ENVIRONMENT, check=False).returncode == status
        assert not (tmp_path / NOTE).exists()
    finally:
        done.set()
        other.join(30)
    with held(tmp_path, "/home"):
        pass


def test_what_was_left_goes_and_nothing_stays(tmp_path: Path) -> None:
    (tmp_path / ".training-left/work").mkdir(parents=True)
    with pytest.raises(RuntimeError, match="full"), place(tmp_path, "") as made:
        assert not (tmp_path / ".training-left").exists()
        secret = write(made.config, "a.properties", "password=x")
        assert stat.S_IMODE(secret.stat().st_mode) == (0o640 if os.geteuid() == 0 else 0o600)
        assert {stat.S_IMODE(each.stat().st_mode) for each in (made.work, made.logs)} == {0o700}
        raise RuntimeError("the disk is full")
    assert not list(tmp_path.iterdir())


def test_a_cache_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    made, top, target = tmp_path / "made.aot", tmp_path / "top", tmp_path / "cache_of_kafka-1"
    top.mkdir()
    made.write_bytes(b"cache")
    publish(made, target, top)
    assert (target / FILE).read_bytes() == b"cache" and not list(top.iterdir())
    assert stat.S_IMODE((target / FILE).stat().st_mode) == 0o644
    # Its maker is another user, who could want a file copied that it may not read.
    link = tmp_path / "link.aot"
    link.symlink_to(made)
    with pytest.raises(OSError, match="link"):
        publish(link, tmp_path / "other-1", top)
    assert not (tmp_path / "other-1").exists()


def test_a_process_that_fails_shows_its_last_lines(tmp_path: Path) -> None:
    runner = Runner("", tmp_path, tmp_path)
    with pytest.raises(TrainingError, match=r"initdb ended with 3:\n  no room"):
        runner.run("initdb", ["/bin/sh", "-c", "echo no room; exit 3"])
    runner.start("server", ["/bin/sh", "-c", "echo gone; exit 4"])
    deadline = time.monotonic() + 30
    with pytest.raises(TrainingError, match="server ended with 4"):
        while time.monotonic() < deadline:
            runner.check()
            time.sleep(0.02)
    runner.start("stubborn", [sys.executable, "-c", STUBBORN.format(file=tmp_path / "up")])
    while not (tmp_path / "up").exists():
        time.sleep(0.02)
    with pytest.raises(TrainingError, match="stubborn has not ended"):
        runner.stop("stubborn", 0.2)
    runner.kill()
    runner.check()


def test_a_command_that_does_not_end_is_killed(tmp_path: Path) -> None:
    runner = Runner("", tmp_path, tmp_path)
    with pytest.raises(TrainingError, match=r"format has not ended after 1 s:\n  at work"):
        runner.run("format", ["/bin/sh", "-c", f"echo at work; echo $$ > {tmp_path}/pid; exec sleep 300"], seconds=1)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()
    runner.check()


STUBBORN = """
import pathlib, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path("{file}").touch()
time.sleep(300)
"""


def gone(pid: int) -> bool:
    """Whether a process has ended. Whoever has adopted it may not have noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize(
    "bodies", [{"postgres": "echo $$ > {file}; exec sleep 300"}, {"initdb": "sleep 300 & echo $! > {file}; wait"}]
)
def test_a_training_that_is_ended_leaves_nothing(tmp_path: Path, bodies: dict[str, str]) -> None:
    """The database stands for all servers: it neither gets ready nor ends by itself.

    Of a command, a child stands for what only the end of the whole group ends.
    """
    programs = tmp_path / "postgresql"
    programs.mkdir()
    for name, body in {"initdb": "exit 0", **bodies}.items():
        (programs / name).write_text("#!/bin/sh\n" + body.replace("{file}", str(tmp_path / "pid")) + "\n")
        (programs / name).chmod(0o755)
    cache = tmp_path / "cache"
    cache.mkdir()
    file = written(tmp_path, plan(cache, postgresql=str(programs), background=True, calm=0))
    with subprocess.Popen([*COMMAND, str(file)], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as training:
        deadline = time.monotonic() + 60
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            assert time.monotonic() < deadline and training.poll() is None
            time.sleep(0.05)
        server = int((tmp_path / "pid").read_text())
        assert os.getpriority(os.PRIO_PROCESS, server) == 19
        assert Path(f"/proc/{server}/oom_score_adj").read_text().strip() == "1000"
        training.send_signal(signal.SIGTERM)
        output, _ = training.communicate(timeout=60)
    assert "ended by SIGTERM" in output and training.returncode == 1
    while not gone(server):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # It has not failed, so the next run begins it again.
    assert [path.name for path in cache.iterdir()] == [LOCK]


def test_a_failure_is_told_and_the_caches_that_are_there_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache_of_kafka-1").mkdir()
    assert main(["--plan", str(written(tmp_path, plan(tmp_path)))]) == 1
    assert "not all caches were made, so that Java starts slowly" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK, "cache_of_kafka-1", "plan.json", NOTE]
    note = json.loads((tmp_path / NOTE).read_text())
    assert note["caches"] == [str(tmp_path / f"cache_of_{name}-1") for name in ("connect", "schema_registry")]
    assert time.time() - 600 < note["time"] <= time.time()
    for name in ("connect", "schema_registry"):
        (tmp_path / f"cache_of_{name}-1").mkdir()
    assert main(["--plan", str(tmp_path / "plan.json")]) == 0
    assert "every cache is there" in capsys.readouterr().out and not (tmp_path / NOTE).exists()
    assert main(["--plan", str(tmp_path / "none.json")]) == 2


def test_a_log_begins_with_its_training(tmp_path: Path) -> None:
    """Who comes too late adds a line to the log of the other one."""
    file, log = written(tmp_path, plan(tmp_path)), tmp_path / "training.log"
    log.write_text("the one before\n")

    def run() -> str:
        with log.open("ab") as output:
            subprocess.run([*COMMAND, str(file)], env=ENVIRONMENT, check=False, stdout=output, stderr=output)
        return log.read_text()

    with held(tmp_path, "/other"):
        said = run()
    assert said.startswith("the one before\n") and "another training" in said
    said = run()
    assert "the one before" not in said and "not all caches were made" in said


def test_caches_that_nobody_uses_go(tmp_path: Path) -> None:
    top = tmp_path / ".training-1"
    top.mkdir()
    names = {
        "cache_of_kafka-0123456789ab": 61,
        "cache_of_schema_registry-0123456789ab": 59,
        "cache_of_connect-0123456789ab": 61,
        "cache_of_kafka-1": 61,
        "kafka-0123456789ab": 61,
    }
    for name, days in names.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE).touch()
        os.utime(tmp_path / name, (time.time() - days * 86400,) * 2)
    own = {tmp_path / "cache_of_connect-0123456789ab"}
    assert remove_old(tmp_path, own, top) == ["cache_of_kafka-0123456789ab"]
    left = {path.name for path in tmp_path.iterdir()} - {top.name}
    assert left == set(names) - {"cache_of_kafka-0123456789ab"}


def test_it_waits_for_a_calm_host(monkeypatch: pytest.MonkeyPatch) -> None:
    loads, said = iter([9.0, 9.0, 0.1]), []
    monkeypatch.setattr(training.os, "getloadavg", lambda: (next(loads), 0.0, 0.0))
    monkeypatch.setattr(training.time, "sleep", lambda _seconds: None)
    training._wait_for_calm(60, said.append)
    assert len(said) == 2 and "9.0 processes" in said[0]
    monkeypatch.setattr(training.os, "getloadavg", lambda: (9.0, 0.0, 0.0))
    training._wait_for_calm(0, said.append)
    assert len(said) == 2


def test_it_says_while_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []
    monkeypatch.setattr(training, "_wait_for_calm", lambda *_arguments: said.append("calm"))
    monkeypatch.setattr(training, "place", lambda *_arguments: said.append("begun") or place(tmp_path / "absent", ""))
    with pytest.raises(OSError, match="absent"):
        training.train(load(written(tmp_path, plan(tmp_path, background=True))), lambda _text: None, said.append)
    assert said == [True, "calm", False, "begun"]
