"""What a tile's footer says of what was seen: counted, not concluded."""

from __future__ import annotations

from collections import Counter

import polars as pl

from cdc_pipeline.archive import hashes, lossless
from cdc_pipeline.archive.errors import ArchiveError
from cdc_pipeline.archive.planner import Cut
from cdc_pipeline.archive.rows import RULE_TEXT
from cdc_pipeline.archive.tile import Range, Seen
from cdc_pipeline.archive.verdict import Verdict

LSN, COMMIT_US = "__lsn", "__source_ts_us"


def of(cut: Cut, judged: Verdict, texts: int) -> Seen:
    """What was seen of a tile that is about to be written.

    Args:
        texts: values that the archive put into ``__text``.

    Raises:
        ArchiveError: the records are not as many as rows and rejected ones, so that writing the tile would lose some.
    """
    offsets, frame = cut.records.offsets, judged.frame
    became = frame.height + len(judged.rejected)
    if became != len(offsets):
        raise ArchiveError(f"{len(offsets)} records from offset {cut.start} became {became} rows and dead letters")
    rules = Counter(rejection.rule for rejection in judged.rejected)
    if texts:
        rules[RULE_TEXT] = texts
    return Seen(
        consumed=len(offsets),
        holes=_holes(cut.start, offsets),
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
    """Offsets from ``start`` to the last one that are not among ``offsets``, which rise."""
    if offsets[-1] - offsets[0] + 1 == len(offsets):
        return offsets[0] - start
    holes, expected = 0, start
    for offset in offsets:
        holes += offset - expected
        expected = offset + 1
    return holes


def _range(frame: pl.DataFrame, column: str) -> Range:
    values = frame.get_column(column)
    if not values.dtype.is_integer():  # a foreign topic's column of this name
        return None
    lowest, highest = values.min(), values.max()
    return None if lowest is None else (lowest, highest)  # type: ignore[return-value]
