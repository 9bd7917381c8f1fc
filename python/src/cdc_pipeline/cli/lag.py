"""How far the archive is behind Kafka, topic by topic."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from cdc_pipeline.clients import topics
from cdc_pipeline.instance.context import Context

# For which records beyond the archive's position are counted one by one.
COUNT_SECONDS = 3.0


@dataclass(frozen=True)
class Lag:
    """What of a topic the archive has not written yet.

    Attributes:
        records: how many; at most so many where it is not ``exact``, since offsets without a record count, too.
        oldest: when the first of them was written to Kafka, in seconds since the epoch; None where there are none.
        partitions: in which they are, or may be where it is not ``exact``.
    """

    records: int = 0
    oldest: float | None = None
    exact: bool = True
    partitions: frozenset[int] = frozenset()

    def seconds(self, now: float) -> float:
        """The age of the oldest record."""
        return 0.0 if self.oldest is None else max(0.0, now - self.oldest)


def read_lags(context: Context, names: Iterable[str], count_seconds: float = COUNT_SECONDS) -> dict[str, Lag]:
    """The lag of each topic that exists.

    Args:
        count_seconds: how long records beyond the archive's positions may be counted one by one.

    Raises:
        KafkaException: Kafka does not answer.
    """
    admin = context.kafka_admin
    ends = topics.ends(admin, topics.partitions_of(admin, names))
    lows = topics.ends(admin, ends, earliest=True)
    committed = topics.committed(context.archive_group, ends)
    begins = {at: max(committed.get(at, (0, ""))[0], lows[at]) for at in ends}
    behind = {at: begin for at, begin in begins.items() if begin < ends[at]}
    return {**{topic: Lag() for topic, _partition in ends}, **_read(context, behind, ends, count_seconds)}


def _read(context: Context, behind: topics.Partitions, ends: topics.Partitions, count_seconds: float) -> dict[str, Lag]:
    """The lag of the topics of these partitions. After a transaction there is a marker that is no record."""
    if not behind:
        return {}
    counts: dict[str, int] = {}
    oldest: dict[str, float] = {}
    where: dict[str, set[int]] = {}
    consumer = context.kafka_consumer(enable_partition_eof=True, fetch_wait_max_ms=50)
    began = time.monotonic()
    try:
        for message in topics.read(consumer, behind, count_seconds):
            topic = str(message.topic())
            if message.offset() < ends[topic, message.partition()]:
                counts[topic] = counts.get(topic, 0) + 1
                where.setdefault(topic, set()).add(int(message.partition()))
                stamp = message.timestamp()[1] / 1000
                oldest[topic] = min(stamp, oldest.get(topic, stamp))
    finally:
        consumer.close()
    exact = time.monotonic() - began < count_seconds
    if not exact:
        counts = {}
        for at, begin in behind.items():
            counts[at[0]] = counts.get(at[0], 0) + ends[at] - begin
            where.setdefault(at[0], set()).add(at[1])
    return {
        topic: Lag(counts.get(topic, 0), oldest.get(topic), exact, frozenset(where.get(topic, ())))
        for topic, _partition in behind
    }
