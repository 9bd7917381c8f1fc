"""Tiles that tile are told from tiles that do not."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from cdc_pipeline.archive import hashes, parquet
from cdc_pipeline.archive.tile import Footer, Rejection, Seen, Source, key
from cdc_pipeline.verify.chain import Chain, by_partition, follow, judge_body, misplaced, oversized, total
from cdc_pipeline.verify.checks.archive import judge_chains, judge_metadata, short_of
from cdc_pipeline.verify.footers import Tile
from hypothesis import given
from hypothesis import strategies as st

SOURCE = Source("postgres.public.users", "AAAAAAAAAAAAAAAAAAAAAA", 0)
HOUR = 490_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def tile(start: int, end: int, rows: int | None = None, rejected: tuple[int, ...] = ()) -> Tile:
    rows = end - start - len(rejected) if rows is None else rows
    footer = Footer(SOURCE, start, end, rows, tuple(Rejection(each, "rule", "reason") for each in rejected))
    return Tile(key("archive", SOURCE, start, HOUR), footer, rows, NOW)


@given(cuts=st.sets(st.integers(1, 500), min_size=2, max_size=30), seed=st.integers())
def test_contiguous_tiles_have_no_problem_in_any_order(cuts: set[int], seed: int) -> None:
    edges = sorted(cuts)
    tiles = [tile(a, b, rows=(b - a) // 2) for a, b in pairwise(edges)]
    random.Random(seed).shuffle(tiles)
    chain = follow(tiles)
    assert chain.problems == []
    assert (chain.first, chain.end) == (edges[0], edges[-1])
    assert chain.rows + chain.rejected + chain.holes == edges[-1] - edges[0]


@given(cuts=st.sets(st.integers(1, 500), min_size=4, max_size=30), data=st.data())
def test_a_missing_tile_is_a_gap(cuts: set[int], data: st.DataObject) -> None:
    edges = sorted(cuts)
    tiles = [tile(a, b) for a, b in pairwise(edges)]
    gone = tiles.pop(data.draw(st.integers(1, len(tiles) - 2)))
    assert follow(tiles).problems == [f"gap: offsets [{gone.footer.start}, {gone.footer.next}) are in no tile"]


@pytest.mark.parametrize(
    ("tiles", "problem"),
    [
        ([tile(0, 10), tile(9, 20)], "overlap"),
        ([tile(0, 10), tile(0, 20)], "overlap"),
        ([tile(0, 100), tile(20, 30), tile(100, 110)], "overlap"),
        ([replace(tile(0, 10), rows=9)], "has 9 rows, its footer says 10"),
        ([tile(5, 5, rows=0)], "which is nothing"),
        ([tile(0, 10, rows=11)], "more rows"),
        ([tile(0, 10, rejected=(10,))], "outside its range"),
        ([tile(0, 10, rejected=(3, 3))], "one twice"),
        ([replace(tile(0, 10), key=key("archive", SOURCE, 7, HOUR))], "has the footer of"),
    ],
)
def test_each_untruth_is_named(tiles: list[Tile], problem: str) -> None:
    assert any(problem in each for each in follow(tiles).problems)


def seen(start: int, end: int, rows: int, rejected: tuple[int, ...] = (), **said: Any) -> Tile:
    """A tile of footer format 2, which is true but for what is said."""
    consumed = rows + len(rejected)
    truth = Seen(consumed, end - start - consumed, start, end - 1, "", "", rules={"rule": len(rejected)})
    old = tile(start, end, rows, rejected)
    return replace(old, footer=replace(old.footer, seen=replace(truth, **said)))


@pytest.mark.parametrize(
    ("tiles", "problem"),
    [
        ([seen(0, 10, 10, consumed=11, holes=-1)], "is of 11 records, but has 10 rows + 0 rejected + 0 skipped"),
        ([seen(0, 10, 7, (3,), consumed=9, holes=1)], "is of 9 records, but has 7 rows + 1 rejected + 0 skipped"),
        ([seen(0, 10, 8, skipped=1)], "is of 8 records, but has 8 rows + 0 rejected + 1 skipped"),
        ([seen(0, 10, 8, holes=1)], "covers [0, 10), but has 8 records + 1 holes"),
        ([seen(0, 10, 8, last_offset=8)], "its records go from 0 to 8"),
        ([seen(5, 10, 3, first_offset=4)], "its records go from 4 to 9"),
        ([seen(0, 10, 10, first_offset=None)], "has 10 records from None"),
        ([seen(0, 10, 0)], "has 0 records from 0; gap: False"),
        ([seen(0, 10, 8, (1, 2), rules={"rule": 1})], "counts 1 records rejected by rule, and lists 2"),
        ([seen(0, 10, 10, leader_epoch=4), seen(10, 20, 10, leader_epoch=3)], "is of leader epoch 3, after one of 4"),
    ],
)
def test_what_was_seen_is_an_equation_that_can_be_false(tiles: list[Tile], problem: str) -> None:
    found = follow(tiles).problems
    assert any(problem in each for each in found), found
    true = [seen(0, 10, 7, (3,)), tile(10, 20), seen(20, 30, 10, leader_epoch=2), seen(30, 40, 1, leader_epoch=2)]
    assert follow(true).problems == []
    assert "(1 tiles of footer format 1" in total([follow(true)])


def whole() -> tuple[pl.DataFrame, Footer]:
    frame = pl.DataFrame({"id": [1, 2, 3], "__offset": [0, 2, 3]})
    rejected = (Rejection(1, "rule", "reason"),)
    said = Seen(4, 0, 0, 3, hashes.of_offsets([0, 1, 2, 3]), hashes.of_rows(frame), rules={"rule": 1})
    return frame, Footer(SOURCE, 0, 4, 3, rejected, seen=said)


def test_a_body_is_what_its_footer_says() -> None:
    frame, footer = whole()
    body = parquet.encode(frame, footer)
    assert judge_body("k", body) == []
    for at in range(4, len(body) - 8 - int.from_bytes(body[-8:-4], "little")):
        spoiled = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        assert judge_body("k", spoiled) == ["k has data pages that are not those that were written"]
    other = parquet.encode(frame.with_columns(id=pl.Series([1, 2, 4])), footer)
    assert judge_body("k", other) == ["k has rows that are not those that were written"]
    moved = frame.with_columns(pl.Series("__offset", [0, 1, 3]))
    assert any("other offsets" in each for each in judge_body("k", parquet.encode(moved, footer)))
    assert judge_body("k", parquet.encode(frame, replace(footer, seen=None))) == []


def test_the_layout_is_exact() -> None:
    good = tile(0, 10)
    moved = replace(good, key=good.key.replace("month=", "m="))
    other = replace(good, key=good.key.replace("archive/", "elsewhere/"))
    assert misplaced([good], "archive") == []
    assert misplaced([moved, other], "archive") == sorted([moved.key, other.key])


def test_a_tile_has_no_more_records_than_the_limit_of_its_time() -> None:
    earlier = replace(tile(0, 2000), modified=NOW - timedelta(seconds=1))
    full = tile(2000, 4000, rows=999, rejected=(2001,))
    over = tile(4000, 6000, rows=1000, rejected=(4001,))
    assert oversized([earlier, full], 1000, NOW) == []
    assert oversized([earlier, full, over], 1000, NOW) == [f"{over.key} has 1001 records"]


def finding(tiles: list[Tile], committed: int | None, low: int):
    at = (SOURCE.topic, 0)
    chains = {(topic, partition): follow(each) for (topic, _, partition), each in by_partition(tiles).items()}
    positions = {} if committed is None else {at: committed}
    return next(judge_chains(SOURCE.topic, chains, positions, {at: low}))


@pytest.mark.parametrize(
    ("tiles", "committed", "low", "ok"),
    [
        ([tile(0, 10), tile(10, 20)], 20, 0, True),
        ([tile(0, 10), tile(10, 20)], 10, 0, True),  # the last tile's transaction is still to come
        ([tile(0, 10)], 20, 0, False),
        ([tile(0, 10)], None, 0, False),
        ([tile(5, 10)], 10, 0, False),
        ([tile(5, 10)], 10, 5, True),
        ([], None, 0, True),
        ([], 0, 0, True),
        ([], 7, 0, False),
    ],
)
def test_tiles_reach_from_the_log_to_the_committed_offset(
    tiles: list[Tile], committed: int | None, low: int, ok: bool
) -> None:
    assert finding(tiles, committed, low).ok is ok


def test_a_committed_offset_names_its_tile() -> None:
    ids = {SOURCE.topic: SOURCE.topic_id}
    right = key("archive", SOURCE, 10, HOUR)
    assert judge_metadata({(SOURCE.topic, 0): (20, right)}, ids).ok
    assert judge_metadata({(SOURCE.topic, 0): (20, f"{right} 22")}, ids).ok
    assert not judge_metadata({(SOURCE.topic, 0): (20, "")}, ids).ok
    assert not judge_metadata({(SOURCE.topic, 1): (20, right)}, ids).ok
    assert not judge_metadata({(SOURCE.topic, 0): (5, right)}, ids).ok


def test_rows_that_are_in_no_tile() -> None:
    chains = {("a", 0): Chain(rows=3), ("a", 1): Chain(rows=2), ("b", 0): Chain(rows=9)}
    assert short_of({"a": 5, "b": 4}, chains) == {}
    assert short_of({"a": 6, "c": 1}, chains) == {"a": "6 rows, 5 archived", "c": "1 rows, 0 archived"}
