"""What is restarted, when, and what is said of it."""

from __future__ import annotations

import dataclasses
import http.server
import json
import logging
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

import httpx
import pytest
from cdc_pipeline.connectors.cli import main
from cdc_pipeline.connectors.judge import Expected, Judge
from cdc_pipeline.connectors.restarts import Restarts
from cdc_pipeline.connectors.service import Service
from cdc_pipeline.connectors.workers import Failure, Workers, WorkersError, failures, root_cause
from cdc_pipeline.endpoints import KafkaConnectEndpoint, Login
from certificates import https_server
from hypothesis import given
from hypothesis import strategies as st

TRACE = "ConnectException: tolerance exceeded\n\tat x\nCaused by: IOException: wrapped\nCaused by: refused\n\tat y\n"


class Connect:
    """Kafka Connect's REST interface, as far as it is used, with one connector."""

    def __init__(self) -> None:
        self.states = {"connector": "RUNNING", 0: "RUNNING", 1: "RUNNING"}
        self.heals = True
        self.away: set[str] = set()
        self.rebalances = False
        self.there = True
        self.offset = {"lsn": 0x1_0000_0010, "ts_usec": 1}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host in self.away:
            raise httpx.ConnectError("refused", request=request)
        self.asked.append(f"{request.method} {request.url.host} {request.url.raw_path.decode()}")
        if request.method == "POST":
            if self.rebalances:
                return httpx.Response(409, json={"message": "a rebalance is in process"})
            if self.heals:
                self.states = dict.fromkeys(self.states, "RUNNING")
            return httpx.Response(202)
        if request.url.path.endswith("/offsets"):
            return httpx.Response(200, json={"offsets": [{"partition": {"server": "p"}, "offset": self.offset}]})
        return httpx.Response(200, json={"cdc": {"status": self._status()}} if self.there else {})

    def _status(self) -> dict[str, Any]:
        def shown(state: str) -> dict[str, str]:
            return {"state": state, "worker_id": "w"} | ({"trace": TRACE} if state == "FAILED" else {})

        tasks = [{"id": part, **shown(state)} for part, state in self.states.items() if part != "connector"]
        return {"name": "cdc", "connector": shown(self.states["connector"]), "tasks": tasks, "type": "source"}

    @property
    def restarts(self) -> int:
        return sum(call.startswith("POST") for call in self.asked)


@pytest.fixture
def connect() -> Connect:
    return Connect()


@pytest.fixture
def workers(connect: Connect) -> Workers:
    return Workers(
        KafkaConnectEndpoint("http://a:1", ("http://a:1", "http://b:1")), transport=httpx.MockTransport(connect)
    )


def test_failures_name_their_root_cause(connect: Connect, workers: Workers):
    connect.states |= {"connector": "FAILED", 1: "FAILED"}
    assert failures(workers.connectors()) == [Failure("cdc", None, "refused"), Failure("cdc", 1, "refused")]
    assert root_cause("only a line") == "only a line"


def test_only_what_failed_is_restarted_by_any_worker(connect: Connect, workers: Workers):
    connect.away = {"a"}
    workers.restart_failed("cdc")
    assert connect.asked == ["POST b /connectors/cdc/restart?includeTasks=true&onlyFailed=true"]
    connect.away = {"a", "b"}
    with pytest.raises(WorkersError, match="http://a:1: refused; http://b:1: refused"):
        workers.connectors()


def test_pauses_grow_and_begin_anew_after_a_steady_time():
    restarts = Restarts(first=5, most=30, steady=100)
    times, now = [], 0.0
    while now < 120:
        if restarts.due({"cdc"}, now):
            restarts.restarted("cdc", now)
            times.append(now)
        now += 1
    assert times == [5, 15, 35, 65, 95]
    assert restarts.due((), 190) == [] and restarts.due({"cdc"}, 191) == ["cdc"], "it was not steady for long enough"
    restarts.restarted("cdc", 191)
    assert restarts.due((), 292) == [] and restarts.due({"cdc"}, 293) == [] and restarts.due({"cdc"}, 298) == ["cdc"]


