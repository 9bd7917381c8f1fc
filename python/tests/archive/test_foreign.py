"""Topics that Debezium did not write: whatever their schema, no partition stops and no value is altered."""

from __future__ import annotations

import json
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from cdc_pipeline.archive import columns, pgtext, write
from cdc_pipeline.archive.actions import Actions
from cdc_pipeline.archive.backoff import Backoff
from cdc_pipeline.archive.cuts import Cut, Limits
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.owned import Owned, Work
from cdc_pipeline.archive.planner import Partition
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.seen import Returned
from cdc_pipeline.archive.state import State
from cdc_pipeline.archive.stopped import StoppedPartitions
from cdc_pipeline.archive.tile import Source
from cdc_pipeline.archive.writing import Writing
from polars.exceptions import PanicException

sys.path.insert(0, str(Path(__file__).parent))
from avro import decimal, encode, named, optional, record, unscaled
from test_lossless import Decoders, Message

SOURCE = Source("shop", "id", 3)
EMPTY = {"type": "record", "name": "Empty", "fields": []}


class FullMessage(Message):
    def leader_epoch(self) -> int:
        return 4


def prepare(schema: Any, rows: list[dict[str, Any]]) -> tuple[pl.DataFrame, write.Prepared]:
    """The rows' tile, read back, and as it is to be written."""
    offsets = list(range(5, 5 + len(rows)))
    values: list[bytes | None] = [encode(schema, row) for row in rows]
    records = Records([FullMessage(None) for _ in rows], values, offsets, [0] * len(rows))
    cut = Cut(hour=0, seen=0.0, start=5, schema_id=7, records=records)
    prepared = write.prepare(cut, SOURCE, "p", Decoders({7: schema}), offsets)
    return pl.read_parquet(prepared.body), prepared


# --- every schema can be written


@pytest.mark.parametrize("name", ["__lsn", "__source_ts_us", "__commit_order"])
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ({"type": "array", "items": "long"}, [1]),
        (record(("x", "int"), name="R"), {"x": 1}),
        ({"type": "map", "values": "long"}, {"a": 1}),
        ("boolean", True),
        ("bytes", b"a"),
        ("string", "a"),
        ("double", 1.5),
    ],
    ids=str,
)
def test_a_foreign_column_of_a_counted_name_has_no_range(name: str, kind: Any, value: Any) -> None:
    _, prepared = prepare(record((name, kind)), [{name: value}])
    said = prepared.footer.seen
    assert said is not None
    assert (said.lsn, said.commit_order, said.commit_us) == (None, None, None)


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        (EMPTY, {}, "{}"),
        (optional(EMPTY), None, None),
        (record(("e", EMPTY), ("i", "int"), name="R"), {"e": {}, "i": 1}, {"e": "{}", "i": 1}),
        (record(("e", EMPTY), name="R"), {"e": {}}, {"e": "{}"}),
        ({"type": "array", "items": optional(EMPTY)}, [{}, None], ["{}", None]),
        (record(("x", "null"), name="R"), {"x": None}, {"x": None}),
        ({"type": "array", "items": optional(record(("x", "null"), name="R"))}, [{"x": None}], [{"x": None}]),
    ],
    ids=str,
)
@pytest.mark.parametrize("columnar", [True, False])
def test_a_record_without_fields_is_written(kind: Any, value: Any, written: Any, columnar: bool) -> None:
    more = () if columnar else (("u", ["string", "bytes"]),)
    schema = record(("c", kind), ("n", "int"), *more)
    frame, _ = prepare(schema, [{"c": value, "n": n, "u": "a"} for n in range(2)])
    assert frame["c"].to_list() == [written] * 2
    assert frame["n"].to_list() == [0, 1]


# --- what a worker meets is told to the loop


