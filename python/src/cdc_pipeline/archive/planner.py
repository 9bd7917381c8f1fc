"""The protocol of one partition, as a state machine without I/O and without a clock.

A partition's records pass through it in this order::

    add / end  →  cut  →  (the object is written)  →  landed  →  settle  →  (one Kafka transaction)  →  commit

Only one tile is between `cut` and `commit` at a time. What was written at a position is the truth, whoever wrote it:
`landed` takes the footer of the object that is there, and `settle` says what the transaction must contain for it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from cdc_pipeline.archive.budget import RECORD
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.tile import Footer, Rejection, hour_of
from cdc_pipeline.archive.wire import FRAME, all_begin_with, schema_of


@dataclass(frozen=True, slots=True)
class Limits:
    """When a tile is cut: number of records, seconds after its first record was seen, bytes of its records.

    A tile has no more bytes than ``bytes``, unless it is one record.
    """

    records: int = 1000
    seconds: float = 60.0
    bytes: int = 64 << 20


@dataclass(slots=True)
class Cut:
    """The records of one tile. ``start`` is set when it is cut."""

    hour: int
    seen: float
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

    def head(self, count: int) -> Cut:
        """The tile of its first records alone: the next one begins after them."""
        records = self.records.part(0, count)
        return replace(self, records=records, size=sum(records.sizes))


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one transaction must hold for a tile: the rejected records to send, and the offset ``footer.next``.

    ``lost`` are rejected offsets whose records left the log before they were sent.
    """

    footer: Footer
    rejected: tuple[tuple[Rejection, Any], ...]
    lost: tuple[int, ...] = ()


