"""Framed Avro to columns: every type, schemas the columnar reader refuses, malformed datums."""

from __future__ import annotations

import io
import json
import random
import struct
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import fastavro
import polars as pl
import pytest
from cdc_pipeline.archive import times
from cdc_pipeline.archive.avro_schema import resolve
from cdc_pipeline.archive.decode import MARK, Decoder
from cdc_pipeline.archive.errors import UnsupportedSchemaError


def record(*fields: tuple[str, Any], name: str = "Value") -> dict[str, Any]:
    return {"type": "record", "name": name, "namespace": "shop", "fields": [{"name": n, "type": t} for n, t in fields]}


def encode(schema: Any, row: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), row)
    return b"\0\0\0\0\x07" + out.getvalue()


def named(kind: str, meaning: str) -> dict[str, Any]:
    return {"type": kind, "connect.version": 1, "connect.name": meaning}


VARIABLE = {
    "type": "record",
    "name": "VariableScaleDecimal",
    "namespace": "io.debezium.data",
    "fields": [{"name": "scale", "type": "int"}, {"name": "value", "type": "bytes"}],
    "connect.name": "io.debezium.data.VariableScaleDecimal",
}
DECIMAL = {
    "type": "bytes",
    "scale": 2,
    "precision": 12,
    "connect.name": "org.apache.kafka.connect.data.Decimal",
    "logicalType": "decimal",
}
ENUM = {"type": "enum", "name": "Mood", "symbols": ["sad", "ok"]}
STRUCT = record(("x", "double"), ("at", named("long", "io.debezium.time.MicroTimestamp")), name="Point")
ZONED = named("string", "io.debezium.time.ZonedTimestamp")

CASES: list[tuple[str, Any, list[Any], list[Any], Any]] = [
    ("bool", ["null", "boolean"], [True, None], [True, None], pl.Boolean),
    ("long, null last", ["long", "null"], [2**62, None], [2**62, None], pl.Int64),
    ("text", "string", ["", "é\0"], ["", "é\0"], pl.String),
    ("bytea", ["null", "bytes"], [b"\0\xff", None], [b"\0\xff", None], pl.Binary),
    ("float", "float", [1.5], [1.5], pl.Float32),
    ("double nan", "double", [float("inf")], [float("inf")], pl.Float64),
    ("numeric(12,2)", ["null", DECIMAL], [Decimal("-12.30"), None], [Decimal("-12.30"), None], pl.Decimal(12, 2)),
    (
        "numeric(60,10)",
        ["null", DECIMAL | {"precision": 60, "scale": 10}],
        [Decimal(10) ** 49, None],
        ["1" + "0" * 49 + ".0000000000", None],
        pl.String,
    ),
    (
        "numeric",
        ["null", VARIABLE],
        [{"scale": 3, "value": (-1500).to_bytes(2, "big", signed=True)}, {"scale": -2, "value": b"\x05"}, None],
        ["-1.500", "500", None],
        pl.String,
    ),
    (
        "timestamptz",
        ["null", ZONED],
        ["2024-02-29T12:00:00.123456Z", "2024-02-29T12:00:00Z", "2024-02-29T14:00:00.5+02:00", None],
        [
            datetime(2024, 2, 29, 12, 0, 0, 123456, UTC),
            datetime(2024, 2, 29, 12, tzinfo=UTC),
            datetime(2024, 2, 29, 12, 0, 0, 500000, UTC),
            None,
        ],
        pl.Datetime("us", "UTC"),
    ),
    (
        "timestamp",
        ["null", named("long", "io.debezium.time.MicroTimestamp")],
        [1, -1, None],
        [datetime(1970, 1, 1, 0, 0, 0, 1), datetime(1969, 12, 31, 23, 59, 59, 999999), None],
        pl.Datetime("us"),
    ),
    (
        "timestamp(3)",
        named("long", "io.debezium.time.Timestamp"),
        [1500],
        [datetime(1970, 1, 1, 0, 0, 1, 500000)],
        pl.Datetime("us"),
    ),
    ("date", ["null", named("int", "io.debezium.time.Date")], [-1, None], [date(1969, 12, 31), None], pl.Date),
    (
        "time",
        ["null", named("long", "io.debezium.time.MicroTime")],
        [86_399_999_999, None],
        [time(23, 59, 59, 999999), None],
        pl.Time,
    ),
    ("interval", named("long", "io.debezium.time.MicroDuration"), [-5], [-5], pl.Int64),
    ("interval text", named("string", "io.debezium.time.Interval"), ["P1Y"], ["P1Y"], pl.String),
    (
        "interval of a double's nine digits",
        ["null", named("string", "io.debezium.time.Interval")],
        [
            "P0Y0M0DT0H0M1.211606999S",
            "P0Y-3M0DT0H10M-1.843999999S",
            "P0Y0M0DT0H0M0.5S",
            "P0Y0M0DT0H0M2.999999999S",
            None,
        ],
        ["P0Y0M0DT0H0M1.211607S", "P0Y-3M0DT0H10M-1.844S", "P0Y0M0DT0H0M0.5S", "P0Y0M0DT0H0M3S", None],
        pl.String,
    ),
    ("json", ["null", named("string", "io.debezium.data.Json")], ['{"a":1}', None], ['{"a":1}', None], pl.String),
    ("uuid", named("string", "io.debezium.data.Uuid"), ["u"], ["u"], pl.String),
    (
        "text[]",
        ["null", {"type": "array", "items": ["null", "string"]}],
        [["a", None], [], None],
        None,
        pl.List(pl.String),
    ),
    (
        "timestamptz[]",
        ["null", {"type": "array", "items": ["null", ZONED]}],
        [["2024-01-01T00:00:00Z", None], [], None],
        [[datetime(2024, 1, 1, tzinfo=UTC), None], [], None],
        pl.List(pl.Datetime("us", "UTC")),
    ),
    (
        "numeric[]",
        ["null", {"type": "array", "items": ["null", VARIABLE]}],
        [[{"scale": 1, "value": b"\x0f"}, None], None],
        [["1.5", None], None],
        pl.List(pl.String),
    ),
    (
        "int[][]",
        {"type": "array", "items": {"type": "array", "items": "int"}},
        [[[1], []]],
        None,
        pl.List(pl.List(pl.Int32)),
    ),
    (
        "hstore",
        ["null", {"type": "map", "values": ["null", "string"]}],
        [{"b": None, "a": "1"}, {}, None],
        None,
        pl.String,
    ),
    ("enum", ENUM, ["ok", "sad"], ["ok", "sad"], pl.String),
    ("nullable enum", ["null", ENUM], ["ok", None], ["ok", None], pl.String),
    (
        "struct",
        ["null", STRUCT],
        [{"x": 1.0, "at": 0}, None],
        [{"x": 1.0, "at": datetime(1970, 1, 1)}, None],
        pl.Struct({"x": pl.Float64, "at": pl.Datetime("us")}),
    ),
    ("union", ["null", "string", "long"], ["a", 4, None], ['{"string":"a"}', '{"long":4}', None], pl.String),
    ("null", "null", [None, None], [None, None], pl.String),
    ("fixed", {"type": "fixed", "name": "F", "size": 2}, [b"ab"], [b"ab"], pl.Binary),
]


