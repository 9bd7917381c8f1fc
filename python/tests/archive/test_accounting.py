"""The footer's sums are of what the consumer returned, so that they are false where a record is lost on the way."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from cdc_pipeline.archive import hashes, seen, write
from cdc_pipeline.archive.cuts import Limits
from cdc_pipeline.archive.errors import ArchiveError
from cdc_pipeline.archive.planner import Partition
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.seen import Returned

sys.path.insert(0, str(Path(__file__).parent))
from model import PREFIX, SOURCE, FakeDecoders, Message

LIMITS = Limits(flush_records=4, flush_seconds=10.0, tile_bytes=1000)


def records(*offsets: int) -> Records:
    messages = [Message(offset, 0, b"\0\0\0\0\x01good") for offset in offsets]
    return Records(messages, [m.value for m in messages], list(offsets), [0] * len(offsets))


def tile_of(plan: Partition, returned: Returned) -> Any:
    plan.flush(plan.read)
    cut = plan.cut(0.0)
    assert cut is not None
    return write.prepare(cut, SOURCE, PREFIX, FakeDecoders(), returned.of(cut)).footer


def test_a_footer_counts_what_the_consumer_returned() -> None:
    plan, returned = Partition(5, LIMITS), Returned(5)
    for offsets in ([3, 4, 5], [5, 6, 9], [12], [13]):
        returned.note(offsets)
        plan.add(records(*offsets), 0.0)
    footer = tile_of(plan, returned)
    said = footer.seen
    assert (footer.start, footer.next, footer.rows) == (5, 13, 4)
    assert (said.consumed, said.holes, said.first_offset, said.last_offset) == (4, 4, 5, 12)
    assert said.offsets_hash == hashes.of_offsets([5, 6, 9, 12])
    plan.landed(footer)
    plan.commit()
    returned.forget(plan.position)
    footer = tile_of(plan, returned)
    assert (footer.seen.consumed, footer.seen.first_offset) == (1, 13)


def test_what_another_writer_wrote_is_not_counted() -> None:
    plan, returned = Partition(8, LIMITS), Returned(5)
    returned.note([5, 6])
    returned.forget(8)
    returned.note([7, 8])
    plan.add(records(7, 8), 0.0)
    assert tile_of(plan, returned).seen.consumed == 1


@pytest.mark.parametrize("dropped", [5, 6, 7])
def test_a_record_that_the_planner_drops_makes_them_false(dropped: int) -> None:
    plan, returned = Partition(5, LIMITS), Returned(5)
    returned.note([5, 6, 7, 8])
    plan.add(records(*(o for o in (5, 6, 7, 8) if o != dropped)), 0.0)
    with pytest.raises(ArchiveError, match="4 records from offset 5 became 3"):
        tile_of(plan, returned)


@pytest.mark.parametrize("offsets", [[5, 5, 6], [6, 5, 7], [5, 7, 7], [5, 5, 7], [5, 6, 6, 8]])
def test_doubled_or_disordered_offsets_make_them_false(offsets: list[int]) -> None:
    plan, returned = Partition(5, LIMITS), Returned(5)
    plan.add(records(*offsets), 0.0)
    returned.note(offsets)
    with pytest.raises(ArchiveError):
        tile_of(plan, returned)


@pytest.mark.parametrize(
    ("offsets", "holes"), [([5, 6, 7], 0), ([6, 7], 1), ([5, 9], 3), ([5, 5, 7], 1), ([6, 5], 1), ([7, 5, 6], 2)]
)
def test_holes_are_counted(offsets: list[int], holes: int) -> None:
    assert seen._holes(5, offsets) == holes
