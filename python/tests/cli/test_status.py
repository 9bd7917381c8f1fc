"""The state of processes and pods."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cdc_pipeline.cli import pods as pods_module
from cdc_pipeline.cli.pods import state_of
from cdc_pipeline.cli.supervisor_log import unasked_ends
from cdc_pipeline.endpoints import Login
from cdc_pipeline.instance.answer import ClusterError
from fake_cluster import APPS, MIB, NAMESPACE, FakeCluster, controller, pod, stats

REPLICA = json.loads((Path(__file__).parent / "replica.json").read_text())


@pytest.fixture
def supervised(instance_in: Callable[..., Path]) -> Iterator[Path]:
    """An instance with a real supervisord, which keeps one process running and cannot start another."""
    home = instance_in()
    control = home / "supervisor"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tcp = {"tcp": {"host": "127.0.0.1", "port": port}, "timeout_seconds": 1}
    serving = f"{sys.executable} -m http.server --bind 127.0.0.1 {port}"
    programs = {"web-0": (serving, {"readiness": tcp}), "broken-0": ("/nowhere/program", {})}
    parts = [
        f"[unix_http_server]\nfile={control}/s.sock",
        f"[supervisord]\nnodaemon=true\nlogfile={home}/log/supervisord.log\npidfile={control}/pid\nuser=root",
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for name, (command, probes) in programs.items():
        parts.append(f"[program:{name}]\ncommand={command}\nstartretries=0\nautorestart=true")
        document = REPLICA | {"name": name, "probes": probes}
        (control / "replicas" / f"{name}.json").write_text(json.dumps(document))
    (control / "supervisord.conf").write_text("\n\n".join(parts) + "\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(control / "supervisord.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield home
    process.terminate()
    process.wait(20)


def until(look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + 30
    while not good(found := look()):
        assert time.monotonic() < end, found
        time.sleep(0.2)
    return found


def test_the_processes_of_a_host(supervised: Path, cdc) -> None:
    def rows() -> dict[str, dict]:
        return {
            each["name"]: each for each in json.loads(cdc("status", "--home", supervised, "--json")[1])["processes"]
        }

    found = until(rows, lambda rows: rows["web-0"]["ready"] and rows["web-0"]["state"] == "RUNNING")
    web = found["web-0"]
    assert (web["state"], web["restarts"], web["component"], web["up"]) == ("RUNNING", 0, "web", True)
    assert web["memory_bytes"] > MIB and int(web["place"]) > 1 and web["memory_limit_bytes"] is None
    assert not found["broken-0"]["up"] and found["broken-0"]["since"] is None
    code, out, _err = cdc("status", "--home", supervised)
    assert code == 1, "something is down"
    assert out.splitlines()[0] == f"instance here in {supervised}: supervisor runs"
    assert "can't find command '/nowhere/program'" in out
    (supervised / "supervisor" / "replicas" / "broken-0.json").unlink()
    assert cdc("status", "--home", supervised)[0] == 0
    subprocess.run(["kill", "-KILL", web["place"]], check=True)
    again = until(rows, lambda rows: rows["web-0"]["ready"] and rows["web-0"]["restarts"] == 1)["web-0"]
    assert again["place"] != web["place"]


TROUBLE = {
    "what": "connector",
    "name": "postgres-cdc",
    "state": "paused",
    "since": "2026-01-02T03:04:05+00:00",
    "reason": "somebody has paused it",
    "remedy": "Resume it.",
}
STOPPED = {"topic": "postgres.public.t", "partition": 3, "reason": "unreadable object", "since": None}


def serving(body: dict[str, Any]) -> http.server.ThreadingHTTPServer:
    """A service that runs, and answers its readiness probe so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_what_is_stuck_although_every_process_runs(supervised: Path, cdc) -> None:
    """Its readiness says it; the state of the processes does not."""
    body: dict[str, Any] = {"status": "UP"}
    server = serving(body)
    http_probe = {"host": "127.0.0.1", "port": server.server_address[1], "path": "/health/ready", "headers": {}}
    probes = {"readiness": {"http": http_probe, "timeout_seconds": 1}}
    replicas = supervised / "supervisor" / "replicas"
    (replicas / "broken-0.json").unlink()
    (replicas / "web-0.json").write_text(json.dumps(REPLICA | {"name": "web-0", "probes": probes}))
    try:
        until(lambda: cdc("status", "--home", supervised)[0], lambda code: code == 0)
        body |= {"troubles": [TROUBLE], "stopped": [STOPPED]}
        code, out, _err = cdc("status", "--home", supervised, "--json")
        document = json.loads(out)
        assert code == 1 and not document["up"] and document["processes"][0]["up"]
        assert document["stuck"][0] == {"component": "web", "process": "web-0", **TROUBLE}
        assert document["stuck"][1] == {
            "component": "web",
            "process": "web-0",
            "what": "partition",
            "name": "postgres.public.t-3",
            "state": "stopped",
            "since": None,
            "reason": "unreadable object",
            "remedy": "",
        }
        code, out, _err = cdc("status", "--home", supervised)
        assert code == 1
        lines = out.splitlines()
        assert "connector postgres-cdc" in lines[-2] and "somebody has paused it. Resume it." in lines[-2]
        assert lines[-1].split()[:5] == ["partition", "postgres.public.t-3", "stopped", "-", "web-0"]
        body["troubles"] = body["stopped"] = []
        body["notes"] = ["the first snapshot runs since 2026-01-02"]
        code, out, _err = cdc("status", "--home", supervised)
        assert code == 0 and out.splitlines()[-1] == "web-0: the first snapshot runs since 2026-01-02"
    finally:
        server.shutdown()
        server.server_close()


