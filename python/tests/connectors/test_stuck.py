"""The service with a connector that is stuck: what it says, restarts, and keeps to itself."""

from __future__ import annotations

import json
import logging
import time
import urllib.error
import urllib.request
from itertools import pairwise
from typing import Any

import httpx
import pytest
from cdc_pipeline.connectors.cli import bound
from cdc_pipeline.connectors.judge import Expected, Judge
from cdc_pipeline.connectors.observed import Holder, Slot, Source
from cdc_pipeline.connectors.restarts import Restarts
from cdc_pipeline.connectors.service import Service
from cdc_pipeline.connectors.workers import Workers
from cdc_pipeline.endpoints import KafkaConnectEndpoint
from cdc_pipeline.serving import listen
from cdc_pipeline.trouble import says_troubles, troubles_in

CAUSE = "org.apache.kafka.connect.errors.DataException: field name duplication"
TRACE = f"ConnectException: Tolerance exceeded\n\tat x\nCaused by: {CAUSE}\n\tat y\n"
OURS = Holder(7, "debezium", "Debezium Streaming", True)


class Pipeline:
    """A connector and its slot. ``poisoned``: whether every restart leads to the same failure."""

    def __init__(self) -> None:
        self.state, self.task = "RUNNING", "RUNNING"
        self.there = True
        self.poisoned = False
        self.cause = TRACE
        self.confirmed, self.end = 100, 200
        self.offset = 0x1_0000_0010
        self.asked: list[tuple[float, str]] = []
        self.now = 0.0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.asked.append((self.now, f"{request.method} {path}"))
        if request.method == "POST":
            self.task = "FAILED" if self.poisoned else "RUNNING"
            return httpx.Response(202)
        if path.endswith("/offsets"):
            return httpx.Response(200, json={"offsets": [{"partition": {}, "offset": {"lsn": self.offset}}]})
        failed = {"trace": self.cause} if self.task == "FAILED" else {}
        tasks = [{"id": 0, "state": self.task, **failed}]
        status = {"name": "cdc", "connector": {"state": self.state}, "tasks": tasks}
        return httpx.Response(200, json={"cdc": {"status": status}} if self.there else {})

    def latest(self) -> tuple[Source | None, str]:
        return Source(Slot(True, "reserved", self.confirmed, 50, 9000, OURS), self.end, 10000), ""

    def times(self, text: str) -> list[float]:
        return [at for at, call in self.asked if text in call]


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def service(pipeline: Pipeline) -> Service:
    workers = Workers(KafkaConnectEndpoint("http://w:1"), transport=httpx.MockTransport(pipeline))
    hung = Restarts(300, 3600, 7200, delay=0)
    judge = Judge(Expected(("cdc",), "cdc", "debezium"))
    return Service(workers, Restarts(), judge, pipeline, hung, clock=lambda: pipeline.now)


def run(service: Service, pipeline: Pipeline, seconds: float, every: float = 2.0) -> None:
    end = pipeline.now + seconds
    while pipeline.now < end:
        pipeline.now += every
        service.look()


def test_a_hung_task_is_said_restarted_and_restarted_ever_more_rarely(pipeline: Pipeline, service: Service, caplog):
    with caplog.at_level(logging.INFO, "cdc-connectors"):
        run(service, pipeline, 10000, 10)
    times = pipeline.times("POST")
    assert 300 <= times[0] <= 310, "once after the stated time"
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert [round(pause, -2) for pause in pauses] == [600, 1200, 2400, 3600]
    assert pipeline.asked[-1][1].startswith("GET") and {call for _at, call in pipeline.asked if "POST" in call} == {
        "POST /connectors/cdc/restart?includeTasks=true&onlyFailed=false"
    }
    (trouble,) = service.troubles()
    assert (trouble["what"], trouble["name"], trouble["state"]) == ("connector", "cdc", "stuck")
    assert len(pipeline.times("/offsets")) <= 10000 / 60 + 1
    said = [line.message for line in caplog.records if line.message != "restarted"]
    assert said == ["stuck"], "a line when it changes, not at every look"
    pipeline.confirmed += 1
    with caplog.at_level(logging.INFO, "cdc-connectors"):
        run(service, pipeline, 4)
    assert service.troubles() == [] and caplog.records[-1].message == "over"


def test_what_fails_again_at_the_same_position_waits_longer_and_says_where(pipeline: Pipeline, service: Service):
    pipeline.poisoned, pipeline.task = True, "FAILED"
    run(service, pipeline, 4000)
    times = pipeline.times("POST")
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert [round(pause) for pause in pauses[:7]] == [10, 20, 40, 60, 60, 60, 60]
    longer = [round(pause) for pause in pauses[7:]]
    assert len(longer) > 4 and longer == [120, 240, 480, *[600] * (len(longer) - 3)]
    assert len(pipeline.times("/offsets")) == len(times) + 1, "once for each failure"
    (trouble,) = service.troubles()
    assert trouble["state"] == "failing"
    assert f"at the same position (after LSN 1/10): {CAUSE}" in trouble["reason"] and trouble["remedy"]
    pipeline.poisoned = False
    while pipeline.task == "FAILED":
        run(service, pipeline, 2)
    run(service, pipeline, 4)
    assert service.troubles(), "it may fail again"
    pipeline.confirmed += 1
    run(service, pipeline, 4)
    assert service.troubles() == [], "it made progress"