def work_that_meets(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> tuple[Actions, Work]:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(write, "prepare", fail)
    store = SimpleNamespace(prefix="p")
    settings: Any = SimpleNamespace(object_store=store, retry_seconds=1.0, workers=1, budget=SimpleNamespace(work=1))
    owned = Owned(SOURCE, Partition(0, Limits()), Returned(0))
    state = State(StoppedPartitions(30.0), owned={owned.id: owned})
    others: Any = None
    actions = Actions()
    writing = Writing(settings, Metrics(), state, actions, others, others, others, others, others)
    work = owned.work = Work(owned, Cut(hour=0, seen=0.0), [], 0.0, Backoff(1.0), running=True)
    writing._work(work, state.generation)
    return actions, work


@pytest.mark.parametrize("error", [ValueError("no"), PanicException("no"), MemoryError()], ids=repr)
def test_a_tile_that_fails_is_tried_again_whatever_it_fails_with(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    actions, work = work_that_meets(monkeypatch, error)
    actions.run()
    assert not work.running
    assert work.owned.wait is not None


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)], ids=repr)
def test_what_ends_the_process_ends_it_from_a_worker_too(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    actions, _ = work_that_meets(monkeypatch, error)
    with pytest.raises(type(error)):
        actions.run()


# --- JSON

INF = float("inf")
FIRST, LAST = pgtext.FIRST_DAY, pgtext.LAST_DAY


@pytest.mark.parametrize(
    ("kind", "values", "shown"),
    [
        (named("int", "date"), [FIRST, 0, LAST], ["4714-11-24 BC", "1970-01-01", "5874897-12-31"]),
        (
            named("long", "timestamp-micros"),
            [-62_135_596_800_000_001, 0],
            ["0001-12-31 23:59:59.999999+00 BC", "1970-01-01 00:00:00+00"],
        ),
        (
            named("long", "local-timestamp-millis"),
            [253_402_300_800_000, 1],
            ["10000-01-01 00:00:00", "1970-01-01 00:00:00.001"],
        ),
        (named("long", "time-micros"), [0, 86_399_999_999], ["00:00:00", "23:59:59.999999"]),
        (named("long", "io.debezium.time.NanoTime"), [1_000_000_001, 1000], ["00:00:01.000000001", "00:00:00.000001"]),
        (named("string", "io.debezium.time.ZonedTimestamp"), ["+10000-01-01T00:00:00Z"], ["10000-01-01 00:00:00+00"]),
        (decimal(30, 2), [unscaled(-(10**29) - 1)], ["-1" + "0" * 26 + "0.01"]),
        (decimal(60, 1), [unscaled(5)], ["0.5"]),
        ("double", [INF, -INF, 1.5], ["Infinity", "-Infinity", 1.5]),
        ({"type": "array", "items": optional("float")}, [[INF, None]], [["Infinity", None]]),
        (
            record(("d", named("int", "date")), ("b", "bytes"), name="R"),
            [{"d": FIRST, "b": b"abc"}],
            [{"d": "4714-11-24 BC", "b": "YWJj"}],
        ),
        ({"type": "map", "values": named("int", "date")}, [{"a": LAST}], ['{"a":"5874897-12-31"}']),
        ("long", [2**63 - 1], [2**63 - 1]),
        ("boolean", [True], [True]),
        (EMPTY, [{}], [{}]),
    ],
    ids=str,
)
def test_a_map_is_json_of_any_value(kind: Any, values: list[Any], shown: list[Any]) -> None:
    schema = record(("c", optional({"type": "map", "values": optional(kind)})), ("n", "int"))
    maps = [{f"k{i}": value for i, value in enumerate(values)} | {"none": None}, {}, None]
    frame, prepared = prepare(schema, [{"c": each, "n": 1} for each in maps])
    assert prepared.footer.rejected == ()
    found = [None if each is None else json.loads(each, parse_constant=pytest.fail) for each in frame["c"]]
    assert found == [{f"k{i}": value for i, value in enumerate(shown)} | {"none": None}, {}, None]


@pytest.mark.parametrize("kind", ["string", named("int", "date")], ids=str)
@pytest.mark.parametrize("entries", [1, 2, 3, 1000])
def test_a_map_is_the_same_json_however_many_entries_are_objects_at_a_time(
    monkeypatch: pytest.MonkeyPatch, kind: Any, entries: int
) -> None:
    schema = record(("c", optional({"type": "map", "values": optional(kind)})), ("n", "int"))
    of = {"string": lambda i: f'va"l{i}'}.get(str(kind), lambda i: i)
    maps = [{f"k{i}": of(i) for i in range(count)} for count in (0, 1, 7, 2, 2, 0, 5)]
    rows = [{"c": each, "n": 1} for each in (*maps, None, {"none": None})]
    expected = prepare(schema, rows)[0]["c"].to_list()
    monkeypatch.setattr(columns, "ENTRIES", entries)
    assert prepare(schema, rows)[0]["c"].to_list() == expected


def test_nan_in_json_is_text() -> None:
    schema = record(("c", {"type": "map", "values": "double"}), ("u", ["string", "double"]))
    frame, _ = prepare(schema, [{"c": {"a": float("nan")}, "u": float("nan")}])
    assert frame["c"].to_list() == ['{"a":"NaN"}']
    assert "NaN" in json.dumps(json.loads(frame["u"][0], parse_constant=pytest.fail))


# --- no two values look the same


def text_of(kind: Any, value: Any) -> Any:
    frame, prepared = prepare(record(("c", kind)), [{"c": value}])
    assert prepared.footer.rejected == ()
    return frame["c"].to_list()[0]


A = record(("x", "int"), name="A")
B = record(("x", "int"), name="B") | {"namespace": "other"}
INNER = record(("u", ["null", "int", "string"]), name="Inner")


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (["bytes", "string"], b"abc", {"bytes": "YWJj"}),
        (["bytes", "string"], "YWJj", {"string": "YWJj"}),
        (["null", "int", "long"], 5, {"int": 5}),
        (["null", "int", "long"], None, None),
        (["null", A, B], ("shop.A", {"x": 1}), {"shop.A": {"x": 1}}),
        (["null", A, B], ("other.B", {"x": 1}), {"other.B": {"x": 1}}),
        (["int", INNER], {"u": "a"}, {"shop.Inner": {"u": {"string": "a"}}}),
        ([{"type": "array", "items": ["int", "string"]}, "string"], [1, "a"], {"array": [{"int": 1}, {"string": "a"}]}),
        ([{"type": "map", "values": "int"}, "string"], {"a": 1}, {"map": {"a": 1}}),
        (["int", {"type": "enum", "name": "Mood", "symbols": ["ok"]}], "ok", {"shop.Mood": "ok"}),
        (["string", named("int", "date")], 3, {"int": 3}),
    ],
    ids=str,
)
def test_a_union_names_the_type_of_its_value(kind: Any, value: Any, shown: Any) -> None:
    found = text_of(kind, value)
    assert (None if found is None else json.loads(found)) == shown


