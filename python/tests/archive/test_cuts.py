"""The rules that cut tiles: each by itself, all together, and one that is added."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from cdc_pipeline.archive import cuts
from cdc_pipeline.archive.cuts import Limits, Rule
from cdc_pipeline.archive.planner import Partition
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.tile import MS_PER_HOUR
from hypothesis import given
from hypothesis import strategies as st

ONE, OTHER = b"\0\0\0\0\1", b"\0\0\0\0\2"
LIMITS = Limits(flush_records=4, flush_seconds=10.0, tile_bytes=60)


@dataclass
class Message:
    """What Kafka says of a record besides."""

    epoch: int = 0

    def leader_epoch(self) -> int:
        return self.epoch


def records_of(
    values: list[bytes | None], hours: list[int] | None = None, sizes: list[int] | None = None, epochs: str = ""
) -> Records:
    count = len(values)
    messages = [Message(int(epoch)) for epoch in epochs or "0" * count]
    timestamps = [hour * MS_PER_HOUR for hour in hours or [0] * count]
    return Records(messages, values, list(range(count)), timestamps, sizes or [1] * count)


def tiles_of(records: Records, at_once: int = 1000) -> list[int]:
    """How many records each tile has, where so many come at once."""
    plan = Partition(0, LIMITS)
    for begin in range(0, len(records.offsets), at_once):
        plan.add(records.part(begin, begin + at_once), 0.0)
    assert [offset for tile in plan.tiles for offset in tile.records.offsets] == records.offsets
    return [len(tile) for tile in plan.tiles]


@pytest.mark.parametrize("at_once", [1, 2, 1000])
@pytest.mark.parametrize(
    ("records", "tiles"),
    [
        (records_of([ONE] * 9), [4, 4, 1]),
        (records_of([ONE, ONE, OTHER, OTHER, ONE]), [2, 2, 1]),
        (records_of([None, ONE, None, b"no frame"]), [4]),
        (records_of([None, ONE, None, OTHER]), [3, 1]),
        (records_of([ONE] * 4, hours=[1, 1, 2, 2]), [2, 2]),
        (records_of([ONE] * 4, hours=[2, 1, 2, 3]), [3, 1]),
        (records_of([ONE] * 4, sizes=[30, 30, 30, 31]), [2, 1, 1]),
        (records_of([ONE] * 3, sizes=[1, 100, 1]), [1, 1, 1]),
    ],
    ids=["records", "schema", "no schema", "schema after none", "hour", "earlier hour", "bytes", "large"],
)
def test_a_tile_ends_where_a_rule_says_so(records: Records, tiles: list[int], at_once: int) -> None:
    assert tiles_of(records, at_once) == tiles


@pytest.mark.parametrize(
    ("count", "size", "now", "due"),
    [(3, 1, 9.9, False), (3, 1, 10.0, True), (4, 1, 0.0, True), (1, 60, 0.0, True)],
    ids=["none", "seconds", "records", "bytes"],
)
def test_a_tile_is_written_though_nothing_follows(count: int, size: int, now: float, due: bool) -> None:
    plan = Partition(0, LIMITS)
    plan.add(records_of([ONE] * count, sizes=[size] * count), 0.0)
    assert (plan.cut(now) is not None) == due


KINDS = st.sampled_from([ONE, ONE, ONE, OTHER, None, b"no frame", b""])


@given(st.lists(st.tuples(KINDS, st.integers(0, 3), st.integers(1, 40)), min_size=1, max_size=40), st.integers(1, 40))
def test_tiles_are_the_same_however_many_records_come_at_once(
    rows: list[tuple[bytes | None, int, int]], at_once: int
) -> None:
    records = records_of([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
    assert tiles_of(records, at_once) == tiles_of(records, 1)


class OneLeaderEpoch(Rule):
    """A rule as `docs/contributing.md` has one added."""

    def alike(self, records: Records) -> bool:
        return len({message.leader_epoch() for message in records.messages}) == 1

    def end(self, tile: cuts.Cut, records: Records, begin: int, end: int, limits: Limits) -> int:
        before = tile.records.messages[-1:]
        same = all(message.leader_epoch() == records.messages[begin].leader_epoch() for message in before)
        return end if same else begin


@pytest.mark.parametrize("at_once", [1, 2, 1000])
def test_a_rule_is_added_in_one_place(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    records = records_of([ONE] * 7, epochs="1112222")
    assert tiles_of(records, at_once) == [4, 3]
    monkeypatch.setattr(cuts, "RULES", (*cuts.RULES, OneLeaderEpoch()))
    assert tiles_of(records, at_once) == [3, 4]