def test_a_server_that_is_away_is_asked_every_minute(pipeline: Pipeline, service: Service):
    """It fails in the same way at the same position for hours, and recovers soon after the server is back."""
    pipeline.poisoned, pipeline.task = True, "FAILED"
    pipeline.cause = "ConnectException: x\nCaused by: java.net.ConnectException: Connection refused\n\tat y\n"
    run(service, pipeline, 3000)
    times = pipeline.times("POST")
    assert max(later - earlier for earlier, later in pairwise(times)) < 65
    assert [each["state"] for each in service.troubles()] == ["failing"]


def test_a_failure_elsewhere_is_another_one(pipeline: Pipeline, service: Service):
    """As in a large transaction with an outage now and then: the offset moves, the slot does not."""
    pipeline.poisoned, pipeline.task = True, "FAILED"
    for _time in range(1500):
        run(service, pipeline, 2)
        pipeline.offset += 1
    times = pipeline.times("POST")
    assert max(later - earlier for earlier, later in pairwise(times)) < 65
    assert {each["state"] for each in service.troubles()} == {"failed"}


def test_readiness_metrics_and_status_say_what_is_stuck(pipeline: Pipeline, service: Service):
    pipeline.state = pipeline.task = "PAUSED"
    run(service, pipeline, 40)
    server = listen(bound(service), "127.0.0.1", 0)
    try:
        answers = {path: fetch(server.server_address[1], path) for path in ("/health/ready", "/status", "/metrics")}
    finally:
        server.shutdown()
        server.server_close()
    assert json.loads(answers["/health/ready"])["status"] == "UP", "a rollout does not wait for what waits for somebody"
    assert says_troubles(answers["/health/ready"])
    (trouble,) = troubles_in(answers["/health/ready"])
    assert (trouble.what, trouble.name, trouble.state) == ("connector", "cdc", "paused")
    assert "resume" in trouble.remedy and trouble.since is not None
    status = json.loads(answers["/status"])
    assert status["troubles"][0]["state"] == "paused" and status["connectors"]["cdc"]["tasks"] == {"0": "PAUSED"}
    assert status["slot"]["confirmed_flush_lsn"] == "0/64" and status["slot"]["retained_bytes"] == 150
    for line in (
        'cdc_connectors_troubles{state="paused",what="connector"} 1.0',
        "cdc_connectors_slot_active 1.0",
        "cdc_connectors_slot_retained_bytes 150.0",
        "cdc_connectors_slot_lag_bytes 100.0",
        "cdc_connectors_postgresql_up 1.0",
        'cdc_connectors_slot_wal_status{status="reserved"} 1.0',
    ):
        assert line in answers["/metrics"].splitlines()
    pipeline.state = pipeline.task = "RUNNING"
    run(service, pipeline, 2)
    value = service.registry.get_sample_value
    assert value("cdc_connectors_troubles", {"what": "connector", "state": "paused"}) == 0
    labels = {"what": "connector", "state": "paused"}
    assert value("cdc_connectors_trouble_start_timestamp_seconds", labels) is None


def test_a_connector_that_the_process_itself_has_paused_is_not_somebodys(pipeline: Pipeline, service: Service):
    pipeline.state = pipeline.task = "PAUSED"
    service.waits = lambda: "a broker is full"
    run(service, pipeline, 40)
    assert [(each["state"], each["reason"]) for each in service.troubles()] == [("waiting", "a broker is full")]


def test_a_connector_that_was_deleted_is_absent(pipeline: Pipeline, service: Service):
    run(service, pipeline, 10)
    pipeline.there = False
    run(service, pipeline, 40)
    assert [(each["name"], each["state"]) for each in service.troubles()] == [("cdc", "absent")]
    pipeline.there = True
    run(service, pipeline, 2)
    assert service.troubles() == []


def test_no_secret_is_said(pipeline: Pipeline, service: Service, caplog):
    pipeline.task = "FAILED"
    pipeline.cause = "Caused by: X: http://w:hush-hush@registry:1 refused, password=hush-hush; a.secret: 'hush-hush'"
    with caplog.at_level(logging.INFO, "cdc-connectors"):
        service.look()
    (trouble,) = service.troubles()
    said = json.dumps([trouble, service.not_ready(), [vars(line) for line in caplog.records]], default=str)
    assert "hush-hush" not in said and "registry:1 refused" in said


def fetch(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def test_the_archives_partitions_are_troubles_of_the_same_shape():
    body: dict[str, Any] = {
        "status": "UP",
        "stopped": [{"topic": "t", "partition": 3, "reason": "unreadable", "since": "2026-01-02T03:04:05+00:00"}],
        "waiting": [{"topic": "t", "partition": 4, "reason": "store away", "since": 1767323045}],
    }
    stopped, waiting = troubles_in(json.dumps(body))
    assert (stopped.what, stopped.name, stopped.state, stopped.reason) == ("partition", "t-3", "stopped", "unreadable")
    assert stopped.since == waiting.since == 1767323045 and waiting.state == "waiting"
    body["waiting"][0]["since"] = time.time() - 5
    assert [each.state for each in troubles_in(json.dumps(body))] == ["stopped"], "it may work at the next attempt"
    for other in ("", "no json", "[1]", '{"stopped": 3}', '{"troubles": ["x"]}'):
        assert troubles_in(other) == []
    assert not says_troubles(json.dumps(body)) and not says_troubles("[]")
