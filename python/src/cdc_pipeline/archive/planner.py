"""The protocol of one partition, as a state machine without I/O and without a clock.

A partition's records pass through it in this order::

    add / end  →  cut  →  (the object is written)  →  landed  →  settle  →  (one Kafka transaction)  →  commit

Only one tile is between `cut` and `commit` at a time. What was written at a position is the truth, whoever wrote it:
`landed` takes the footer of the object that is there, and `settle` says what the transaction must contain for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cdc_pipeline.archive import cuts
from cdc_pipeline.archive.budget import RECORD
from cdc_pipeline.archive.cuts import Cut, Limits
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.tile import Footer, Rejection, hour_of
from cdc_pipeline.archive.wire import schema_of


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
        limits: what the rules go by that cut.
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
        if cuts.alike(records):
            self._append_alike(records, now)
            return
        for i in range(len(records.offsets)):
            self._append_alike(records.part(i, i + 1), now)

    def _append_alike(self, records: Records, now: float) -> None:
        begin, count = 0, len(records.offsets)
        while begin < count:
            end = cuts.end(self.tiles[-1], records, begin, self.limits) if self.tiles else begin
            if end == begin:
                self._open(records.timestamps[begin], now)
                end = cuts.end(self.tiles[-1], records, begin, self.limits)
            self.size += self.tiles[-1].take(records.part(begin, end)) + RECORD * (end - begin)
            begin = end

    def _open(self, timestamp: int, now: float) -> None:
        """Close the last tile, and begin one with a record."""
        if self.tiles:
            self.tiles[-1].closed = True
        self.tiles.append(Cut(hour=hour_of(timestamp), seen=now))

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
        if not cuts.due(tile, now, self.limits) and not self._flush_due(tile):
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
        """Another writer cut elsewhere: build the tiles again, since the first record decides hour and schema."""
        tiles, self.tiles, self.size = self.tiles, deque(), 0
        for tile in tiles:
            kept = tile.records.part(bisect_left(tile.records.offsets, position), len(tile))
            if kept.offsets:
                self._append(kept, tile.seen)
