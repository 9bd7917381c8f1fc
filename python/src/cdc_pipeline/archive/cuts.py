"""The rules by which the archive cuts tiles, all of them and nowhere else. Deciding only.

A rule is a class here and an entry of `RULES`; the planner asks them and knows none. Besides, a tile is cut by a flush
and while memory is short (`planner.Partition`: ``flush``, ``close``, ``shorten``), whatever its records are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.tile import hour_of
from cdc_pipeline.archive.wire import FRAME, all_begin_with, schema_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Those keys of the configuration that belong to rules. `settings.Settings` inherits them."""

    flush_records: int = 1000
    flush_seconds: float = 60.0

    def flush_problems(self) -> list[str]:
        """What is wrong with them, in words that name the key."""
        right = {
            "flush_records: must be between 1 and 1000000": 1 <= self.flush_records <= 1_000_000,
            "flush_seconds: must be more than 0 and at most 86400": 0 < self.flush_seconds <= 86_400,
        }
        return [text for text, ok in right.items() if not ok]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Keys):
    """What rules go by: the keys, and ``tile_bytes``, which follows from the memory budget."""

    tile_bytes: int = 64 << 20


@dataclass(slots=True)
class Cut:
    """The records of one tile. ``start`` is set when it is cut, ``closed`` when it takes no more."""

    hour: int
    seen: float
    """Monotonic seconds at which the first record came."""
    start: int = -1
    schema_id: int | None = None
    size: int = 0
    closed: bool = False
    records: Records = field(default_factory=lambda: Records([], [], [], []))

    @property
    def next(self) -> int:
        """The offset after the last record."""
        return self.records.offsets[-1] + 1

    def __len__(self) -> int:
        return len(self.records.offsets)

    def take(self, records: Records) -> int:
        """Add records that follow. Returns their bytes."""
        if self.schema_id is None:
            self.schema_id = schema_of(records.values[0])
        self.records.extend(records)
        size = sum(records.sizes)
        self.size += size
        return size

    def head(self, count: int) -> Cut:
        """The tile of its first records alone: the next one begins after them."""
        records = self.records.part(0, count)
        return replace(self, records=records, size=sum(records.sizes))


class Rule:
    """When a tile ends. A rule overrides what it has a say in."""

    def alike(self, records: Records) -> bool:
        """Whether records that came together are the same to this rule.

        It is asked of a whole batch, so that the common one takes no step per record. Where a rule says no, each record
        of the batch is judged by itself.
        """
        return True

    def end(self, tile: Cut, records: Records, begin: int, end: int, limits: Limits) -> int:
        """Up to which of the records [begin, end) by index the tile goes: ``begin`` if it ends before them.

        The records are alike, and the tile may have none yet.
        """
        return end

    def due(self, tile: Cut, now: float, limits: Limits) -> bool:
        """Whether the tile is to be written though nothing follows it. ``now``: monotonic seconds."""
        return False


class OneSchema(Rule):
    """The records of a tile have one schema id, except for those that have none."""

    def alike(self, records: Records) -> bool:
        first = records.values[0]
        return first is not None and all_begin_with(records.values, first[:FRAME])

    def end(self, tile: Cut, records: Records, begin: int, end: int, limits: Limits) -> int:
        schema_id = schema_of(records.values[begin])
        return end if schema_id is None or tile.schema_id is None or schema_id == tile.schema_id else begin


class NoLaterHour(Rule):
    """No record of a tile is of a later hour than the first; one of an earlier hour stays where it is."""

    def alike(self, records: Records) -> bool:
        return hour_of(min(records.timestamps)) == hour_of(max(records.timestamps))

    def end(self, tile: Cut, records: Records, begin: int, end: int, limits: Limits) -> int:
        return end if hour_of(records.timestamps[begin]) <= tile.hour else begin


class MostRecords(Rule):
    """A tile has at most ``flush_records`` records."""

    def end(self, tile: Cut, records: Records, begin: int, end: int, limits: Limits) -> int:
        return min(end, begin + limits.flush_records - len(tile))

    def due(self, tile: Cut, now: float, limits: Limits) -> bool:
        return len(tile) >= limits.flush_records


class MostBytes(Rule):
    """A tile's records have at most ``tile_bytes`` bytes, unless it is one record."""

    def end(self, tile: Cut, records: Records, begin: int, end: int, limits: Limits) -> int:
        if tile.size >= limits.tile_bytes:
            return begin
        if tile.size + sum(records.sizes[begin:end]) <= limits.tile_bytes:
            return end
        sums = list(accumulate(records.sizes[begin:end], initial=tile.size))
        return begin + bisect_right(sums, limits.tile_bytes) - 1

    def due(self, tile: Cut, now: float, limits: Limits) -> bool:
        return tile.size >= limits.tile_bytes


class MostSeconds(Rule):
    """A tile is written ``flush_seconds`` after its first record came, at the latest."""

    def due(self, tile: Cut, now: float, limits: Limits) -> bool:
        return now - tile.seen >= limits.flush_seconds


RULES: Sequence[Rule] = (OneSchema(), NoLaterHour(), MostRecords(), MostBytes(), MostSeconds())


def alike(records: Records) -> bool:
    """Whether each rule may judge the records by the first of them."""
    return all(rule.alike(records) for rule in RULES)


def end(tile: Cut, records: Records, begin: int, limits: Limits) -> int:
    """Up to which of the records from index ``begin`` on, which are alike, the tile goes: ``begin`` if it takes none.

    A tile without records takes one in any case.
    """
    if tile.closed:
        return begin
    found = len(records.offsets)
    for rule in RULES:
        found = rule.end(tile, records, begin, found, limits)
    return found if len(tile) else max(begin + 1, found)


def due(tile: Cut, now: float, limits: Limits) -> bool:
    """Whether the tile is to be written now."""
    return tile.closed or any(rule.due(tile, now, limits) for rule in RULES)