def test_a_supervisor_that_does_not_run(instance_in, cdc) -> None:
    home = instance_in()
    (home / "supervisor" / "replicas" / "kafka-0.json").write_text(json.dumps(REPLICA | {"name": "kafka-0"}))
    (home / "supervisor" / "replicas" / "kafka-1.json").write_text("{damaged")
    code, out, _err = cdc("status", "--home", home)
    assert code == 1
    assert "supervisor does not run; start it with `make start`" in out
    assert out.splitlines()[-1].split()[:3] == ["kafka-0", "ABSENT", "no"]


def test_nothing_is_set_up(instance_in, cdc) -> None:
    code, out, _err = cdc("status", "--home", instance_in())
    assert code == 1 and "It is not set up. Set it up with `make site`." in out


def test_only_ends_that_nobody_asked_for_are_restarts() -> None:
    log = """
2026-01-01 00:00:00,000 INFO exited: kafka-0 (exit status 1; not expected)
2026-01-01 00:00:01,000 INFO supervisord started with pid 7
2026-01-01 00:00:02,000 INFO spawned: 'kafka-0' with pid 8
2026-01-01 00:00:03,000 WARN exited: kafka-0 (terminated by SIGKILL; not expected)
2026-01-01 00:00:04,000 INFO spawned: 'kafka-0' with pid 9
2026-01-01 00:00:05,000 WARN exited: archive-0 (exit status 3; not expected)
2026-01-01 00:00:06,000 WARN stopped: archive-0 (exit status 0)
2026-01-01 00:00:07,000 INFO exited: kafka-0 (exit status 0; expected)
"""
    assert unasked_ends(log) == {"kafka-0": 2}


def a_cluster(**objects: Any) -> FakeCluster:
    statuses = [{"name": "kafka", "restartCount": 2, "state": {"running": {}}}]
    brokers = [pod("kafka-0", "kafka", containerStatuses=statuses, startTime="2026-01-01T00:00:00Z")]
    brokers.append(pod("kafka-1", "kafka", ready=False, containerStatuses=[waiting()]))
    return FakeCluster(
        {
            f"{NAMESPACE}/pods": [*brokers, pod("setup-x", "setup", ready=False, phase="Succeeded")],
            f"{APPS}/statefulsets": [controller("kafka", 3)],
            f"{APPS}/deployments": [controller("archive", 0)],
            "/api/v1/nodes/n1/proxy/stats/summary": stats({"kafka-0": 10}),
            **objects,
        }
    )


def waiting() -> dict[str, Any]:
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}
    return {"name": "kafka", "restartCount": 7, "state": state}


def in_a_cluster(instance_in, monkeypatch, cluster: FakeCluster) -> Path:
    monkeypatch.setattr(pods_module, "Cluster", lambda _where: cluster)
    return instance_in(runtime="kubernetes", cluster={"namespace": "data-ingestion"}, command="make INVENTORY=kind {}")


