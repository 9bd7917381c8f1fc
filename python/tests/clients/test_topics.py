"""Ends of partitions while their leaders move, and committed offsets while their coordinator does."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from cdc_pipeline.clients import topics
from confluent_kafka import KafkaError, KafkaException, TopicPartition


class Admin:
    """Fails as told, then answers; a failure goes when the leaders are looked up anew."""

    def __init__(self, *failures: int) -> None:
        self.failures = list(failures)

    def list_topics(self, timeout: float) -> None:
        self.failures.pop(0)

    def list_offsets(self, wanted: dict[TopicPartition, Any], **_: Any) -> dict[TopicPartition, Future[Any]]:
        code = self.failures[0] if self.failures else None
        futures: dict[TopicPartition, Future[Any]] = {}
        for at in wanted:
            futures[at] = Future()
            if code is None:
                futures[at].set_result(SimpleNamespace(offset=7))
            else:
                futures[at].set_exception(KafkaException(KafkaError(code)))
        return futures


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "_PAUSE_SECONDS", 0.0)


def test_a_leader_that_moves_is_asked_again() -> None:
    admin = Admin(KafkaError.FENCED_LEADER_EPOCH, KafkaError.NOT_LEADER_FOR_PARTITION)
    assert topics.ends(admin, [("t", 0), ("t", 1)]) == {("t", 0): 7, ("t", 1): 7}


def test_other_errors_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KafkaException):
        topics.ends(Admin(KafkaError.TOPIC_AUTHORIZATION_FAILED), [("t", 0)])
    monkeypatch.setattr(topics, "_MOVES_SECONDS", 0.0)
    with pytest.raises(KafkaException):
        topics.ends(Admin(*[KafkaError.FENCED_LEADER_EPOCH] * 3), [("t", 0)])


class Group:
    """Fails as told, then answers."""

    def __init__(self, *failures: int) -> None:
        self.failures = list(failures)

    def committed(self, asked: list[TopicPartition], _: float) -> list[TopicPartition]:
        if self.failures:
            raise KafkaException(KafkaError(self.failures.pop(0)))
        return [TopicPartition(at.topic, at.partition, 5) for at in asked]


def test_a_coordinator_that_moves_is_asked_again() -> None:
    group = Group(KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS)
    assert topics.committed(group, [("t", 0)]) == {("t", 0): (5, "")}
    with pytest.raises(KafkaException):
        topics.committed(Group(KafkaError.GROUP_AUTHORIZATION_FAILED), [("t", 0)])
