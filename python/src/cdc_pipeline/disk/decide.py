"""What to do about the brokers' disks. Pure.

What is archived goes when it is old enough. What goes before that, when a broker holds more than it should: the oldest
half of what is archived, of each captured partition, and after a while the oldest half of the rest; nearer to the limit
all that is archived, at once. What is not archived is never deleted. If that is what fills the disk, the connector
waits, and PostgreSQL keeps its log, up to ``max_slot_wal_keep_size``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TRIM, TRIM_ALL = 0.60, 0.75
"""Of what a broker may hold: above the first, the older half of what is archived is deleted, above the second all."""
PAUSE, RESUME = 0.80, 0.70
"""Above the first the connector waits, until below the second: between them it would come and go with every tile."""
PAUSE_UNARCHIVED, RESUME_UNARCHIVED = 0.20, 0.10
"""Unless so little of it is left to archive that waiting would help nobody."""

At = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Partition:
    """A captured partition: [low, high) is in its log, everything below ``archived`` is archived.

    ``archived`` is None where nobody knows: nothing of it is deleted, and all of it counts as not archived.
    """

    low: int
    high: int
    archived: int | None

    @property
    def left(self) -> float:
        """The part of the log that is not archived, 0 to 1."""
        if self.high <= self.low:
            return 0.0
        begin = self.low if self.archived is None else min(max(self.archived, self.low), self.high)
        return (self.high - begin) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Broker:
    """Parts of what a broker may hold: all that it holds, and what of it is not archived."""

    used: float
    unarchived: float


@dataclass(frozen=True, slots=True)
class Decision:
    """``trim``: the offset before which a partition's records are deleted; ``wait``: whether the connector waits.

    ``urgent``: not to be put off until an earlier deletion shows.
    """

    trim: Mapping[At, int]
    urgent: bool
    wait: bool


def broker(held: Mapping[At, int], partitions: Mapping[At, Partition], limit: int) -> Broker:
    """How full one broker is.

    Args:
        held: bytes of each replica on it, of whatever topic.
        limit: bytes that it may hold.
    """
    left = sum(size * partitions[at].left for at, size in held.items() if at in partitions)
    return Broker(sum(held.values()) / limit, left / limit)


def decide(brokers: Iterable[Broker], partitions: Mapping[At, Partition], waits: bool) -> Decision:
    """By the fullest broker.

    Args:
        waits: whether the connector waits by an earlier decision.
    """
    there = list(brokers)
    used = max((each.used for each in there), default=0.0)
    if waits:
        wait = any(each.used >= RESUME and each.unarchived >= RESUME_UNARCHIVED for each in there)
    else:
        wait = any(each.used >= PAUSE and each.unarchived >= PAUSE_UNARCHIVED for each in there)
    urgent = used >= TRIM_ALL
    ends = {at: _end(each, urgent) for at, each in partitions.items()} if used >= TRIM else {}
    return Decision({at: end for at, end in ends.items() if end is not None}, urgent, wait)


def aged(partitions: Mapping[At, Partition], young: Mapping[At, int]) -> dict[At, int]:
    """The offsets before which records are deleted for their age.

    Args:
        young: of each partition, the offset from which on records are too young for that.
    """
    ends = {at: min(_end(partitions[at], True) or 0, offset) for at, offset in young.items() if at in partitions}
    return {at: end for at, end in ends.items() if end > partitions[at].low}


def _end(partition: Partition, whole: bool) -> int | None:
    """Of what is archived and still there, or of its older half; None if nothing is."""
    if partition.archived is None:
        return None
    end = min(partition.archived, partition.high)
    if end <= partition.low:
        return None
    return end if whole else partition.low + (end - partition.low + 1) // 2
