"""T5: brokers, quorum, topics with their settings, a topic's life, and the brokers' JVMs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ClusterMetadata, ConfigResource, ConfigSource, NewTopic, ResourceType

from cdc_pipeline.endpoints import KafkaEndpoint
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.expected import Proof, Topic
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.rights import allowed
from cdc_pipeline.verify.jvm import judge_jvm, judge_memory
from cdc_pipeline.verify.quorum import Quorum, describe_quorum
from cdc_pipeline.verify.step import Step
from cdc_pipeline.wait import wait_for

_REQUEST = 30
_SETTLE_SECONDS = 10.0
_PROBE_RECORDS = 200
_TOPIC_HINT = "Run the tag kafka: it reconciles the topics, and reports what it cannot change."


class ConfigValue(NamedTuple):
    """A setting of a topic or a broker. ``own``: set on the topic itself."""

    value: str | None
    own: bool = False


def under_replicated(metadata: ClusterMetadata) -> list[str]:
    """Partitions of which a replica is not in sync, as topic-partition."""
    return sorted(
        f"{topic.topic}-{partition.id}"
        for topic in metadata.topics.values()
        for partition in topic.partitions.values()
        if set(partition.isrs) != set(partition.replicas)
    )


def judge_quorum(quorum: Quorum, brokers: int) -> Finding:
    """All voters are there, one leads, and none is far behind."""
    return Finding(
        "kafka.controller_quorum",
        "controllers of the KRaft quorum",
        f"{brokers} voters, a leader, none behind",
        f"{len(quorum.voters)} voters, leader {quorum.leader} in epoch {quorum.epoch}, {quorum.lag} records behind",
        len(quorum.voters) == brokers and quorum.leader in quorum.voters and quorum.lag < 100,
        "A controller is down or disconnected: check the brokers' logs.",
    )


def differing(expected: Mapping[str, str], found: Mapping[str, str | None]) -> dict[str, str]:
    """Settings that differ, as `expected, found`."""
    return {
        key: f"expected {value}, found {found.get(key)}"
        for key, value in expected.items()
        if str(found.get(key)) != value
    }


def judge_topic(topic: Topic, metadata: ClusterMetadata, config: Mapping[str, ConfigValue] | None) -> Finding:
    """Partitions, replication and settings of a topic, which has none of its own besides those that are stated."""
    found = metadata.topics.get(topic.name)
    wanted = {"partitions": topic.partitions, "replication_factor": topic.replication_factor, **topic.config}
    what = f"topic {topic.name}"
    if found is None or config is None:
        return Finding(f"kafka.topic.{topic.name}", what, wanted, "no such topic", False, _TOPIC_HINT)
    factors = {len(partition.replicas) for partition in found.partitions.values()}
    actual = {
        "partitions": len(found.partitions),
        "replication_factor": factors.pop() if len(factors) == 1 else sorted(factors),
        **{key: config[key].value if key in config else None for key in topic.config},
        **{key: setting.value for key, setting in config.items() if setting.own and key not in topic.config},
    }
    return equal(f"kafka.topic.{topic.name}", what, wanted, actual, _TOPIC_HINT)


def configs(admin: AdminClient, kind: ResourceType, names: Iterable[str]) -> dict[str, dict[str, ConfigValue] | None]:
    """The settings of topics or brokers, None for one that is not there.

    Raises:
        KafkaException: for any other reason.
    """
    resources = [ConfigResource(kind, name) for name in names]
    # Each broker answers for itself, so librdkafka takes one in a call.
    size = 1 if kind == ResourceType.BROKER else len(resources)
    calls = [
        admin.describe_configs(resources[at : at + size], request_timeout=_REQUEST)
        for at in range(0, len(resources), size or 1)
    ]
    found: dict[str, dict[str, ConfigValue] | None] = {}
    for resource, future in [item for call in calls for item in call.items()]:
        try:
            found[resource.name] = {
                key: ConfigValue(entry.value, entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value)
                for key, entry in future.result().items()
            }
        except KafkaException as error:
            if error.args[0].name() != "UNKNOWN_TOPIC_OR_PART":
                raise
            found[resource.name] = None
    return found


def _cluster(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.kafka
    admin = context.kafka_admin
    metadata = admin.list_topics(timeout=_REQUEST)
    yield equal(
        "kafka.brokers",
        "brokers in the cluster",
        expected.brokers,
        len(metadata.brokers),
        "Check the status and the log of the missing broker.",
    )
    where = context.plan.endpoints.kafka
    quorum = wait_for(lambda: describe_quorum(where), lambda each: judge_quorum(each, expected.brokers).ok, 5.0)
    yield judge_quorum(quorum, expected.brokers)
    brokers = configs(admin, ResourceType.BROKER, [str(each) for each in metadata.brokers])
    wrong = {
        name: unlike
        for name, settings in brokers.items()
        if (unlike := differing(expected.settings, {key: each.value for key, each in (settings or {}).items()}))
    }
    yield equal(
        "kafka.broker_settings",
        f"brokers with other settings than {dict(expected.settings)}",
        {},
        wrong,
        "Run the tag kafka: it restarts one broker after the other.",
    )
    found = configs(admin, ResourceType.TOPIC, [topic.name for topic in expected.topics])
    for topic in expected.topics:
        yield judge_topic(topic, metadata, found.get(topic.name))
    lagging = wait_for(
        lambda: under_replicated(admin.list_topics(timeout=_REQUEST)),
        lambda names: not names,
        _SETTLE_SECONDS,
        pause=0.5,
    )
    yield equal(
        "kafka.in_sync",
        "partitions with a replica out of sync",
        [],
        lagging,
        "A broker is down, catching up, or its disk is slow: check its log.",
    )


def _life(context: Context) -> Iterator[Finding]:
    admin = context.kafka_admin
    name = f"cdc-verify-{context.run}"
    factor = min(3, context.plan.expected.kafka.brokers)
    hint = "Check the brokers' logs."
    admin.create_topics([NewTopic(name, 3, factor)], request_timeout=_REQUEST)[name].result()
    try:
        there = wait_for(lambda: name in admin.list_topics(timeout=_REQUEST).topics, bool, _SETTLE_SECONDS)
        yield equal("kafka.topic_created", "a topic is created", True, there, hint)
        sent = {f"{context.run}-{number}".encode() for number in range(_PROBE_RECORDS)}
        lost = _produce(context, name, sent)
        yield equal("kafka.produced", f"records not acknowledged by all replicas, of {len(sent)}", 0, lost, hint)
        seen = _consume(context, name, len(sent))
        yield Finding(
            "kafka.consumed",
            "records consumed, each once",
            len(sent),
            len(seen),
            len(seen) == len(sent) and set(seen) == sent,
            hint,
        )
    finally:
        admin.delete_topics([name], operation_timeout=_REQUEST)[name].result()
    gone = wait_for(lambda: name not in admin.list_topics(timeout=_REQUEST).topics, bool, _SETTLE_SECONDS)
    yield equal("kafka.topic_deleted", "the topic is deleted again", True, gone, hint)


def _produce(context: Context, topic: str, values: Iterable[bytes]) -> int:
    failed = 0

    def note(error: object, _message: object) -> None:
        nonlocal failed
        failed += error is not None

    producer = context.kafka_producer(compression_type="lz4", linger_ms=5)
    for value in values:
        producer.produce(topic, value, on_delivery=note)
    return failed + producer.flush(_SETTLE_SECONDS)


def _consume(context: Context, topic: str, count: int) -> list[bytes]:
    consumer = context.kafka_consumer()
    try:
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(3)])
        seen: list[bytes] = []
        deadline = time.monotonic() + _SETTLE_SECONDS
        while len(seen) < count and time.monotonic() < deadline:
            seen += [message.value() for message in consumer.consume(count, 0.2) if message.error() is None]
        # A duplicate would follow at once.
        return seen + [message.value() for message in consumer.consume(1, 0.1) if message.error() is None]
    finally:
        consumer.close()


def _processes(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.kafka
    servers = context.servers.of("kafka")
    yield from judge_jvm("kafka", "the brokers", servers, expected.jvm_options)
    yield judge_memory(context, "kafka", "the brokers together", servers, expected.memory_mib)


def _rights(context: Context) -> Iterator[Finding]:
    where, expected = context.plan.endpoints.kafka, context.plan.expected.kafka
    if not expected.users:
        return
    with ThreadPoolExecutor(max_workers=4) as pool:
        tried = list(pool.map(lambda proof: _tried(where, proof), expected.proofs))
    for proof, found in zip(expected.proofs, tried, strict=True):
        yield judge_right(proof, found)
    closed = {
        what: sum(_lets_in(replace(where, client=client), server) for server in where.bootstrap_servers.split(","))
        for what, client in {
            "without encryption": {},
            "without a login": {**_trust(where), "security.protocol": "SSL"},
            "with a wrong password": {**where.client, "sasl.password": context.run},
        }.items()
    }
    yield equal(
        "kafka.closed",
        "brokers that answer unauthenticated clients",
        dict.fromkeys(closed, 0),
        closed,
        "The listeners were changed: run the tag kafka.",
    )


def judge_right(proof: Proof, found: tuple[bool, bool]) -> Finding:
    """A principal may do what its role needs, and not what it does not need.

    ``found``: whether either was allowed.
    """
    may, may_not = (f"{each.action} {each.name}" for each in (proof.allowed, proof.refused))
    return equal(
        f"kafka.right.{proof.user}.{proof.resource_type}.{proof.allowed.action}.{proof.allowed.name}",
        f"{proof.user} may {may} and not {may_not} ({proof.resource_type})",
        {may: "allowed", may_not: "refused"},
        {may: _said(found[0]), may_not: _said(found[1])},
        "Run the tag kafka: it sets the access rights and removes rights that are not stated.",
    )


def _said(was_allowed: bool) -> str:
    return "allowed" if was_allowed else "refused"


def _tried(where: KafkaEndpoint, proof: Proof) -> tuple[bool, bool]:
    user = where.of(proof.user)
    first, second = (allowed(user, proof.resource_type, each) for each in (proof.allowed, proof.refused))
    return first, second


def _trust(where: KafkaEndpoint) -> dict[str, str]:
    return {key: value for key, value in where.client.items() if key.startswith("ssl.")}


def _lets_in(where: KafkaEndpoint, server: str) -> bool:
    try:
        describe_quorum(replace(where, bootstrap_servers=server), _REQUEST)
    except (OSError, ValueError):
        return False
    return True


STEPS = (
    Step(
        "kafka.cluster",
        "kafka",
        _cluster,
        "T5",
        ("brokers", "controller_quorum", "broker_settings", "topic.<topic>", "in_sync"),
    ),
    Step(
        "kafka.topic_life",
        "kafka",
        _life,
        "T5",
        ("topic_created", "produced", "consumed", "topic_deleted"),
        writes=True,
    ),
    Step("kafka.rights", "kafka", _rights, "T5", ("right.<user>.<type>.<action>.<name>", "closed")),
    Step("kafka.processes", "kafka", _processes, "T5", ("jvm_options", "gc_log", "memory")),
)
