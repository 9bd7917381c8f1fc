"""One record with which a tile cannot be made is set aside alone; what no record is to blame for, rejects none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cdc_pipeline.archive import isolate, parquet, rows, write
from cdc_pipeline.archive.cuts import Cut
from cdc_pipeline.archive.errors import EveryRecordError, UnavailableError, UnknownSchemaError
from cdc_pipeline.archive.records import Records
from polars.exceptions import PanicException

sys.path.insert(0, str(Path(__file__).parent))
from avro import encode, record
from test_foreign import SOURCE, FullMessage
from test_lossless import Decoders

SCHEMA = record(("n", "int"))
START = 5


def cut_of(count: int) -> tuple[Cut, list[int]]:
    offsets = list(range(START, START + count))
    values: list[bytes | None] = [encode(SCHEMA, {"n": n}) for n in range(count)]
    records = Records([FullMessage(None) for _ in offsets], values, offsets, [0] * count)
    return Cut(hour=0, seen=0.0, start=START, schema_id=7, size=sum(records.sizes), records=records), offsets


def prepare(count: int) -> write.Prepared:
    cut, offsets = cut_of(count)
    return write.prepare(cut, SOURCE, "p", Decoders({7: SCHEMA}), offsets)


def fails_with(monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str], bad: set[int], error: BaseException) -> None:
    """A step fails wherever one of the rows ``bad`` is."""
    module, name = step
    real = getattr(module, name)

    def failing(what: Any, *more: Any) -> Any:
        frame = what if isinstance(what, pl.DataFrame) else what.frame
        if bad & set(frame.get_column("n").to_list() if "n" in frame.columns else ()):
            raise error
        return real(what, *more)

    monkeypatch.setattr(module, name, failing)


ERRORS = [PanicException("not implemented"), ValueError("no"), pl.exceptions.ComputeError("no"), RecursionError()]
STEPS = [(parquet, "encode"), (write.verdict, "judge"), (write.seen.hashes, "of_rows")]


@pytest.mark.parametrize("bad", [{0}, {99}, {50}, {3, 4, 98}], ids=str)
@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1])
def test_the_culprits_become_dead_letters_and_the_rest_rows(
    monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str], bad: set[int], error: BaseException
) -> None:
    fails_with(monkeypatch, step, bad, error)
    prepared = prepare(100)
    footer = prepared.footer
    assert [r.offset for r in footer.rejected] == sorted(START + n for n in bad)
    assert {r.rule for r in footer.rejected} == {rows.RULE_RECORD}
    assert type(error).__name__ in footer.rejected[0].reason
    found = pl.read_parquet(prepared.body)
    assert found["n"].to_list() == [n for n in range(100) if n not in bad]
    assert footer.seen is not None and footer.seen.consumed == 100 == footer.rows + len(bad)


def test_a_tile_of_one_culprit_is_a_tile_without_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(monkeypatch, STEPS[0], {0}, PanicException("no"))
    footer = prepare(1).footer
    assert (footer.rows, [r.offset for r in footer.rejected]) == (0, [START])


def test_many_records_that_all_fail_are_not_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(monkeypatch, STEPS[0], set(range(100)), PanicException("no"))
    with pytest.raises(EveryRecordError, match="none of the 100 records"):
        prepare(isolate.MANY * 10)


@pytest.mark.parametrize("error", [MemoryError(), OSError("no space"), UnavailableError("later")], ids=repr)
def test_what_no_record_is_to_blame_for_rejects_none(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    fails_with(monkeypatch, STEPS[0], {3}, error)
    with pytest.raises(type(error)):
        prepare(100)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)], ids=repr)
def test_what_ends_the_process_ends_it(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    fails_with(monkeypatch, STEPS[0], {3}, error)
    with pytest.raises(type(error)):
        prepare(100)


def test_records_that_fail_only_together_come_into_two_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    real = parquet.encode

    def together(frame: pl.DataFrame, footer: Any) -> bytes:
        if frame.height > 60:
            raise PanicException("too many")
        return real(frame, footer)

    monkeypatch.setattr(parquet, "encode", together)
    footer = prepare(100).footer
    assert (footer.start, footer.next, footer.rows, footer.rejected) == (START, START + 50, 50, ())


def test_an_error_that_does_not_come_again_rejects_none(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = parquet.encode, []

    def once(frame: pl.DataFrame, footer: Any) -> bytes:
        calls.append(frame.height)
        if len(calls) == 1:
            raise PanicException("a passing thing")
        return real(frame, footer)

    monkeypatch.setattr(parquet, "encode", once)
    assert prepare(100).footer.rejected == ()


# --- unknown schemas


class Some(Decoders):
    """Knows some schemas, and that others are unknown."""

    def decoder(self, schema_id: int) -> Any:
        if schema_id == 404:
            raise UnknownSchemaError(schema_id)
        return super().decoder(schema_id)


def test_records_of_an_unknown_schema_are_not_rejected_by_themselves() -> None:
    cut, offsets = cut_of(3)
    cut.schema_id = 404
    cut.records.values = [b"\0" + (404).to_bytes(4, "big") + b"x"] * 3
    decoders = Some({7: SCHEMA})
    with pytest.raises(UnknownSchemaError):
        write.prepare(cut, SOURCE, "p", decoders, offsets)
    footer = write.prepare(cut, SOURCE, "p", decoders, offsets, reject_unknown=True).footer
    assert [(r.offset, r.rule) for r in footer.rejected] == [(at, rows.RULE_UNKNOWN) for at in offsets]


def test_only_a_value_that_becomes_a_row_shows_that_the_registry_answers() -> None:
    good, unknown = encode(SCHEMA, {"n": 1}), b"\0" + (404).to_bytes(4, "big") + b"x"
    decoders = Some({7: SCHEMA})
    assert write.any_can_be_read([unknown, good], decoders)
    assert not write.any_can_be_read([unknown, good + b"\0", b"no frame"], decoders)
    assert not write.any_can_be_read([], decoders)
