"""Partitions that cannot be read on: since when, why, and when each is checked again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cdc_pipeline.archive.clients import Key
from cdc_pipeline.archive.position import Stop

MOST = 20
"""The longest pause between two checks, in first pauses."""


@dataclass(slots=True)
class Stopped:
    """A partition that stopped. ``since``: Unix seconds. ``due``: monotonic seconds of the next check."""

    stop: Stop
    since: float
    pause: float
    due: float


class StoppedPartitions:
    """The stopped partitions of an instance.

    Each is checked by itself, after pauses that double. One that was read again and stops where it stopped before
    keeps its beginning, and its pauses grow on.

    Args:
        first: seconds until the first check.
    """

    def __init__(self, first: float) -> None:
        self._first = first
        self._now: dict[Key, Stopped] = {}
        self._before: dict[Key, Stopped] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._now

    def __len__(self) -> int:
        return len(self._now)

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._now))

    def get(self, key: Key) -> Stopped | None:
        """How a partition stopped, if it did."""
        return self._now.get(key)

    def items(self) -> list[tuple[Key, Stopped]]:
        """All of them. Safe to call from other threads."""
        return sorted(self._now.copy().items())

    def add(self, key: Key, stop: Stop, now: float, wall: float) -> bool:
        """It cannot be read on, or still not. Returns whether that is news."""
        known = self._now.get(key) or self._before.pop(key, None)
        if known is None or known.stop.position != stop.position:
            self._now[key] = Stopped(stop, wall, self._first, now + self._first)
            return True
        news = known.stop.kind != stop.kind
        pause = min(known.pause * 2, self._first * MOST)
        self._now[key] = Stopped(stop, known.since, pause, now + pause)
        return news

    def remove(self, key: Key) -> bool:
        """It can be read, as it seems. Returns whether it was stopped."""
        stopped = self._now.pop(key, None)
        if stopped is not None:
            self._before[key] = stopped
        return stopped is not None

    def moved(self, key: Key) -> None:
        """Its position moved: what was before does not count any more."""
        self._before.pop(key, None)

    def due(self, now: float) -> set[Key]:
        """Those to check now. Each is due again only after what `add` says, or after `delay`."""
        found = {key for key, one in self._now.items() if now >= one.due}
        for key in found:
            self._now[key].due = float("inf")
        return found

    def delay(self, keys: set[Key], now: float) -> None:
        """Nothing could be found out about these."""
        for key in keys & self._now.keys():
            one = self._now[key]
            one.pause = min(one.pause * 2, self._first * MOST)
            one.due = now + one.pause

    def hasten(self) -> None:
        """Check all of them now: somebody asks."""
        for one in self._now.values():
            one.due, one.pause = 0.0, self._first

    def clear(self) -> None:
        """The partitions are others' now."""
        self._now.clear()
        self._before.clear()