@pytest.mark.parametrize(
    ("causes", "positions", "same"),
    [
        (["at 12:01", "at 12:02"], ["1"], True),
        (["a"], ["1", None], True),
        (["a"], [None], True),
        (["a", "b"], ["1"], False),
        (["a"], ["1", "2"], False),
    ],
)
def test_the_same_failure_is_one_by_its_cause_and_its_position(causes, positions, same):
    restarts = Restarts()
    for number in range(10):
        now = number * 1000.0
        restarts.due({"cdc"}, now)
        restarts.failed("cdc", causes[number % len(causes)], positions[number % len(positions)])
        restarts.restarted("cdc", now)
    assert [each.times for each in restarts.repeats().values()] == ([10] if same else [])


def test_what_recovers_by_itself_is_forgotten():
    restarts = Restarts(first=5)
    assert restarts.due({"cdc"}, 0) == [] and restarts.due((), 4) == [] and restarts.due({"cdc"}, 6) == []


@given(st.lists(st.tuples(st.floats(0.1, 40), st.sets(st.sampled_from("abc"))), max_size=60))
def test_restarts_are_never_closer_than_the_first_pause(looks):
    restarts, now, last = Restarts(first=5, most=60), 0.0, {}
    for pause, failed in looks:
        now += pause
        for name in restarts.due(failed, now):
            assert name in failed and now - last.get(name, -5) >= 5
            last[name] = now
            restarts.restarted(name, now)


def metric(service: Service, name: str, **labels: str) -> float | None:
    return service.registry.get_sample_value(name, labels)


def test_a_failed_task_is_restarted(connect: Connect, workers: Workers, caplog):
    now = [0.0]
    service = Service(workers, Restarts(), Judge(Expected()), clock=lambda: now[0])
    connect.states[1] = "FAILED"
    with caplog.at_level(logging.INFO, "cdc-connectors"):
        for now[0] in (0, 2, 4):
            service.look()
            assert connect.restarts == 0 and metric(service, "cdc_connectors_failed") == 1
            assert service.not_ready() == ["cdc, task 1: refused"]
        for now[0] in (6, 8, 10):
            service.look()
    assert connect.restarts == 1 and connect.states[1] == "RUNNING"
    assert metric(service, "cdc_connectors_restarts_total", connector="cdc") == 1
    assert metric(service, "cdc_connectors_failed") == 0 and service.not_ready() == []
    assert [(line.message, getattr(line, "reason", None)) for line in caplog.records] == [
        ("failed", "refused"),
        ("restarted", None),
    ]


def test_what_no_restart_mends_is_not_waited_for(connect: Connect, workers: Workers):
    now = [0.0]
    service = Service(workers, Restarts(), Judge(Expected()), clock=lambda: now[0])
    connect.states[0], connect.heals = "FAILED", False
    ready = []
    for now[0] in range(0, 80, 2):
        service.look()
        ready.append(not service.not_ready())
    assert connect.restarts >= 3 and ready.index(True) * 2 == 36 and all(ready[18:])
    assert metric(service, "cdc_connectors_failed") == 1


def test_a_restart_that_was_refused_is_tried_again(connect: Connect, workers: Workers):
    now = [0.0]
    service = Service(workers, Restarts(), Judge(Expected()), clock=lambda: now[0])
    connect.states[0], connect.rebalances = "FAILED", True
    for now[0] in (0, 6):
        service.look()
    assert connect.states[0] == "FAILED" and metric(service, "cdc_connectors_connect_up") == 0
    assert "a rebalance is in process" in service.not_ready()[0]
    connect.rebalances, now[0] = False, 8.0
    service.look()
    assert connect.states[0] == "RUNNING" and metric(service, "cdc_connectors_connect_up") == 1


def test_one_that_cannot_be_restarted_keeps_no_other_from_it(caplog):
    restarted = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            restarted.append(request.url.raw_path.decode().split("/")[2])
            return httpx.Response(500 if restarted[-1] == "a" else 202)
        broken = {"status": {"connector": {"state": "FAILED", "trace": TRACE}, "tasks": []}}
        return httpx.Response(200, json={"a": broken, "b/c": broken})

    now = [0.0]
    service = Service(
        Workers(KafkaConnectEndpoint("http://w:1"), transport=httpx.MockTransport(answer)),
        Restarts(),
        Judge(Expected()),
        clock=lambda: now[0],
    )
    for now[0] in (0, 6):
        service.look()
    assert restarted == ["a", "b%2Fc"] and metric(service, "cdc_connectors_connect_up") == 0


