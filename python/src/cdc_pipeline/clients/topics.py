"""Topic ids, ends and committed offsets of partitions, and records that a committed read returns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

_REQUEST = 30
# A leader has just changed, and the client does not know it yet.
_LEADER_MOVED = frozenset(
    (
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
    )
)
# A group's coordinator has just moved, as when a broker starts again, or reads the group's state first.
_COORDINATOR_MOVED = frozenset(
    (
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError._WAIT_COORD,
    )
)
_MOVES_SECONDS = 30.0
_PAUSE_SECONDS = 0.5
Partitions = dict[tuple[str, int], int]
_Found = TypeVar("_Found")


def _insist(
    look: Callable[[], _Found], passing: frozenset[int], between: Callable[[], object] = lambda: None
) -> _Found:
    """What `look` gives, once errors that pass by themselves have passed.

    Raises:
        KafkaException: another error, or one of these for too long.
    """
    deadline = time.monotonic() + _MOVES_SECONDS
    while True:
        try:
            return look()
        except KafkaException as error:
            if error.args[0].code() not in passing or time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE_SECONDS)
        between()


def plain_id(text: str) -> str:
    """A topic id as Kafka's own tools write it: URL-safe base64 without padding. librdkafka uses the other alphabet."""
    return text.translate(str.maketrans("+/", "-_")).rstrip("=")


def topic_ids(admin: AdminClient, topics: Iterable[str]) -> dict[str, str]:
    """The current id of each topic that exists."""
    found = {}
    for name, future in admin.describe_topics(TopicCollection(list(topics)), request_timeout=_REQUEST).items():
        try:
            found[name] = plain_id(str(future.result().topic_id))
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
    return found


def partitions_of(admin: AdminClient, topics: Iterable[str]) -> list[tuple[str, int]]:
    """Every partition of the topics that exist."""
    known = admin.list_topics(timeout=_REQUEST).topics
    return [(topic, partition) for topic in topics if topic in known for partition in known[topic].partitions]


def ends(admin: AdminClient, partitions: Iterable[tuple[str, int]], earliest: bool = False) -> Partitions:
    """The offset after the last committed record of each partition, or that of the first record."""
    return _offsets(admin, partitions, OffsetSpec.earliest() if earliest else OffsetSpec.latest())


def since(admin: AdminClient, partitions: Iterable[tuple[str, int]], milliseconds: int) -> Partitions:
    """The offset of the first record of each partition with this timestamp or a later one; of those that have one."""
    found = _offsets(admin, partitions, OffsetSpec.for_timestamp(milliseconds))
    return {at: offset for at, offset in found.items() if offset >= 0}


def _offsets(admin: AdminClient, partitions: Iterable[tuple[str, int]], spec: OffsetSpec) -> Partitions:
    wanted = {TopicPartition(topic, partition): spec for topic, partition in partitions}
    if not wanted:
        return {}

    def look() -> Partitions:
        futures = admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=_REQUEST)
        return {(at.topic, at.partition): future.result().offset for at, future in futures.items()}

    # The client would keep the leaders that it knows for minutes.
    return _insist(look, _LEADER_MOVED, lambda: admin.list_topics(timeout=_REQUEST))


def committed(group: Consumer, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, str]]:
    """Offset and metadata that a group has committed for each of these partitions for which it has.

    ``group``: a consumer with the group's id that reads committed records and has not joined. (librdkafka's admin
    client ends the process where the group's coordinator has just moved.)
    """
    asked = [TopicPartition(topic, partition) for topic, partition in partitions]

    def look() -> list[TopicPartition]:
        found = group.committed(asked, _REQUEST)
        for at in found:
            if at.error is not None:
                raise KafkaException(at.error)
        return found

    found = _insist(look, _COORDINATOR_MOVED) if asked else []
    return {(at.topic, at.partition): (at.offset, at.metadata or "") for at in found if at.offset >= 0}


def read(consumer: Consumer, begin: Mapping[tuple[str, int], int], seconds: float) -> Iterator[Message]:
    """Records from the given offsets on, until each partition's end was reached or time is up.

    The consumer must be told to report the end of partitions.
    """
    consumer.assign([TopicPartition(topic, partition, offset) for (topic, partition), offset in begin.items()])
    open_ends = set(begin)
    deadline = time.monotonic() + seconds
    while open_ends and time.monotonic() < deadline:
        for message in consumer.consume(1000, 0.1):
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                open_ends.discard((message.topic(), message.partition()))
            else:
                raise KafkaException(error)
