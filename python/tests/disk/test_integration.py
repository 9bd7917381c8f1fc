"""On brokers that run (CDC_ENDPOINTS): large records, sizes of replicas, and deletion by the keeper."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from cdc_pipeline.archive import tile
from cdc_pipeline.clients import kafka, topics
from cdc_pipeline.disk.keeper import Brokers, Keeper, Reader, Settings
from cdc_pipeline.endpoints import KafkaEndpoint
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType
from prometheus_client import CollectorRegistry

pytestmark = pytest.mark.integration
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def where() -> KafkaEndpoint:
    path = os.environ.get("CDC_ENDPOINTS")
    if not path:
        pytest.skip("CDC_ENDPOINTS is not set")
    found = json.loads(Path(path).read_text())["kafka"]
    return KafkaEndpoint(found["bootstrap_servers"], found.get("client") or {})


@pytest.fixture
def admin(where: KafkaEndpoint) -> AdminClient:
    return kafka.admin(where)


@pytest.fixture
def topic(admin: AdminClient) -> Iterator[str]:
    """A topic of one partition and small segments, without settings for its records' size: the brokers' hold."""
    name = f"disk-test-{uuid.uuid4().hex[:8]}"
    config = {"segment.bytes": str(20 * MIB), "file.delete.delay.ms": "1000"}
    admin.create_topics([NewTopic(name, 1, -1, config=config)])[name].result(30)
    while name not in admin.list_topics(timeout=10).topics:
        time.sleep(0.1)
    yield name
    admin.delete_topics([name])[name].result(30)


class Nobody:
    """A connector that nothing is to be asked of."""

    def pause(self, name: str) -> None:
        raise AssertionError(name)

    resume = pause


def settings_of(where: KafkaEndpoint, reader: Reader, limit: int, keep_seconds: float) -> Settings:
    heartbeat = reader.topics[0]
    return Settings(where.bootstrap_servers, (reader,), heartbeat, limit, keep_seconds, "c", dict(where.client))


def commit(where: KafkaEndpoint, group: str, topic: str, offset: int, metadata: str) -> None:
    consumer = kafka.consumer(where, {"group.id": group, "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(topic, 0, offset, metadata)], asynchronous=False)
    consumer.close()


def write(where: KafkaEndpoint, topic: str, *values: bytes) -> None:
    producer: Producer = kafka.producer(where, {"message.max.bytes": kafka.LARGEST, "compression.type": "lz4"})
    problems: list[object] = []
    for value in values:
        producer.produce(topic, value, on_delivery=lambda error, _: problems.append(error) if error else None)
        producer.flush(60)
    assert problems == []


def test_a_record_of_the_largest_row_and_its_dead_letter_pass(where: KafkaEndpoint, topic: str) -> None:
    # Not to be compressed: a row of 16 MiB, and the same with a mebibyte and a half around it.
    sizes = [16 * MIB, 17 * MIB + MIB // 2, 10]
    write(where, topic, *(os.urandom(size) for size in sizes))
    # With a consumer's defaults.
    consumer = kafka.consumer(where, {"group.id": "t", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    seen: list[int] = []
    deadline = time.monotonic() + 60
    while len(seen) < len(sizes) and time.monotonic() < deadline:
        message = consumer.poll(1)
        if message is not None:
            assert message.error() is None, message.error()
            seen.append(len(message.value()))
    consumer.close()
    assert seen == sizes


def test_archived_records_leave_the_brokers_and_no_others(where: KafkaEndpoint, admin: AdminClient, topic: str) -> None:
    write(where, topic, *(os.urandom(5 * MIB) for _ in range(24)))
    reader = Reader(f"g-{topic}", (topic,))
    brokers = Brokers(settings_of(where, reader, 10**15, 10**9))
    at = (topic, 0)
    before = [held[at] for held in brokers.brokers().values() if at in held]
    assert before and all(120 * MIB <= size < 121 * MIB for size in before)
    assert brokers.partitions()[at].archived is None
    # As the archive commits.
    source = tile.Source(topic, topics.topic_ids(admin, [topic])[topic], 0)
    commit(where, reader.group, topic, 16, tile.name(source, 8))
    assert brokers.partitions()[at].archived == 16

    keeper = Keeper(settings_of(where, reader, 10**6, 10**9), _Full(brokers), Nobody(), CollectorRegistry())
    keeper.look()
    assert topics.ends(admin, [at], earliest=True)[at] == 16
    deadline = time.monotonic() + 120
    while any(held.get(at, 0) > 65 * MIB for held in brokers.brokers().values()):
        assert time.monotonic() < deadline, "the segments are still there"
        time.sleep(1)


def test_old_records_go_once_they_are_archived_and_not_before(
    where: KafkaEndpoint, admin: AdminClient, topic: str
) -> None:
    """The archive stands still for longer than records are kept: nothing of what it has to read goes."""
    admin.incremental_alter_configs([_kept_for_ever(topic)])[_kept_for_ever(topic)].result(30)
    write(where, topic, *(b"old" for _ in range(20)))
    reader = Reader(f"g-{topic}", (topic,), names_ids=False)
    settings = settings_of(where, reader, 10**15, keep_seconds=3.0)
    brokers = Brokers(settings)
    at = (topic, 0)
    began = time.time()

    def look() -> tuple[int, int]:
        Keeper(settings, brokers, Nobody(), CollectorRegistry()).look()
        return topics.ends(admin, [at], earliest=True)[at], topics.ends(admin, [at])[at]

    commit(where, reader.group, topic, 8, "")
    assert look() == (0, 20)
    # Also for longer than brokers take to look for what they may delete.
    time.sleep(max(0.0, began + 40 - time.time()))
    assert look() == (8, 20)
    write(where, topic, b"young")
    commit(where, reader.group, topic, 21, "")
    assert look() == (20, 21)
    time.sleep(4)
    assert look() == (21, 21)


def _kept_for_ever(topic: str) -> ConfigResource:
    """As the role kafka has it for captured tables; the brokers' default would not be met within a test."""
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in (("retention.ms", "-1"), ("message.timestamp.type", "LogAppendTime"))
    ]
    return ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)


class _Full:
    """The brokers, full of something else."""

    def __init__(self, brokers: Brokers) -> None:
        self.partitions = brokers.partitions
        self.delete = brokers.delete

    def brokers(self) -> dict[str, dict[tuple[str, int], int]]:
        return {"b:9092": {("other", 0): 10**6}}

    def mark(self, waits: bool) -> None:
        raise AssertionError(waits)

    def marked(self) -> bool:
        return False
