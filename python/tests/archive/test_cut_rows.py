"""Rows that came without values that were too large are counted in the footer, and verification shows how many."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from cdc_pipeline.archive import lossless, seen, write
from cdc_pipeline.archive.cuts import Limits
from cdc_pipeline.archive.decode import Decoded
from cdc_pipeline.archive.planner import Partition
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.tile import Footer, key
from cdc_pipeline.verify.checks.archive import cut_rows
from cdc_pipeline.verify.footers import Tile

sys.path.insert(0, str(Path(__file__).parent))
from model import PREFIX, SOURCE, Message

CUT = {"note": {"bytes": 20_000_000, "sha256": "0" * 64}}


class Decoder:
    """Every other row is cut."""

    def decode(self, values: list[bytes]) -> Decoded:
        cuts = [CUT if number % 2 else None for number in range(len(values))]
        series = pl.Series(lossless.CUT, cuts, dtype=lossless.COLUMNS[lossless.CUT])
        return Decoded(pl.DataFrame({"n": range(len(values))}).with_columns(series), range(len(values)), [])


class Decoders:
    def decoder(self, schema_id: int) -> Decoder:
        return Decoder()


def footer_of(count: int) -> Footer:
    messages = [Message(offset, 0, b"\0\0\0\0\x01good") for offset in range(count)]
    plan = Partition(0, Limits(flush_records=100, flush_seconds=10.0, tile_bytes=10_000))
    plan.add(Records(messages, [m.value for m in messages], list(range(count)), [0] * count), 0.0)
    plan.flush(plan.read)
    cut: Any = plan.cut(0.0)
    return write.prepare(cut, SOURCE, PREFIX, Decoders(), list(range(count))).footer


def test_a_footer_counts_them() -> None:
    assert footer_of(5).seen.rules == {seen.RULE_CUT: 2}
    assert footer_of(1).seen.rules == {}
    again = Footer.from_json(footer_of(5).to_json())
    assert again.seen.rules == {"value.cut": 2}


def test_verification_shows_them_and_finds_nothing_wrong() -> None:
    footer = footer_of(5)
    tile = Tile(key(PREFIX, SOURCE, 0, 1), footer, 5, datetime.now(UTC))
    finding = cut_rows([tile, tile, replace(tile, footer=replace(footer, seen=None))])
    assert finding.ok and finding.found == {SOURCE.topic: 4}
