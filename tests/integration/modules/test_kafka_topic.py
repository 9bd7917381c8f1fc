# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import ConfigResource, ResourceType


@pytest.fixture
def reconcile(run_module, endpoints, topic):
    """Run the module on the test's topic."""
    where = endpoints["kafka"]
    cluster = {"bootstrap_servers": where["bootstrap_servers"], "client_config": where["client"]}
    return lambda **options: run_module("kafka_topic", **cluster, name=topic, **options)


def read(kafka, name):
    """Partitions, replicas and two settings, None when there is no such topic."""
    topics = kafka.list_topics(timeout=30).topics
    if name not in topics:
        return None
    resource = ConfigResource(ResourceType.TOPIC, name)
    config = kafka.describe_configs([resource])[resource].result()
    partitions = topics[name].partitions
    return (
        len(partitions),
        {len(partition.replicas) for partition in partitions.values()},
        config["retention.ms"].value,
        config["compression.type"].value,
    )


WANTED = {"partitions": 2, "replication_factor": 1, "config": {"retention.ms": 60000, "compression.type": "lz4"}}


def test_creates_once(reconcile, kafka, topic, endpoints):
    checked = reconcile(check=True, **WANTED)
    assert checked["changed"]
    assert read(kafka, topic) is None
    created = reconcile(**WANTED)
    assert created["changed"]
    assert created["diff"] == checked["diff"]
    assert read(kafka, topic) == (2, {1}, "60000", "lz4")
    again = reconcile(**WANTED)
    assert not again["changed"]

    errors = []
    where = endpoints["kafka"]
    producer = Producer({**where["client"], "bootstrap.servers": where["bootstrap_servers"]})
    producer.produce(topic, b"x", on_delivery=lambda error, message: errors.append(error))
    producer.flush(10)
    assert errors == [None]


def test_reconciles_settings_and_partitions(reconcile, kafka, topic):
    reconcile(**WANTED)
    change = {"partitions": 3, "config": {"retention.ms": 1000}}
    assert reconcile(check=True, **change)["changed"]
    assert read(kafka, topic) == (2, {1}, "60000", "lz4")
    assert reconcile(**change)["changed"]
    assert read(kafka, topic) == (3, {1}, "1000", "lz4")
    assert not reconcile(**change)["changed"]
    assert reconcile(**change, purge_config=True)["changed"]
    assert read(kafka, topic) == (3, {1}, "1000", "producer")
    assert not reconcile(**change, purge_config=True)["changed"]


def test_refuses_what_would_lose_data_or_is_wrong(reconcile, kafka, topic):
    reconcile(**WANTED)
    for check in (True, False):
        result = reconcile(check=check, partitions=1, replication_factor=3, config={"retenton.ms": 1})
        assert result["failed"]
        assert len(result["problems"]) == 3
    result = reconcile(config={"retention.ms": "soon"})
    assert "Not a number" in result["problems"][0]
    assert read(kafka, topic) == (2, {1}, "60000", "lz4")


def test_deletes_once(reconcile, kafka, topic):
    reconcile(**WANTED)
    assert reconcile(check=True, state="absent")["changed"]
    assert read(kafka, topic) is not None
    assert reconcile(state="absent")["changed"]
    assert read(kafka, topic) is None
    assert not reconcile(state="absent")["changed"]
    assert reconcile(**WANTED)["changed"]


def test_a_new_topic_with_wrong_settings_is_refused_in_check_mode(reconcile, kafka, topic):
    result = reconcile(check=True, replication_factor=99, config={"no.such": 1})
    assert result["failed"]
    assert read(kafka, topic) is None


def test_says_that_kafka_does_not_answer(run_by_ansible):
    result = run_by_ansible(
        "kafka_topic",
        bootstrap_servers="127.0.0.1:9",
        name="a",
        retry_timeout=1,
        client_config={"sasl.password": "hunter2-hunter2"},
    )
    assert result["msg"].startswith("Kafka does not answer")
    assert "hunter2" not in result["stdout"]