@pytest.mark.parametrize(("kind", "written", "expected", "dtype"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_types(kind: Any, written: list[Any], expected: list[Any] | None, dtype: Any) -> None:
    schema = record(("before", "int"), ("c", kind), ("after", "string"))
    rows = [{"before": i, "c": value, "after": f"row {i}"} for i, value in enumerate(written)]
    decoder = Decoder(schema)
    got = decoder.decode([encode(schema, row) for row in rows])
    assert got.bad == []
    assert got.frame["before"].to_list() == list(range(len(written)))
    assert got.frame["after"].to_list() == [f"row {i}" for i in range(len(written))]
    values = got.frame["c"].to_list()
    if isinstance(written[0], dict) and dtype == pl.String and expected is None:
        values = [None if v is None else json.loads(v) for v in values]
    assert values == (written if expected is None else expected)
    assert got.frame.schema["c"] == dtype
    assert decoder.empty().schema == got.frame.schema


def test_iso_micros_agrees_with_datetime() -> None:
    rng = random.Random(5)
    for _ in range(500):
        at = datetime.fromtimestamp(rng.uniform(-6e10, 2.5e11), UTC).replace(microsecond=rng.randrange(10**6))
        text = at.isoformat().replace("+00:00", "Z")
        delta = at - datetime(1970, 1, 1, tzinfo=UTC)
        assert times.iso_micros(text) == (delta.days * 86_400 + delta.seconds) * 10**6 + delta.microseconds


def test_a_named_type_may_be_used_twice() -> None:
    schema = record(("a", ["null", VARIABLE]), ("b", ["null", "io.debezium.data.VariableScaleDecimal"]))
    value = {"scale": 1, "value": b"\x0f"}
    got = Decoder(schema).decode([encode(schema, {"a": None, "b": value})])
    assert got.frame.rows() == [(None, "1.5")]


def test_references() -> None:
    inner = record(("x", "int"), name="Inner")
    schema = record(("i", "shop.Inner"))
    flat = record(("i", inner))
    got = Decoder(schema, {"shop.Inner": inner}).decode([encode(flat, {"i": {"x": 3}})])
    assert got.frame.rows() == [({"x": 3},)]


@pytest.mark.parametrize(
    "schema",
    [
        "string",
        record(),
        record(("next", ["null", "shop.Value"])),
        record(("x", "shop.Nobody")),
        record(("x", {"type": "array", "items": "null"})),
        record(("x", {"type": "array", "items": {"type": "record", "name": "E", "fields": []}})),
    ],
    ids=["no record", "no fields", "recursive", "unknown", "nulls", "empty records"],
)
def test_schemas_that_have_no_rows(schema: Any) -> None:
    with pytest.raises(UnsupportedSchemaError):
        resolve(schema)


# --- malformed datums

WIDE = record(
    ("id", "long"),
    ("email", "string"),
    ("balance", ["null", DECIMAL]),
    ("created", ZONED),
    ("tags", ["null", {"type": "array", "items": ["null", "string"]}]),
    ("notes", ["null", {"type": "map", "values": ["null", "string"]}]),
    ("mood", ["null", ENUM]),
    ("score", ["null", "double"]),
    ("blob", ["null", "bytes"]),
)


def wide(i: int, rng: random.Random) -> dict[str, Any]:
    return {
        "id": i,
        "email": f"user{i}@example.org",
        "balance": Decimal(i) / 100 if i % 3 else None,
        "created": f"2024-01-01T00:00:{i % 60:02d}.000001Z",
        "tags": [f"t{i}", None] if i % 4 else None,
        "notes": {"k": str(i)} if i % 5 else None,
        "mood": rng.choice(["sad", "ok", None]),
        "score": i / 7 if i % 2 else None,
        "blob": bytes(rng.randrange(256) for _ in range(i % 9)) if i % 7 else None,
    }


def spoil(value: bytes, rng: random.Random) -> bytes:
    datum = bytearray(value[5:])
    way = rng.randrange(6)
    at = rng.randrange(len(datum))
    if way == 0:
        datum[at] = rng.randrange(256)
    elif way == 1:
        del datum[at:]
    elif way == 2:
        datum += bytes(rng.randrange(256) for _ in range(rng.randrange(1, 12)))
    elif way == 3:
        del datum[at : at + rng.randrange(1, 4)]
    elif way == 4:
        datum[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 4)))
    else:
        datum = bytearray(rng.randrange(256) for _ in range(rng.randrange(40)))
    return value[:5] + bytes(datum)


