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
from cdc_pipeline.clients import kafka
from cdc_pipeline.disk.keeper import Brokers, Keeper, Settings
from cdc_pipeline.endpoints import KafkaEndpoint
from cdc_pipeline.verify import topics
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
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
    settings = Settings(where.bootstrap_servers, f"g-{topic}", (topic,), topic, 10**15, "c", dict(where.client))
    brokers = Brokers(settings)
    at = (topic, 0)
    before = [held[at] for held in brokers.brokers().values() if at in held]
    assert before and all(120 * MIB <= size < 121 * MIB for size in before)
    assert brokers.partitions()[at].archived is None
    # As the archive commits.
    source = tile.Source(topic, topics.topic_ids(admin, [topic])[topic], 0)
    group = kafka.consumer(where, {"group.id": f"g-{topic}", "enable.auto.commit": False})
    group.commit(offsets=[TopicPartition(topic, 0, 16, tile.name(source, 8))], asynchronous=False)
    group.close()
    assert brokers.partitions()[at].archived == 16

    class Nobody:
        def pause(self, name: str) -> None:
            raise AssertionError(name)

        resume = pause

    small = Settings(where.bootstrap_servers, f"g-{topic}", (topic,), topic, 10**6, "c", dict(where.client))
    keeper = Keeper(small, _Full(brokers), Nobody(), CollectorRegistry())
    keeper.look()
    assert topics.ends(admin, [at], earliest=True)[at] == 16
    deadline = time.monotonic() + 120
    while any(held.get(at, 0) > 65 * MIB for held in brokers.brokers().values()):
        assert time.monotonic() < deadline, "the segments are still there"
        time.sleep(1)


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
