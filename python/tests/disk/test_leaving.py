"""Which topics are on their way out of the archive; the brokers are a stand-in."""

from __future__ import annotations

import io
import json
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from cdc_pipeline.disk import leaving as tool
from cdc_pipeline.disk.leaving import Request, former, leaving
from cdc_pipeline.endpoints import KafkaEndpoint
from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException

REQUEST = Request(KafkaEndpoint("b:9092"), "archive", "postgres.", ("postgres.public.a",))
THERE = {
    "postgres.public.a",
    "postgres.public.a.dlq",
    "postgres.public.b",
    "postgres.public.b.dlq",
    "postgres.other",
    "elsewhere.public.c",
    "elsewhere.public.c.dlq",
    "__debezium-heartbeat.postgres",
}


def test_topics_of_tables_that_were_taken_out() -> None:
    assert former(THERE, REQUEST) == ["postgres.public.b"]


def test_one_leaves_while_it_is_read_or_has_what_is_not_archived() -> None:
    assert leaving(["x", "y", "z"], {"x": 3}, {"y"}) == {"x": 3, "y": 0}
    assert leaving(["x"], {"x": 0}, set()) == {}


class Cluster:
    """Brokers with one partition of each topic: committed offset and end by topic, the latter of a marker or not."""

    def __init__(self, committed: dict[str, int], records: dict[str, list[int]], ends: dict[str, int]) -> None:
        self.committed, self.records, self.ends = committed, records, ends
        self.assigned: list[str] | KafkaError = []

    def list_topics(self, timeout: float) -> Any:
        return SimpleNamespace(topics=dict.fromkeys(THERE))

    def describe_consumer_groups(self, groups: list[str], request_timeout: float) -> dict[str, Future[Any]]:
        future: Future[Any] = Future()
        if isinstance(self.assigned, KafkaError):
            future.set_exception(KafkaException(self.assigned))
        else:
            read = SimpleNamespace(topic_partitions=[SimpleNamespace(topic=topic) for topic in self.assigned])
            future.set_result(
                SimpleNamespace(state=ConsumerGroupState.STABLE, members=[SimpleNamespace(assignment=read)])
            )
        return {groups[0]: future}

    def close(self) -> None:
        """As a consumer."""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster({}, {}, {"postgres.public.b": 0})
    monkeypatch.setattr(tool.kafka, "admin", lambda where: made)
    monkeypatch.setattr(tool.kafka, "consumer", lambda where, settings: made)
    monkeypatch.setattr(tool.topics, "partitions_of", lambda admin, names: [(name, 0) for name in names])
    monkeypatch.setattr(
        tool.topics,
        "ends",
        lambda admin, wanted, earliest=False: {at: 0 if earliest else made.ends.get(at[0], 0) for at in wanted},
    )
    monkeypatch.setattr(
        tool.topics,
        "committed",
        lambda group, wanted: {at: (made.committed[at[0]], "") for at in wanted if at[0] in made.committed},
    )

    def read(consumer: Any, begin: dict[tuple[str, int], int], seconds: float) -> Any:
        for (topic, _), offset in begin.items():
            for record in made.records.get(topic, []):
                if record >= offset:
                    yield SimpleNamespace(topic=lambda topic=topic: topic)

    monkeypatch.setattr(tool.topics, "read", read)
    return made


def test_what_is_not_archived_is_counted(cluster: Cluster) -> None:
    cluster.ends["postgres.public.b"], cluster.records["postgres.public.b"] = 5, [0, 1, 2, 3]
    assert tool.look(REQUEST) == {"postgres.public.b": 4}
    cluster.committed["postgres.public.b"] = 3
    assert tool.look(REQUEST) == {"postgres.public.b": 1}
    # What is left is a transaction's marker.
    cluster.committed["postgres.public.b"] = 4
    assert tool.look(REQUEST) == {}


def test_what_is_still_read_leaves_later(cluster: Cluster) -> None:
    cluster.assigned = ["postgres.public.a", "postgres.public.b"]
    assert tool.look(REQUEST) == {"postgres.public.b": 0}
    cluster.assigned = KafkaError(KafkaError.GROUP_ID_NOT_FOUND)
    assert tool.look(REQUEST) == {}


def test_what_is_asked_and_answered(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.assigned = ["postgres.public.b"]
    asked = {"kafka": {"bootstrap_servers": "b:9092", "client": {}}, "group": "archive", "prefix": "postgres."}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({**asked, "topics": ["postgres.public.a"]})))
    assert tool.main([]) == 0
    assert json.loads(capsys.readouterr().out) == {"postgres.public.b": 0}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(asked)))
    assert tool.main([]) == 2
    cluster.assigned = KafkaError(KafkaError.BROKER_NOT_AVAILABLE)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({**asked, "topics": []})))
    assert tool.main([]) == 1
    assert "Kafka at b:9092" in capsys.readouterr().err