@pytest.mark.parametrize("seed", range(40))
def test_a_malformed_datum_never_changes_its_neighbours(seed: int) -> None:
    rng = random.Random(seed)
    decoder = Decoder(WIDE)
    values = [encode(WIDE, wide(i, rng)) for i in range(40)]
    right = decoder.decode(values).frame
    spoiled = set(rng.sample(range(40), rng.choice([1, 2, 5, 20])))
    got = decoder.decode([spoil(v, rng) if i in spoiled else v for i, v in enumerate(values)])
    assert {i for i, _ in got.bad} <= spoiled, "a good record was rejected"
    assert sorted([*got.rows, *(i for i, _ in got.bad)]) == list(range(40)), "a record is missing or twice"
    for index, row in zip(got.rows, got.frame.select(right.columns).rows(), strict=True):
        if index not in spoiled:
            assert row == right.row(index), "a neighbour changed"


@pytest.mark.parametrize("length", [1 << 33, 1 << 45, 1 << 62, -1, -(1 << 40)])
@pytest.mark.parametrize(
    "field", ["string", "bytes", {"type": "array", "items": "long"}, {"type": "map", "values": "int"}]
)
def test_an_absurd_length_is_rejected_without_taking_memory(field: Any, length: int) -> None:
    schema = record(("n", "int"), ("c", field))
    n = (length << 1) ^ (length >> 63)
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    empty = {"string": "", "bytes": b""}.get(
        field if isinstance(field, str) else "", [] if "array" in str(field) else {}
    )
    good = encode(schema, {"n": 1, "c": empty})
    got = Decoder(schema).decode([good, b"\0\0\0\0\x07\x02" + bytes(out) + b"abc", good])
    assert [i for i, _ in got.bad] == [1]
    assert got.frame["n"].to_list() == [1, 1]


def test_the_marker_is_what_keeps_neighbours_right() -> None:
    """Without it this pair is read as two rows of wrong values: the case the marker exists for."""
    schema = record(("a", "string"), ("b", "string"))
    short = b"\0\0\0\0\x07\x04xy"  # the second string is missing
    long = b"\0\0\0\0\x07\x02p\x02q\x02r"  # one string too many
    got = Decoder(schema).decode([short, long, encode(schema, {"a": "good", "b": "row"})])
    assert [i for i, _ in got.bad] == [0, 1]
    assert got.frame.rows() == [("good", "row")]


def test_the_marker_is_a_finite_number() -> None:
    assert struct.unpack("<d", MARK)[0] * 0 == 0
