"""A topic's tiles from the newest hour backwards, as far as they are asked for, for all of its partitions together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from cdc_pipeline.archive import tile
from cdc_pipeline.archive.tile import Source

MARGIN = 26
"""Hours that a later tile may lie before an earlier one, where the brokers' clocks say the time: they may be set back.

A tile that is missed for more than that is met when it is written again, since its key is a function of the log."""


class Folders(Protocol):
    """Where a topic's folders are: `Store`."""

    def hours(self, topic: str) -> Iterator[str]:
        """The folders of hours, the newest first."""

    def within(self, folder: str) -> Iterator[str]:
        """The keys in a folder."""


@dataclass(slots=True)
class _Found:
    hour: int
    keys: dict[int, str] = field(default_factory=dict)


class Walk:
    """One walk over a topic. Each folder is listed at most once, whoever asks.

    Args:
        margin: see `MARGIN`; None walks to the beginning.
    """

    def __init__(self, store: Folders, topic: str, margin: int | None = MARGIN) -> None:
        self._store = store
        self._hours = store.hours(topic)
        self._margin = margin
        self._reached = 0
        self._found: dict[Source, _Found] = {}

    def newest(self, source: Source) -> dict[int, str]:
        """The keys of a partition's newest tiles by start; empty if it has none."""
        while not self._enough(source):
            folder = next(self._hours, None)
            if folder is None:
                break
            self._take(folder)
        found = self._found.get(source)
        return {} if found is None else dict(sorted(found.keys.items()))

    def latest(self) -> set[Source]:
        """Those that have tiles in the newest hour that has any."""
        while not self._found and (folder := next(self._hours, None)) is not None:
            self._take(folder)
        return set(self._found)

    def _enough(self, source: Source) -> bool:
        found = self._found.get(source)
        return found is not None and self._margin is not None and self._reached <= found.hour - self._margin

    def _take(self, folder: str) -> None:
        self._reached = tile.hour_in(folder)
        for key in self._store.within(folder):
            at = tile.parse(key)
            if at is None:
                continue
            found = self._found.setdefault(at[0], _Found(self._reached))
            if self._margin is None or self._reached >= found.hour - self._margin:
                found.keys[at[1]] = key
