"""Where a partition begins to be read: the cases, one by one."""

from __future__ import annotations

import pytest
from cdc_pipeline.archive import tile
from cdc_pipeline.archive.position import Committed, Log, Start, Stop, decide, metadata
from cdc_pipeline.archive.tile import Footer, Rejection, Seen, Source

SOURCE = Source("shop", "abc", 1)
REJECTED = (Rejection(15, "avro.datum", "broken"),)


class Tiles:
    def __init__(self, *footers: Footer) -> None:
        self.footers = {f.start: f for f in footers}

    def last(self) -> Footer | None:
        return self.footers[max(self.footers)] if self.footers else None

    def at(self, start: int) -> Footer | None:
        return self.footers.get(start)

    def before(self, position: int) -> Footer | None:
        return self.footers.get(max((start for start in self.footers if start < position), default=-1))


def epoch_4(start: int, end: int) -> Footer:
    seen = Seen(end - start, 0, start, end - 1, "", "", leader_epoch=4)
    return Footer(SOURCE, start, end, rows=end - start, seen=seen)


def test_the_leader_epoch_is_the_committed_one_or_that_of_the_last_tile() -> None:
    committed = Committed(20, tile.key("p", SOURCE, 0, 470_000), 3)
    assert decide(SOURCE, committed, Log(0, 50), Tiles(epoch_4(0, 20))) == Start(20, 20, leader_epoch=3)
    assert decide(SOURCE, None, Log(0, 50), Tiles(epoch_4(0, 20))) == Start(20, 20, commit=True, leader_epoch=4)


def footer(start: int, end: int, rejected: tuple[Rejection, ...] = ()) -> Footer:
    return Footer(SOURCE, start, end, rows=end - start - len(rejected), rejected=rejected)


def ours(offset: int, source: Source = SOURCE) -> Committed:
    return Committed(offset, tile.key("p", source, 0, 470_000))


def test_the_committed_offset_is_the_position() -> None:
    assert decide(SOURCE, ours(20), Log(0, 50), Tiles(footer(10, 20))) == Start(20, 20)


def test_without_commit_the_chain_ends_at_the_position() -> None:
    assert decide(SOURCE, None, Log(0, 50), Tiles(footer(0, 10), footer(10, 20))) == Start(20, 20, commit=True)


def test_without_commit_and_chain_it_is_zero() -> None:
    assert decide(SOURCE, None, Log(0, 50), Tiles()) == Start(0, 0, commit=True)


def test_without_commit_the_last_tile_is_settled_again_if_it_rejected() -> None:
    assert decide(SOURCE, None, Log(0, 50), Tiles(footer(10, 20, REJECTED))) == Start(10, 10, commit=True)


def test_an_offset_of_a_topic_of_that_name_before_does_not_count() -> None:
    before = ours(20, Source("shop", "other", 1))
    assert decide(SOURCE, before, Log(0, 50), Tiles()) == Start(0, 0, commit=True)


def test_an_offset_that_another_tool_set_does_not_count() -> None:
    assert decide(SOURCE, Committed(5, ""), Log(0, 50), Tiles(footer(0, 10))) == Start(10, 10, commit=True)


def test_a_fresh_topic_whose_records_are_deleted_already_stops() -> None:
    start = decide(SOURCE, None, Log(7, 50), Tiles())
    assert isinstance(start, Stop)
    assert start.position == 0
    assert "[0, 7) is missing" in start.reason


def test_a_log_that_begins_beyond_the_position_stops() -> None:
    start = decide(SOURCE, ours(20), Log(30, 50), Tiles(footer(10, 20)))
    assert isinstance(start, Stop)
    assert (start.kind, start.missing) == ("gap", (20, 30))


@pytest.mark.parametrize(
    ("tiles", "kind", "missing"),
    [
        ([], "tile_missing", (0, 20)),
        ([footer(0, 10)], "tile_missing", (10, 20)),
        ([footer(0, 10), footer(20, 30)], "tile_missing", (10, 20)),
        ([footer(10, 30)], "foreign", None),
    ],
    ids=["emptied", "the last one", "one in between", "another writer's"],
)
def test_an_emptied_or_exchanged_bucket_stops_the_partition(
    tiles: list[Footer], kind: str, missing: tuple[int, int] | None
) -> None:
    start = decide(SOURCE, ours(20), Log(0, 50), Tiles(*tiles))
    assert isinstance(start, Stop)
    assert (start.kind, start.missing) == (kind, missing)


def test_what_was_accepted_to_be_lost_is_a_tile_like_any_other() -> None:
    gap = Footer(SOURCE, 0, 20, rows=0, gap=True)
    assert decide(SOURCE, ours(20), Log(0, 50), Tiles(gap)) == Start(20, 20)


@pytest.mark.parametrize("covered", [20, 23])
def test_the_key_of_the_last_tile_stays_in_the_metadata(covered: int) -> None:
    key = tile.key("a prefix", SOURCE, 0, 470_000)
    committed = Committed(20, metadata(key, 20, covered))
    assert (committed.named, committed.source, committed.covered) == (key, SOURCE, covered)


def test_a_log_that_ends_before_the_position_stops() -> None:
    start = decide(SOURCE, ours(20), Log(0, 10), Tiles(footer(0, 20)))
    assert isinstance(start, Stop)
    assert start.kind == "truncated"


def test_a_tile_at_the_position_bridges_deleted_records() -> None:
    there = footer(20, 40, REJECTED)
    assert decide(SOURCE, ours(20), Log(30, 50), Tiles(footer(0, 20), there)) == Start(20, 30, adopt=there)


def test_a_tile_that_ends_before_the_log_begins_is_settled_and_then_decided_anew() -> None:
    there = footer(20, 25)
    tiles = Tiles(footer(0, 20), there)
    assert decide(SOURCE, ours(20), Log(30, 50), tiles) == Start(20, 30, adopt=there, again=True)


def test_trailing_holes_that_were_seen_may_be_deleted() -> None:
    seen = Committed(20, metadata(tile.name(SOURCE, 20), 20, 23))
    assert decide(SOURCE, seen, Log(22, 50), Tiles(footer(0, 20))) == Start(20, 22)
    assert isinstance(decide(SOURCE, seen, Log(24, 50), Tiles(footer(0, 20))), Stop)
