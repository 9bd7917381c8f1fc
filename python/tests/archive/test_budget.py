"""What a process may take is divided so that the largest row can always be archived."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from cdc_pipeline.archive import budget
from cdc_pipeline.archive.admission import Admission
from cdc_pipeline.archive.backoff import Backoff
from cdc_pipeline.archive.budget import MIB
from cdc_pipeline.archive.cuts import Cut, Limits
from cdc_pipeline.archive.owned import Owned, Work
from cdc_pipeline.archive.planner import Partition
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.seen import Returned
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from model import SOURCE

FRAME = b"\0\0\0\0\1"


@given(
    st.integers(64 * MIB, 4096 * MIB),
    st.integers(64 << 10, 256 * MIB),
    st.integers(1, 9),
    st.none() | st.integers(MIB, 512 * MIB),
    st.none() | st.integers(1 << 16, 128 * MIB),
)
def test_the_largest_row_fits_into_the_tightest_limit_that_is_accepted(
    limit: int, row: int, brokers: int, buffer: int | None, tile: int | None
) -> None:
    got = budget.plan(limit, row, brokers, buffer=buffer, tile=tile)
    accepted = not budget.problems(got, limit, row, {})
    assert accepted == (got.total <= limit)
    if accepted:
        assert budget.admits(budget.cost(row, 1, budget.UNKNOWN_COLUMNS), 0, got.work)
        assert budget.cost(max(row, got.tile), 1) <= got.work
        least = got.total
        assert budget.plan(least, row, brokers, got.fetch_queue, got.buffer, got.tile).total <= least


def test_a_tile_larger_than_all_there_is_runs_alone() -> None:
    assert budget.admits(100, 0, 10)
    assert not budget.admits(100, 1, 10)
    assert not budget.admits(6, 5, 10)
    assert budget.admits(5, 5, 10)


def work_of(sizes: list[int]) -> Work:
    values: list[bytes | None] = [FRAME + bytes(size - len(FRAME)) for size in sizes]
    records = Records([None] * len(sizes), values, list(range(len(sizes))), [0] * len(sizes))
    cut = Cut(hour=0, seen=0.0, start=0, schema_id=1, size=sum(sizes), records=records)
    owned = Owned(SOURCE, Partition(0, Limits()), Returned(0))
    return Work(owned, cut, list(range(len(sizes))), 0.0, Backoff(1.0))


def test_a_tile_of_many_columns_is_made_of_fewer_records() -> None:
    work = work_of([1000] * 1000)
    wide = SimpleNamespace(columns=1600, as_objects=False)
    assert work.fit(wide, 32 * MIB) <= 32 * MIB  # type: ignore[arg-type]
    assert 0 < len(work.cut) < 1000
    assert work.offsets == list(range(len(work.cut))) and work.cut.next == len(work.cut)
    assert work.cut.size == sum(work.cut.records.sizes)


@pytest.mark.parametrize("sizes", [[100 * MIB], [100 * MIB, 10]])
def test_one_record_is_a_tile_however_large(sizes: list[int]) -> None:
    work = work_of(sizes)
    work.fit(None, 32 * MIB)
    assert len(work.cut) == 1


# --- admission


def always(_: Work) -> bool:
    return True


def nothing_known(_: int | None) -> None:
    return None


def begun(admission: Admission, now: float = 0.0, current: Callable[[Work], bool] = always) -> list[Work]:
    return admission.begin(now, current, nothing_known)


def test_tiles_are_begun_as_memory_is_there_and_the_oldest_first() -> None:
    works = [work_of([MIB]) for _ in range(4)] + [work_of([6 * MIB])] + [work_of([100]) for _ in range(2)]
    admission = Admission(4 * budget.cost(MIB, 1))
    for work in works:
        admission.add(work)
    assert begun(admission) == works[:4]
    assert begun(admission) == []
    for work in works[:3]:  # encoded and waiting to be written
        work.running, work.held, work.prepared, work.due = False, 1000, object(), 9.0  # type: ignore[assignment]
    assert begun(admission) == [], "small ones do not pass a large one"
    assert begun(admission, 9.0) == works[:3], "what is encoded needs no more"
    assert begun(admission, current=lambda work: work not in works[:4]) == [], "those that run still have theirs"
    for work in works[:4]:
        work.running = False
    assert begun(admission, current=lambda work: work not in works[:4]) == [works[4]], "it runs alone"


def test_a_tile_that_waits_to_be_decoded_again_has_nothing() -> None:
    first, second = work_of([10 * MIB]), work_of([10 * MIB])
    admission = Admission(budget.cost(10 * MIB, 1))
    admission.add(first)
    admission.add(second)
    assert begun(admission) == [first]
    first.running, first.held, first.due = False, 0, 60.0
    assert begun(admission, 1.0) == [second]


# --- cuts


@pytest.mark.parametrize("at_once", [1, 3, 1000])
@pytest.mark.parametrize(
    "sizes", [[10] * 100, [10, 60, 10, 200, 10, 10, 99, 1, 1], [200] * 5, [100, 1, 99, 2]], ids=str
)
def test_no_tile_has_more_bytes_than_its_limit_unless_it_is_one_record(sizes: list[int], at_once: int) -> None:
    plan = Partition(0, Limits(flush_records=1000, flush_seconds=10.0, tile_bytes=100))
    values: list[bytes | None] = [FRAME] * len(sizes)
    records = Records([None] * len(sizes), values, list(range(len(sizes))), [0] * len(sizes), sizes)
    for begin in range(0, len(sizes), at_once):
        plan.add(records.part(begin, begin + at_once), 0.0)
    for cut in plan.tiles:
        assert cut.size == sum(cut.records.sizes)
        assert cut.size <= 100 or len(cut) == 1
    assert [offset for cut in plan.tiles for offset in cut.records.offsets] == list(range(len(sizes)))
    assert all(cut.closed for cut in list(plan.tiles)[:-1])
    for a, b in zip(list(plan.tiles), list(plan.tiles)[1:], strict=False):
        assert a.size + b.records.sizes[0] > 100, "cut although there was room"


def test_keys_and_headers_count() -> None:
    plan = Partition(0, Limits(tile_bytes=100))
    plan.add(Records([None] * 2, [FRAME] * 2, [0, 1], [0, 0], [60, 60]), 0.0)
    assert len(plan.tiles) == 2
    assert plan.size == 120 + 2 * budget.RECORD


# --- records that are needed no more


def test_of_a_tile_that_has_landed_only_the_rejected_records_are_kept() -> None:
    from cdc_pipeline.archive.tile import Footer, Rejection

    adopted = Footer(SOURCE, 0, 50, rows=49, rejected=(Rejection(20, "r", ""),))
    plan = Partition(0, Limits(flush_records=10), adopt=adopted)
    values: list[bytes | None] = [FRAME + bytes(1000)] * 60
    plan.add(Records(list(range(60)), values, list(range(60)), [0] * 60), 0.0)
    assert plan.size < 12 * 2000
    settled = plan.settle()
    assert settled is not None and [message for _, message in settled.rejected] == [20]
    plan.commit()
    assert plan.position == 50
    assert [offset for cut in plan.tiles for offset in cut.records.offsets] == list(range(50, 60))


def test_what_memory_is_needed_for_is_forgotten_and_read_again() -> None:
    plan = Partition(0, Limits(flush_records=10, flush_seconds=10.0))
    records = Records([None] * 30, [FRAME] * 30, list(range(30)), [0] * 30)
    plan.add(records, 0.0)
    assert plan.cut(0.0) is not None
    assert plan.shorten()
    assert (plan.read, len(plan.tiles)) == (10, 1)
    plan.add(records, 0.0)
    assert [offset for cut in plan.tiles for offset in cut.records.offsets] == list(range(30))
    assert plan.size == sum(cut.size + budget.RECORD * len(cut) for cut in plan.tiles)
