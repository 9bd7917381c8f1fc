"""How far consumer groups are behind, in records and in seconds.

The seconds are the age of the first record that a group has not read, as Kafka has its timestamp. It is looked up once
for each position at which a group stands still. Where only the markers of transactions are left, which are no records,
nothing is behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

At = tuple[str, int]
Offsets = Mapping[At, int]
OTHERS = "(others)"


@dataclass(frozen=True)
class First:
    """What is at a position: the first record's timestamp in seconds since the epoch; None where there is no record.

    ``position``, ``end``: for which it was looked up.
    """

    position: int
    end: int
    timestamp: float | None


@dataclass(frozen=True)
class Behind:
    """``records``: offsets from the position to the end. ``seconds``: the age of the first record."""

    records: int = 0
    seconds: float = 0.0


def behind(committed: Offsets, ends: Offsets) -> dict[At, int]:
    """The position of each partition that has something beyond it."""
    return {at: position for at, position in committed.items() if at in ends and position < ends[at]}


def unknown(group: Mapping[At, int], known: Mapping[At, First], ends: Offsets) -> dict[At, int]:
    """Of which positions it has to be looked up what is there.

    Args:
        group: positions that have something beyond them.
        known: what was found at the last looks.
    """
    return {
        at: position
        for at, position in group.items()
        if at not in known
        or known[at].position != position
        # Only markers were there, and more has come.
        or (known[at].timestamp is None and known[at].end != ends[at])
    }


def of_topics(
    committed: Offsets, ends: Offsets, firsts: Mapping[At, First], now: float, most: int
) -> dict[str, Behind]:
    """The lag of each topic of which a group has committed something: records together, seconds of the oldest.

    Args:
        firsts: what is at the positions. Of those that are missing, the records count and the age is not known.
        most: topics that get a name; the others are :data:`OTHERS`.
    """
    found: dict[str, Behind] = {}
    names = _named(committed, most)
    for at, position in sorted(committed.items()):
        records = max(0, ends.get(at, position) - position)
        seconds = 0.0
        first = firsts.get(at)
        if records and first is not None and first.position == position:
            if first.timestamp is None:
                records = 0
            else:
                seconds = max(0.0, now - first.timestamp)
        topic = names[at[0]]
        before = found.get(topic, Behind())
        found[topic] = Behind(before.records + records, max(before.seconds, seconds))
    return found


def _named(committed: Iterable[At], most: int) -> dict[str, str]:
    topics = sorted({topic for topic, _partition in committed})
    return {topic: topic if number < most else OTHERS for number, topic in enumerate(topics)}
