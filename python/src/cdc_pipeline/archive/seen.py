"""What a tile's footer says of what was seen: counted, not concluded."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

import polars as pl

from cdc_pipeline.archive import hashes, lossless
from cdc_pipeline.archive.cuts import Cut
from cdc_pipeline.archive.errors import ArchiveError
from cdc_pipeline.archive.rows import RULE_CUT, RULE_TEXT
from cdc_pipeline.archive.tile import Range, Seen
from cdc_pipeline.archive.verdict import Verdict

LSN, COMMIT_US = "__lsn", "__source_ts_us"


class Returned:
    """The offsets that the consumer returned of a partition and that are not committed yet.

    They are noted before anything is done with the records, so that what a tile says can be compared with them.

    Args:
        read: the first offset that counts; a record that the consumer returns again does not.
    """

    def __init__(self, read: int) -> None:
        self._next = read
        self._offsets: list[int] = []

    def note(self, offsets: list[int]) -> None:
        """Take the offsets of one answer of the consumer, as they came."""
        if offsets[0] < self._next:
            offsets = [offset for offset in offsets if offset >= self._next]
        if offsets:
            self._offsets += offsets
            self._next = offsets[-1] + 1

    def of(self, cut: Cut) -> list[int]:
        """Those of the range of a tile."""
        return self._offsets[bisect_left(self._offsets, cut.start) : bisect_left(self._offsets, cut.next)]

    def again(self, read: int) -> None:
        """What follows will be returned once more."""
        del self._offsets[bisect_left(self._offsets, read) :]
        self._next = min(self._next, read)

    def forget(self, position: int) -> None:
        """Everything below is committed."""
        del self._offsets[: bisect_left(self._offsets, position)]
        self._next = max(self._next, position)


def of(cut: Cut, judged: Verdict, texts: int, offsets: list[int]) -> Seen:
    """What was seen of a tile that is about to be written.

    Args:
        texts: values that the archive put into ``__text``.
        offsets: what the consumer returned of the tile's range.

    Raises:
        ArchiveError: a sum of the footer is false, so that writing the tile would lose a record or have one twice.
    """
    frame = judged.frame
    became = frame.height + len(judged.rejected)
    if became != len(offsets):
        raise ArchiveError(f"{len(offsets)} records from offset {cut.start} became {became} rows and dead letters")
    holes = _holes(cut.start, offsets)
    if len(offsets) + holes != cut.next - cut.start:
        found = f"{len(offsets)} records and {holes} holes"
        raise ArchiveError(f"the offsets [{cut.start}, {cut.next}) came as {found}: twice, or not in order")
    rules = Counter(rejection.rule for rejection in judged.rejected)
    if texts:
        rules[RULE_TEXT] = texts
    cuts = _cut_rows(frame)
    if cuts:
        rules[RULE_CUT] = cuts
    return Seen(
        consumed=len(offsets),
        holes=holes,
        first_offset=offsets[0],
        last_offset=offsets[-1],
        lsn=_range(frame, LSN),
        commit_order=_range(frame, lossless.COMMIT_ORDER),
        commit_us=_range(frame, COMMIT_US),
        leader_epoch=cut.records.messages[-1].leader_epoch(),
        rules=rules,
        offsets_hash=hashes.of_offsets(offsets),
        rows_hash=hashes.of_rows(frame),
    )


def of_gap(start: int, end: int, frame: pl.DataFrame) -> Seen:
    """What was seen of a range that the log does not have any more: nothing."""
    nothing = hashes.of_offsets([])
    return Seen(0, end - start, None, None, nothing, hashes.of_rows(frame))


def _holes(start: int, offsets: list[int]) -> int:
    """Offsets from ``start`` on that were passed over: with the records, all up to the last, if each came once."""
    first = offsets[0]
    if first >= start and offsets == list(range(first, first + len(offsets))):
        return first - start
    holes, expected = 0, start
    for offset in offsets:
        if offset >= expected:
            holes += offset - expected
            expected = offset + 1
    return holes


def _cut_rows(frame: pl.DataFrame) -> int:
    cuts = frame.get_column(lossless.CUT)
    return len(cuts) - cuts.null_count()


def _range(frame: pl.DataFrame, column: str) -> Range:
    values = frame.get_column(column)
    # In topics of others it may be anything.
    if not values.dtype.is_integer():
        return None
    lowest, highest = values.min(), values.max()
    return (lowest, highest) if isinstance(lowest, int) and isinstance(highest, int) else None