class Partition:
    """One partition from its position on.

    Args:
        position: every offset below is written and committed.
        limits: when to cut.
        read: the first offset that will be added; differs from the position where a tile is adopted after retention.
        adopt: the footer of a tile already written at the position, whose transaction is to be repeated.
        leader_epoch: of the last record before the position, as far as it is known.
    """

    def __init__(
        self,
        position: int,
        limits: Limits,
        read: int | None = None,
        adopt: Footer | None = None,
        leader_epoch: int | None = None,
    ) -> None:
        self.position = position
        self.leader_epoch = leader_epoch
        self.read = position if read is None else read
        self.seen = self.read
        self.limits = limits
        self.tiles: deque[Cut] = deque()
        self.size = 0
        self.flight: Cut | None = None
        self.outcome: Footer | None = adopt
        self.flush_to: int | None = None

    # --- what the consumer sees

    def add(self, records: Records, now: float) -> None:
        """Take records in offset order; those already seen are dropped. ``now``: monotonic seconds."""
        seen = bisect_left(records.offsets, self.read)
        if seen:
            records = records.part(seen, len(records.offsets))
        if not records.offsets:
            return
        self.read = records.offsets[-1] + 1
        self.seen = max(self.seen, self.read)
        if self.outcome is not None and records.offsets[0] < self.outcome.next:
            records = self._to_settle(records, self.outcome)
        if records.offsets:
            self._append(records, now)

    @staticmethod
    def _to_settle(records: Records, outcome: Footer) -> Records:
        """Of records that a tile covers which has landed, only the rejected ones are still needed."""
        rejected = {rejection.offset for rejection in outcome.rejected}
        offsets = records.offsets
        return records.only([i for i, at in enumerate(offsets) if at >= outcome.next or at in rejected])

    def end(self, offset: int) -> None:
        """The consumer reached the end of what it can see: everything below ``offset`` was a record or a hole.

        Never a reason to drop a record that comes later, so ``read`` stays where the last record put it.
        """
        self.seen = max(self.seen, offset)

    @property
    def unsettled(self) -> bool:
        """Whether records are still to be read before what has landed can be committed."""
        return self.outcome is not None and bool(self.outcome.rejected) and self.seen < self.outcome.next

    @property
    def idle(self) -> bool:
        """Whether nothing that was read is still to be written or committed."""
        return not self.tiles and self.outcome is None

    def _append(self, records: Records, now: float) -> None:
        values, count = records.values, len(records.offsets)
        first = values[0]
        # The common batch has one schema and lies in one hour: no step per record.
        uniform = (
            first is not None
            and all_begin_with(values, first[:FRAME])
            and hour_of(min(records.timestamps)) == hour_of(max(records.timestamps))
        )
        if not uniform:
            for i in range(count):
                self._extend(records.part(i, i + 1), schema_of(values[i]), now)
            return
        schema_id, begin = schema_of(first), 0
        while begin < count:
            open_one = self._open(records.timestamps[begin], schema_id, now, records.sizes[begin])
            end = min(count, begin + self.limits.records - len(open_one))
            if open_one.size + sum(records.sizes[begin:end]) > self.limits.bytes:
                sums = list(accumulate(records.sizes[begin:end], initial=open_one.size))
                end = begin + max(1, bisect_right(sums, self.limits.bytes) - 1)
            self._extend(records.part(begin, end), schema_id, now)
            begin = end

    @staticmethod
    def _takes(tile: Cut, timestamp: int, schema_id: int | None) -> bool:
        fits = schema_id is None or tile.schema_id is None or tile.schema_id == schema_id
        return not tile.closed and fits and hour_of(timestamp) <= tile.hour

    def _open(self, timestamp: int, schema_id: int | None, now: float, size: int) -> Cut:
        """The tile for a record of ``size`` bytes; one that would become too large is closed."""
        last = self.tiles[-1] if self.tiles else None
        fits = last is not None and (not len(last) or last.size + size <= self.limits.bytes)
        if last is None or not fits or not self._takes(last, timestamp, schema_id):
            if self.tiles:
                self.tiles[-1].closed = True
            self.tiles.append(Cut(hour=hour_of(timestamp), seen=now))
        return self.tiles[-1]

    def _extend(self, records: Records, schema_id: int | None, now: float) -> None:
        tile = self._open(records.timestamps[0], schema_id, now, records.sizes[0])
        if tile.schema_id is None:
            tile.schema_id = schema_id
        into = tile.records
        into.messages += records.messages
        into.values += records.values
        into.offsets += records.offsets
        into.timestamps += records.timestamps
        into.sizes += records.sizes
        size = sum(records.sizes)
        tile.size += size
        self.size += size + RECORD * len(records.offsets)
        tile.closed = len(tile) >= self.limits.records or tile.size >= self.limits.bytes

    # --- what is to be done

    def flush(self, offset: int) -> None:
        """Cut what lies below ``offset`` as soon as all of it was read."""
        self.flush_to = offset if self.flush_to is None else max(self.flush_to, offset)

    def flushed(self, offset: int) -> bool:
        """Whether every record below ``offset`` is written and committed."""
        if self.position >= offset:
            return True
        pending = self.outcome is not None or (bool(self.tiles) and self.tiles[0].records.offsets[0] < offset)
        return self.seen >= offset and not pending

    def cut(self, now: float) -> Cut | None:
        """The tile to write next, or None. It stays in flight until `landed`."""
        if self.flight is not None or self.outcome is not None or not self.tiles:
            return None
        tile = self.tiles[0]
        due = tile.closed or now - tile.seen >= self.limits.seconds or self._flush_due(tile)
        if not due:
            return None
        tile.closed = True
        tile.start = self.position
        self.flight = tile
        return tile

    def close(self) -> None:
        """Cut what was read as soon as may be, since it takes memory that is short."""
        if self.tiles:
            self.tiles[-1].closed = True

    def later(self, cut: Cut) -> list[bytes]:
        """One value of each other schema that was read after a tile."""
        found: dict[int, bytes] = {}
        for tile in self.tiles:
            if tile.schema_id is None or tile.schema_id == cut.schema_id or tile.records.offsets[0] < cut.next:
                continue
            value = next((v for v in tile.records.values if schema_of(v) is not None), None)
            if value is not None:
                found.setdefault(tile.schema_id, value)
        return list(found.values())

    def shorten(self) -> bool:
        """Forget all but the first tile, to be read again: it takes memory for which others wait.

        Returns:
            Whether ``read`` went back, so that the consumer has to.
        """
        if len(self.tiles) < 2 or self.outcome is not None:
            return False
        first = self.tiles[0]
        first.closed = True
        self.tiles = deque([first])
        self.size = first.size + RECORD * len(first)
        self.read = self.seen = first.next
        return True

    def _flush_due(self, tile: Cut) -> bool:
        to = self.flush_to
        if to is None:
            return False
        if self.flushed(to):
            self.flush_to = None
            return False
        return self.seen >= to and tile.records.offsets[0] < to

    def landed(self, footer: Footer) -> None:
        """The object at this position exists and says ``footer``: ours, or that of whoever was first.

        Raises:
            ValueError: the footer is not one of this position, so following it would leave a gap or an overlap.
        """
        if footer.start != self.position or footer.next <= footer.start:
            raise ValueError(f"the tile covers [{footer.start}, {footer.next}), but the position is {self.position}")
        self.flight = None
        self.outcome = footer

    def settle(self) -> Settlement | None:
        """What to commit now, or None: nothing has landed, or records the winner rejected were not read yet."""
        footer = self.outcome
        if footer is None:
            return None
        if not footer.rejected:
            return Settlement(footer, ())
        found = self._messages([r.offset for r in footer.rejected])
        if len(found) < len(footer.rejected) and self.seen < footer.next:
            return None
        return Settlement(
            footer,
            tuple((r, found[r.offset]) for r in footer.rejected if r.offset in found),
            tuple(r.offset for r in footer.rejected if r.offset not in found),
        )

    def _messages(self, offsets: Sequence[int]) -> dict[int, Any]:
        found: dict[int, Any] = {}
        for tile in self.tiles:
            have = tile.records.offsets
            if have[0] > offsets[-1]:
                break
            for offset in offsets:
                i = bisect_left(have, offset)
                if i < len(have) and have[i] == offset:
                    found[offset] = tile.records.messages[i]
        return found

    def commit(self) -> None:
        """The transaction of `settle` is committed: the position moves, covered records are dropped."""
        if self.outcome is None:
            raise ValueError("nothing has landed")
        position, epoch, self.outcome = self.outcome.next, self.outcome.leader_epoch, None
        self.leader_epoch = self.leader_epoch if epoch is None else epoch
        self.position = position
        self.read = max(self.read, position)
        self.seen = max(self.seen, position)
        while self.tiles and self.tiles[0].next <= position:
            tile = self.tiles.popleft()
            self.size -= tile.size + RECORD * len(tile)
        if self.tiles and self.tiles[0].records.offsets[0] < position:
            self._replan(position)

    def _replan(self, position: int) -> None:
        """Another writer cut elsewhere: build the tiles anew, since the first record decides hour and schema."""
        tiles, self.tiles, self.size = self.tiles, deque(), 0
        for tile in tiles:
            kept = tile.records.part(bisect_left(tile.records.offsets, position), len(tile))
            if kept.offsets:
                self._append(kept, tile.seen)