def test_a_type_that_a_union_defines_is_known_after_it() -> None:
    schema = record(("c", ["string", A]), ("d", "A"), ("e", ["int", "shop.A"]))
    frame, prepared = prepare(schema, [{"c": {"x": 1}, "d": {"x": 2}, "e": {"x": 3}}] * 2)
    assert prepared.footer.rejected == ()
    assert frame.row(0)[:3] == ('{"shop.A":{"x":1}}', {"x": 2}, '{"shop.A":{"x":3}}')


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (["string"], 'a"', 'a"'),
        ([named("int", "date")], 0, date(1970, 1, 1)),
        ([A], {"x": 1}, {"x": 1}),
        (["null"], None, None),
        ({"type": "array", "items": ["string"]}, ["a"], ["a"]),
        ({"type": "array", "items": ["null"]}, [None], [None]),
    ],
    ids=str,
)
def test_a_union_of_one_type_is_that_type(kind: Any, value: Any, shown: Any) -> None:
    assert text_of(kind, value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("P0Y0M0DT0H0M1.123456789S", "P0Y0M0DT0H0M1.123456789S"),
        ("P0Y0M0DT0H0M2.000000001S", "P0Y0M0DT0H0M2.000000001S"),
        ("P0Y0M0DT0H0M1.1234567S", "P0Y0M0DT0H0M1.1234567S"),
        ("P0Y0M0DT0H0M1.211606999S", "P0Y0M0DT0H0M1.211607S"),
        ("P0Y0M0DT0H0M-59.999999999S", "P0Y0M0DT0H0M-60S"),
    ],
)
@pytest.mark.parametrize("within", [False, True])
def test_only_what_debezium_cut_off_is_put_back(value: str, shown: str, within: bool) -> None:
    kind = named("string", "io.debezium.time.Interval")
    if within:
        assert text_of({"type": "map", "values": kind}, {"a": value}) == f'{{"a":"{shown}"}}'
    else:
        assert text_of(kind, value) == shown


@pytest.mark.parametrize(
    ("digits", "scale", "shown"),
    [
        ("1" + "0" * 249_998 + "7", 0, "1" + "0" * 249_998 + "7"),
        ("-1" + "0" * 249_998 + "7", 3, "-1" + "0" * 249_996 + ".007"),
        ("7", 3, "0.007"),
        ("-7", 1, "-0.7"),
        ("0", 2, "0.00"),
        ("0", -2, "0"),
        ("-12", -2, "-1200"),
    ],
    ids=["250,000 digits", "and a scale", "small", "negative", "zero", "zero hundreds", "hundreds"],
)
def test_a_decimal_has_all_its_digits(digits: str, scale: int, shown: str) -> None:
    assert pgtext.decimal(unscaled(int(Decimal(digits))), scale) == shown
