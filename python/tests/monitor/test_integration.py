"""On servers that run (CDC_ENDPOINTS): lag of a group that falls behind and catches up, and canaries that come."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cdc_pipeline.clients import kafka
from cdc_pipeline.endpoints import Endpoints
from cdc_pipeline.monitor.groups import Groups
from cdc_pipeline.monitor.service import Service
from cdc_pipeline.monitor.settings import Canary, Lag, Settings
from cdc_pipeline.shape import read
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from prometheus_client import generate_latest

pytestmark = pytest.mark.integration
SECONDS = 60.0


@pytest.fixture(scope="module")
def endpoints() -> Endpoints:
    path = os.environ.get("CDC_ENDPOINTS")
    if not path:
        pytest.skip("CDC_ENDPOINTS is not set")
    return read(Endpoints, json.loads(Path(path).read_text()), "endpoints")


@pytest.fixture
def admin(endpoints: Endpoints) -> AdminClient:
    return kafka.admin(endpoints.kafka)


@pytest.fixture
def topic(admin: AdminClient) -> Iterator[str]:
    name = f"monitor-test-{uuid.uuid4().hex[:8]}"
    admin.create_topics([NewTopic(name, 2, -1)])[name].result(30)
    eventually(lambda: name in admin.list_topics(timeout=10).topics)
    yield name
    admin.delete_topics([name])[name].result(30)


def eventually(good: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while not good():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.3)


def settings(endpoints: Endpoints, **more: Any) -> Settings:
    where = endpoints.kafka
    return Settings(where.bootstrap_servers, "", Canary("none", "none"), client=dict(where.client), **more)


def test_a_group_falls_behind_and_catches_up_and_markers_are_no_records(
    endpoints: Endpoints, admin: AdminClient, topic: str
) -> None:
    group = topic
    producer = kafka.producer(endpoints.kafka, {"transactional.id": topic})
    producer.init_transactions(30)
    reader = kafka.consumer(endpoints.kafka, {"group.id": group, "enable.auto.commit": False})
    watched = Groups(settings(endpoints, lag=Lag((group,), (topic,))))
    try:
        assert watched.look().lag[group] == {}, "it has committed nothing"
        reader.commit(offsets=[TopicPartition(topic, 0, 0), TopicPartition(topic, 1, 0)], asynchronous=False)
        assert watched.look().lag[group][topic].records == 0
        producer.begin_transaction()
        for _ in range(3):
            producer.produce(topic, b"x" * 100_000, partition=0)
        producer.commit_transaction(30)
        time.sleep(1.5)
        found = watched.look().lag[group][topic]
        # The marker has an offset, too.
        assert found.records == 4 and 1.0 < found.seconds < SECONDS
        later = watched.look().lag[group][topic]
        assert later.seconds >= found.seconds
        reader.commit(offsets=[TopicPartition(topic, 0, 3)], asynchronous=False)
        found = watched.look().lag[group][topic]
        assert (found.records, found.seconds) == (0, 0.0), "only the marker is left"
        standing = watched.look().standing
        assert standing.partitions >= 2 and standing.offline == 0
    finally:
        reader.close()


def test_canaries_come(endpoints: Endpoints) -> None:
    # As the connector of the instance is set.
    mine = Canary("__cdc-canary.postgres", "cdc-canary", 0.5)
    where = endpoints.kafka
    if mine.topic not in kafka.admin(where).list_topics(timeout=10).topics:
        pytest.skip("this pipeline has no canary")
    service = Service(Settings(where.bootstrap_servers, "", mine, client=dict(where.client)), endpoints.postgresql)
    service.start()
    try:
        eventually(lambda: not service.not_ready())
        eventually(lambda: service.metrics.registry.get_sample_value("cdc_canary_seen_total"))
        text = generate_latest(service.metrics.registry).decode()
        assert "cdc_kafka_up 1.0" in text and 'cdc_monitor_failures_total{step="send"} 0.0' in text
        committed = service.metrics.registry.get_sample_value("cdc_canary_commit_timestamp_seconds")
        assert committed is not None and abs(time.time() - committed) < SECONDS
        assert service.alive()
    finally:
        service.stop()