def test_the_pods_of_a_cluster(instance_in, cdc, monkeypatch) -> None:
    home = in_a_cluster(instance_in, monkeypatch, a_cluster())
    code, out, _err = cdc("status", "--home", home, "--json")
    assert code == 1
    document = json.loads(out)
    assert (document["instance"], document["runtime"], document["up"]) == ("here", "kubernetes", False)
    rows = {each["name"]: each for each in document["processes"]}
    assert rows["kafka-0"] == {
        "name": "kafka-0",
        "component": "kafka",
        "state": "Running",
        "ready": True,
        "up": True,
        "since": "2026-01-01T00:00:00+00:00",
        "restarts": 2,
        "memory_bytes": 10 * MIB,
        "memory_limit_bytes": 64 * MIB,
        "place": "n1",
        "detail": "",
    }
    assert (rows["kafka-1"]["state"], rows["kafka-1"]["restarts"]) == ("CrashLoopBackOff", 7)
    assert rows["kafka-1"]["detail"] == "kafka: CrashLoopBackOff, back-off 40s"
    assert (rows["kafka"]["state"], rows["kafka"]["detail"]) == ("Missing", "2 of 3 pods are there")
    assert (rows["archive"]["state"], rows["archive"]["up"]) == ("Stopped", False)
    assert rows["setup-x"]["up"], "a job that has ended well"
    assert "CrashLoopBackOff" in cdc("status", "--home", home)[1]


def test_all_is_well_in_a_cluster() -> None:
    rows = state_of([pod("kafka-0", "kafka")], [controller("kafka", 1)], {})
    assert [(row.name, row.up, row.memory) for row in rows] == [("kafka-0", True, None)]


class Answering(FakeCluster):
    """Its pods answer to their readiness probes; one cannot be asked."""

    def ask_ready(self, pod: Any, seconds: float = 10.0, login: Login | None = None, ca: str = "") -> bytes:
        if pod["metadata"]["name"] == "archive-0":
            raise ClusterError("pods/portforward is forbidden", 403)
        return json.dumps({"troubles": [TROUBLE]}).encode()


def test_what_pods_say_is_stuck(instance_in, cdc, monkeypatch) -> None:
    pods = [pod(f"{name}-0", name) for name in ("connectors", "archive", "kafka")]
    cluster = Answering({f"{NAMESPACE}/pods": pods})
    home = in_a_cluster(instance_in, monkeypatch, cluster)
    code, out, _err = cdc("status", "--home", home, "--json")
    document = json.loads(out)
    assert code == 1 and [each["process"] for each in document["stuck"]] == ["connectors-0"]
    sentence = "archive-0: what is stuck cannot be queried: pods/portforward is forbidden"
    assert document["notes"] == [sentence]
    _code, out, _err = cdc("status", "--home", home)
    assert "somebody has paused it" in out and out.splitlines()[-1] == sentence


def test_a_pod_is_asked_by_a_tunnel() -> None:
    """Through the API server, at the port of its readiness probe."""
    server = serving({"troubles": [TROUBLE]})
    asked = []

    class Client:
        def tunnel(self, path: str, port: int, connection: socket.socket) -> None:
            asked.append(path)
            with socket.create_connection(("127.0.0.1", port)) as pods:
                pods.sendall(connection.recv(65536))
                while data := pods.recv(65536):
                    connection.sendall(data)

    cluster = FakeCluster({})
    cluster._client = Client()
    there = pod("connectors-0", "connectors")
    assert cluster.ask_ready(there) == b"", "without such a probe there is nothing to ask"
    container = there["spec"]["containers"][0]
    container["readinessProbe"] = {"httpGet": {"path": "/health/ready", "port": "http"}}
    container["ports"] = [{"name": "http", "containerPort": server.server_address[1]}]
    try:
        assert json.loads(cluster.ask_ready(there)) == {"troubles": [TROUBLE]}
    finally:
        server.shutdown()
        server.server_close()
    assert asked == [f"{NAMESPACE}/pods/connectors-0"]
    with pytest.raises(ClusterError, match="connectors-0 does not answer on port"):
        cluster.ask_ready(there)


def test_a_cluster_that_refuses(instance_in, cdc, monkeypatch) -> None:
    def refuse() -> None:
        raise ClusterError("pods is forbidden", 403)

    summary = "/api/v1/nodes/n1/proxy/stats/summary"
    home = in_a_cluster(instance_in, monkeypatch, a_cluster(**{summary: refuse}))
    rows = json.loads(cdc("status", "--home", home, "--json")[1])["processes"]
    assert {each["memory_bytes"] for each in rows} == {None}, "who may not ask the kubelet still sees the rest"
    home = in_a_cluster(instance_in, monkeypatch, a_cluster(**{f"{NAMESPACE}/pods": refuse}))
    code, _out, err = cdc("status", "--home", home)
    assert (code, err) == (1, "Error: The pods in the namespace data-ingestion cannot be queried: pods is forbidden\n")
