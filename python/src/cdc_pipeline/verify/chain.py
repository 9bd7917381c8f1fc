"""Whether the tiles of a partition tile it: no gap, no overlap, counts that add up, names and folders that are true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from cdc_pipeline.archive import hashes, parquet
from cdc_pipeline.archive.columns import OFFSET
from cdc_pipeline.archive.tile import Footer, Seen, hour_in, parse
from cdc_pipeline.archive.tile import key as key_of
from cdc_pipeline.verify.footers import Tile


@dataclass
class Chain:
    """What the tiles of one partition of one topic id amount to.

    Attributes:
        first: offset at which the first tile starts; None without tiles.
        end: offset after the last tile.
        counted: how many tiles say what their writer saw (footer format 2), so that their sums can be wrong.
        problems: one sentence for each break; empty when the tiles tile the range.
    """

    first: int | None = None
    end: int | None = None
    tiles: int = 0
    rows: int = 0
    rejected: int = 0
    holes: int = 0
    gaps: int = 0
    counted: int = 0
    problems: list[str] = field(default_factory=list)


def follow(tiles: Iterable[Tile]) -> Chain:
    """The chain of one partition's tiles, in any order."""
    chain = Chain()
    epoch = -1
    for tile in sorted(tiles, key=lambda each: (each.footer.start, each.footer.next)):
        footer = tile.footer
        if chain.end is not None and footer.start > chain.end:
            chain.problems.append(f"gap: offsets [{chain.end}, {footer.start}) are in no tile")
        if chain.end is not None and footer.start < chain.end:
            chain.problems.append(f"overlap: {tile.key} starts at {footer.start}, before {chain.end}")
        chain.problems += judge_tile(tile)
        if footer.leader_epoch is not None:
            if footer.leader_epoch < epoch:
                chain.problems.append(f"{tile.key} is of leader epoch {footer.leader_epoch}, after one of {epoch}")
            epoch = max(epoch, footer.leader_epoch)
        chain.first = footer.start if chain.first is None else chain.first
        chain.end = footer.next if chain.end is None else max(chain.end, footer.next)
        chain.tiles += 1
        chain.rows += tile.rows
        chain.rejected += len(footer.rejected)
        chain.holes += footer.holes
        chain.gaps += footer.gap
        chain.counted += footer.seen is not None
    return chain


def judge_tile(tile: Tile) -> list[str]:
    """What a tile says of itself that is not so."""
    footer = tile.footer
    problems = []
    if footer.next <= footer.start:
        problems.append(f"{tile.key} covers [{footer.start}, {footer.next}), which is nothing")
    if tile.rows != footer.rows:
        problems.append(f"{tile.key} has {tile.rows} rows, its footer says {footer.rows}")
    if footer.holes < 0:
        problems.append(f"{tile.key} has more rows and rejected records than offsets")
    offsets = [each.offset for each in footer.rejected]
    if len(set(offsets)) < len(offsets) or any(not footer.start <= each < footer.next for each in offsets):
        problems.append(f"{tile.key} rejects offsets outside its range, or one twice")
    named = parse(tile.key)
    if named is None or named != (footer.source, footer.start):
        problems.append(f"{tile.key} has the footer of {footer.source} at {footer.start}")
    if footer.seen is not None:
        problems += [f"{tile.key} {problem}" for problem in _sums(footer, footer.seen)]
    return problems


def _sums(footer: Footer, seen: Seen) -> Iterator[str]:
    """What was seen against what became of it."""
    rejected = len(footer.rejected)
    if seen.consumed != footer.rows + rejected + seen.skipped:
        yield (
            f"is of {seen.consumed} records, but has {footer.rows} rows + {rejected} rejected + {seen.skipped} skipped"
        )
    if seen.consumed + seen.holes != footer.next - footer.start:
        yield f"covers [{footer.start}, {footer.next}), but has {seen.consumed} records + {seen.holes} holes"
    if (seen.consumed == 0) != footer.gap or (seen.first_offset is None) != (seen.consumed == 0):
        yield f"has {seen.consumed} records from {seen.first_offset}; gap: {footer.gap}"
    elif seen.first_offset is not None and not (
        footer.start <= seen.first_offset and seen.last_offset == footer.next - 1 >= seen.first_offset
    ):
        records = f"its records go from {seen.first_offset} to {seen.last_offset}"
        yield f"covers [{footer.start}, {footer.next}), but {records}"
    for rule, count in Counter(each.rule for each in footer.rejected).items():
        if seen.rules.get(rule) != count:
            yield f"counts {seen.rules.get(rule, 0)} records rejected by {rule}, and lists {count}"


def judge_body(key: str, body: bytes) -> list[str]:
    """What an object's content does not bear out of its footer.

    Raises:
        ValueError: it is not a tile.
    """
    footer = parquet.decode_footer(body)
    seen = footer.seen
    if seen is None:
        return []
    if hashes.of_pages(body) != seen.pages_hash:
        return [f"{key} has data pages that are not those that were written"]
    problems = []
    frame = pl.read_parquet(body)
    if hashes.of_rows(frame) != seen.rows_hash:
        problems.append(f"{key} has rows that are not those that were written")
    offsets = sorted([*frame.get_column(OFFSET).to_list(), *(each.offset for each in footer.rejected)])
    if not seen.skipped and hashes.of_offsets(offsets) != seen.offsets_hash:
        problems.append(f"{key} has rows and rejected records of other offsets than were seen")
    return problems


def oversized(tiles: Iterable[Tile], most: int, since: datetime) -> list[str]:
    """Tiles with more than ``most`` records, of those written ``since``; earlier ones had the limit of their time."""
    sizes = {tile.key: tile.footer.rows + len(tile.footer.rejected) for tile in tiles if tile.modified >= since}
    return sorted(f"{key} has {size} records" for key, size in sizes.items() if size > most)


def misplaced(tiles: Iterable[Tile], prefix: str) -> list[str]:
    """Keys that are not of the layout `<prefix>/<topic>/year=YYYY/month=MM/day=dd/hour=HH/<name>.parquet`."""
    wrong = []
    for tile in tiles:
        try:
            expected = key_of(prefix, tile.footer.source, tile.footer.start, hour_in(tile.key))
        except ValueError:
            expected = ""
        if tile.key != expected:
            wrong.append(tile.key)
    return sorted(wrong)


def by_partition(tiles: Iterable[Tile]) -> dict[tuple[str, str, int], list[Tile]]:
    """Tiles by topic, topic id and partition."""
    found: dict[tuple[str, str, int], list[Tile]] = {}
    for tile in tiles:
        source = tile.footer.source
        found.setdefault((source.topic, source.topic_id, source.partition), []).append(tile)
    return found


def total(chains: Sequence[Chain]) -> str:
    """The sums of several chains, in words."""
    rows, rejected, holes = (sum(getattr(each, name) for each in chains) for name in ("rows", "rejected", "holes"))
    covered = sum((each.end or 0) - (each.first or 0) for each in chains)
    tiles = sum(each.tiles for each in chains)
    concluded = tiles - sum(each.counted for each in chains)
    by_old = f" ({concluded} tiles of footer format 1, whose holes are the rest)" if concluded else ""
    return f"{tiles} tiles, {covered} offsets = {rows} rows + {rejected} rejected + {holes} holes{by_old}"
