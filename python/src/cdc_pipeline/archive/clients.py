"""The Kafka clients' settings, and what is asked of the cluster besides records."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import ConfigResource, OffsetSpec, ResourceType

from cdc_pipeline.archive import budget
from cdc_pipeline.archive.errors import UnavailableError
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.position import Committed, Log
from cdc_pipeline.archive.settings import SOCKET_MS, TRANSACTION_MS, Settings
from cdc_pipeline.clients import kafka
from cdc_pipeline.endpoints import KafkaEndpoint

REQUEST_SECONDS = 15.0
IDLE_MS = 8_000
OFFSETS_TOPIC = "__consumer_offsets"
Key = tuple[str, int]
"""Topic name and partition."""


def _brokers(settings: Settings) -> KafkaEndpoint:
    return KafkaEndpoint(settings.kafka.bootstrap_servers, settings.kafka.properties)


def _common(settings: Settings, role: str) -> dict[str, Any]:
    return {
        "client.id": f"{settings.transactional_id_prefix}-{settings.instance_id}-{role}",
        "topic.metadata.refresh.interval.ms": 10_000,
        "reconnect.backoff.max.ms": 5_000,
        # A pod that goes takes its address along, and says no word to who is connected: a broker that came back
        # elsewhere would be found after 60 and 30 seconds, by librdkafka's defaults.
        "socket.timeout.ms": SOCKET_MS,
        "socket.connection.setup.timeout.ms": 5_000,
        "log_level": 4,
    }


def consumer(settings: Settings) -> Consumer:
    """The group's consumer. Rebalances are eager: all partitions are given up and resolved again."""
    session = int(settings.session_timeout_seconds * 1000)
    row = settings.max_row_bytes
    base = {
        # What is fetched is bounded before it is decompressed, so little is asked for at once. One batch always comes.
        "max.partition.fetch.bytes": budget.FETCH_PARTITION,
        "fetch.max.bytes": budget.FETCH_RESPONSE,
        "message.max.bytes": budget.FETCH_RESPONSE,  # librdkafka: not above fetch.max.bytes; of no effect here
        "receive.message.max.bytes": max(100_000_000, 2 * row + budget.MIB),
        "queued.min.messages": budget.QUEUED_RECORDS,
        # Fewer, fuller fetches: CPU here and on the brokers, for at most half a second.
        "fetch.min.bytes": 65_536,
        "fetch.wait.max.ms": 500,
        "queued.max.messages.kbytes": settings.budget.fetch_queue >> 10,
        "session.timeout.ms": session,
        "heartbeat.interval.ms": max(300, session // 4),
    }
    fixed = {
        "group.id": settings.group_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "partition.assignment.strategy": "roundrobin",
        "allow.auto.create.topics": False,
        "topic.blacklist": "^.*" + settings.dlq_suffix.replace(".", "\\.") + "$",
    }
    return kafka.consumer(_brokers(settings), fixed, base | _common(settings, "consumer"), LOGGER)


def one_shot_consumer(settings: Settings) -> Consumer:
    """A reader outside the group that sees what the group sees."""
    fixed = {
        "group.id": f"{settings.group_id}-operator",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    }
    return kafka.consumer(_brokers(settings), fixed, _common(settings, "operator"), LOGGER)


def producer(settings: Settings) -> Producer:
    """The transactional producer. One id per instance, so that a restart ends its predecessor's open transaction."""
    base = {
        "linger.ms": 0,
        "transaction.timeout.ms": TRANSACTION_MS,
        "message.max.bytes": kafka.LARGEST,
        "queue.buffering.max.kbytes": budget.letters_of(settings.max_row_bytes) >> 10,
        # librdkafka (2.16) looks for a group's coordinator, inside of send_offsets_to_transaction, without an end: told
        # four times, which takes less than a second, that there is none now, as while a broker leaves, it asks again
        # only when a connection of its own comes or goes. Those that carry nothing then go.
        "connections.max.idle.ms": IDLE_MS,
    }
    fixed = {
        "transactional.id": f"{settings.transactional_id_prefix}-{settings.instance_id}",
        "enable.idempotence": True,
    }
    return kafka.producer(_brokers(settings), fixed, base | _common(settings, "producer"), LOGGER)


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as the cluster describes it."""

    name: str
    topic_id: str
    partitions: int


class Cluster:
    """Questions to the brokers. Safe to share between threads; raises `UnavailableError` where they do not answer."""

    def __init__(self, settings: Settings) -> None:
        self._admin = kafka.admin(_brokers(settings), defaults=_common(settings, "admin"), logger=LOGGER)
        # Never subscribes. librdkafka's admin client would end the process when it asks a broker that does not
        # coordinate the group any more (2.16: OffsetFetch's refresh of a group that the client does not have).
        fixed = {"group.id": settings.group_id, "enable.auto.commit": False, "isolation.level": "read_committed"}
        self._offsets_of = kafka.consumer(_brokers(settings), fixed, _common(settings, "offsets"), LOGGER)
        self._lock = threading.Lock()
        self._topics: dict[str, tuple[float, Topic | None]] = {}

    def names(self) -> list[str]:
        """Every topic's name."""
        try:
            return sorted(self._admin.list_topics(timeout=REQUEST_SECONDS).topics)
        except KafkaException as error:
            raise _unavailable("list topics", error) from error

    def topics(self, names: Iterable[str], not_before: float | None = None) -> dict[str, Topic]:
        """Topics that exist, by name. An answer of a request sent after ``not_before`` (monotonic) is used again."""
        wanted = set(names)
        with self._lock:
            since = time.monotonic() if not_before is None else not_before
            ask = [n for n in wanted if n not in self._topics or self._topics[n][0] < since]
            if ask:
                asked = time.monotonic()
                for name, topic in self._describe(ask).items():
                    self._topics[name] = (asked, topic)
            return {n: t for n in wanted if (t := self._topics[n][1]) is not None}

    def _describe(self, names: list[str]) -> dict[str, Topic | None]:
        found: dict[str, Topic | None] = {}
        futures = self._admin.describe_topics(TopicCollection(names), request_timeout=REQUEST_SECONDS)
        for name, future in futures.items():
            try:
                description = future.result(REQUEST_SECONDS + 5)
                found[name] = Topic(name, url_safe(str(description.topic_id)), len(description.partitions))
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise _unavailable(f"describe {name}", error) from error
                found[name] = None
            except TimeoutError as error:
                raise UnavailableError(f"describing {name} timed out") from error
        return found

    def settings_of(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Each topic's configuration."""
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        out = {}
        if not resources:
            return out
        for resource, future in self._admin.describe_configs(resources, request_timeout=REQUEST_SECONDS).items():
            try:
                out[resource.name] = {k: str(e.value) for k, e in future.result(REQUEST_SECONDS + 5).items()}
            except KafkaException as error:
                raise _unavailable(f"read the settings of {resource.name}", error) from error
        return out

    def logs_of(self, partitions: Iterable[Key]) -> tuple[dict[Key, Log], dict[Key, str]]:
        """Where each partition's log begins and ends (high watermark); or why that is not known."""
        wanted = list(partitions)
        low, failed = self._offsets(wanted, OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED)
        high, without = self._offsets(wanted, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED)
        failed |= without
        return {p: Log(low[p], high[p]) for p in wanted if p not in failed}, failed

    def visible_ends(self, partitions: Iterable[Key]) -> dict[Key, int]:
        """The offset before which a ``read_committed`` consumer can see, now."""
        found, failed = self._offsets(list(partitions), OffsetSpec.latest(), IsolationLevel.READ_COMMITTED)
        for reason in failed.values():
            raise UnavailableError(reason)
        return found

    def committed(self, partitions: Iterable[Key]) -> dict[Key, Committed | None]:
        """The group's committed offsets; unavailable while an open transaction holds one of them."""
        found, failed = self.committed_of(partitions)
        for reason in failed.values():
            raise UnavailableError(reason)
        return found

    def committed_of(self, partitions: Iterable[Key]) -> tuple[dict[Key, Committed | None], dict[Key, str]]:
        """The group's committed offsets; or why one is not known, such as an open transaction."""
        asked = [TopicPartition(t, p) for t, p in partitions]
        if not asked:
            return {}, {}
        try:
            answer = self._offsets_of.committed(asked, REQUEST_SECONDS)
        except KafkaException as error:
            raise _unavailable("read the committed offsets", error) from error
        found: dict[Key, Committed | None] = {}
        failed: dict[Key, str] = {}
        for tp in answer:
            key = (tp.topic, tp.partition)
            if tp.error is not None:
                failed[key] = f"Kafka: cannot read the committed offset of {tp.topic}[{tp.partition}]: {tp.error.str()}"
            else:
                found[key] = Committed(tp.offset, tp.metadata, tp.leader_epoch) if tp.offset >= 0 else None
        return found, failed

    def identity(self) -> tuple[str, str]:
        """The cluster's id, and the id of its topic of consumer groups' offsets.

        A cluster's id may be chosen by whoever sets it up. That of the topic is Kafka's own, stays with its data, and
        is another one in a cluster that was set up once more.
        """
        try:
            self._offsets_of.committed([TopicPartition(OFFSETS_TOPIC, 0)], REQUEST_SECONDS)  # so that the topic is made
            cluster = self._admin.list_topics(timeout=REQUEST_SECONDS).cluster_id
        except KafkaException as error:
            raise _unavailable("read the cluster's id", error) from error
        topic = self.topics([OFFSETS_TOPIC]).get(OFFSETS_TOPIC)
        if topic is None:
            raise UnavailableError(f"Kafka: {OFFSETS_TOPIC} is not there yet")
        return str(cluster), topic.topic_id

    def _offsets(self, wanted: list[Key], spec: Any, isolation: Any) -> tuple[dict[Key, int], dict[Key, str]]:
        found: dict[Key, int] = {}
        failed: dict[Key, str] = {}
        if not wanted:
            return found, failed
        request = {TopicPartition(t, p): spec for t, p in wanted}
        try:
            futures = self._admin.list_offsets(request, isolation_level=isolation, request_timeout=REQUEST_SECONDS)
        except KafkaException as error:
            raise _unavailable("read the ends of partitions", error) from error
        for tp, future in futures.items():
            try:
                found[tp.topic, tp.partition] = future.result(REQUEST_SECONDS + 5).offset
            except (KafkaException, TimeoutError) as error:
                text = error.args[0].str() if isinstance(error, KafkaException) else "it timed out"
                failed[tp.topic, tp.partition] = f"Kafka: cannot read the end of {tp.topic}[{tp.partition}]: {text}"
        return found, failed


def _unavailable(what: str, error: KafkaException) -> UnavailableError:
    return UnavailableError(f"Kafka: cannot {what}: {error.args[0].str()}")


def url_safe(topic_id: str) -> str:
    """A topic id as Kafka's own tools print it; librdkafka's has ``+`` and ``/``, which no key may contain."""
    return topic_id.replace("+", "-").replace("/", "_")