def test_what_is_paused_or_stopped_is_left_alone(connect: Connect, workers: Workers):
    now = [0.0]
    service = Service(workers, Restarts(), Judge(Expected()), clock=lambda: now[0])
    connect.states = {"connector": "STOPPED", 0: "PAUSED"}
    for now[0] in range(0, 100, 10):
        service.look()
    assert connect.restarts == 0


def test_it_is_alive_while_it_looks(workers: Workers):
    now = [0.0]
    service = Service(workers, Restarts(), Judge(Expected()), clock=lambda: now[0])
    assert service.alive()
    now[0] = 121.0
    assert not service.alive()


def test_workers_are_asked_by_tls_and_with_the_login(authority, stranger):
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments):
            pass

    with https_server(Handler, authority.context("127.0.0.1")) as port:
        where = KafkaConnectEndpoint(f"https://127.0.0.1:{port}", (), str(authority.ca), writer=Login("u", "p"))
        assert Workers(where).connectors() == {} and seen == ["Basic dTpw"]
        with pytest.raises(WorkersError, match="CERTIFICATE_VERIFY_FAILED"):
            Workers(dataclasses.replace(where, ca=str(stranger.ca))).connectors()
    assert len(seen) == 1


def test_wrong_arguments(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--workers", "http://a:1", "--port", "1", "--first", "9", "--most", "3"])
    assert "--first must be" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--workers", "http://a:1,b:1", "--port", "1"])
    assert "b:1 must begin with http:// or https://" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--workers", "https://a:1", "--port", "1", "--ca", "/no/such.pem"])
    assert "/no/such.pem" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--workers", "http://a:1", "--port", "1", "--slot", "debezium"])
    assert "--slot, --postgresql and --cdc belong together" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--workers", "http://a:1", "--port", "1", "--stuck", "0"])
    assert "--stuck must be more than 0" in capsys.readouterr().err


def test_a_certificate_that_cannot_be_served(authority, capsys):
    certificate, _ = authority.certificate("localhost")
    given = ["--workers", "http://a:1", "--port", "1", "--certificate", str(certificate)]
    with pytest.raises(SystemExit, match="2"):
        main(given)
    assert "--certificate and --key belong together" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([*given, "--key", "/no/such.pem"])
    assert "/no/such.pem" in capsys.readouterr().err


def test_a_wrong_login_file_is_refused_and_not_shown(tmp_path, capsys):
    file = tmp_path / "login.json"
    refused = ('{"username": "u", "secret', '{"username": "secret"}', '["secret"]')
    for text, option in [(text, option) for text in refused for option in ("--login", "--served-login")]:
        file.write_text(text)
        with pytest.raises(SystemExit, match="2"):
            main(["--workers", "http://a:1", "--port", "1", option, str(file)])
        said = capsys.readouterr().err
        assert f"{option}: {file} is not a JSON object of username and password" in said and "secret" not in said
    for text in ('{"password": "secret', '{"host": "h", "port": "secret"}', '["secret"]'):
        file.write_text(text)
        with pytest.raises(SystemExit, match="2"):
            main(["--workers", "http://a:1", "--port", "1", "--cdc", "c", "--slot", "s", "--postgresql", str(file)])
        said = capsys.readouterr().err
        assert f"--postgresql: {file}" in said and "secret" not in said


def test_the_process_answers_and_ends_in_order():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "cdc_pipeline.connectors.cli",
        "--workers",
        "http://127.0.0.1:1",
        "--port",
        str(port),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live") as answer:
                    assert json.load(answer) == {"status": "UP"}
                with pytest.raises(urllib.error.HTTPError) as caught:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready")
                assert caught.value.code == 503 and json.load(caught.value)["reasons"]
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                    assert b"cdc_connectors_failed" in answer.read()
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(output.splitlines()[0])["message"] == "Kafka Connect does not do what it is asked"
