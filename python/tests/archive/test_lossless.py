"""No value is lost: itself in its column, or null there with its text, its absence or its size beside it.

Longer than 400 lines: the tests are of one promise, and share the schemas and the decoders above them.
"""

from __future__ import annotations

import random
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from cdc_pipeline.archive import lossless, parquet, pgtext, rows, seen, times
from cdc_pipeline.archive.conversion import Conversion
from cdc_pipeline.archive.decode import Decoder
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.tile import Footer, Source
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from avro import HEAD, decimal, encode, named, optional, record, unscaled

ZONED = named("string", "io.debezium.time.ZonedTimestamp")
MICROS = named("long", "io.debezium.time.MicroTimestamp")
MILLIS = named("long", "io.debezium.time.Timestamp")
DATE = named("int", "io.debezium.time.Date")
TIME = named("long", "io.debezium.time.MicroTime")
ENUM = {"type": "enum", "name": "Mood", "symbols": ["sad", "ok"]}
VARIABLE = record(("scale", "int"), ("value", "bytes"), name="VariableScaleDecimal") | {
    "connect.name": "io.debezium.data.VariableScaleDecimal"
}
CUT = record(("bytes", "long"), ("sha256", "string"), name="Cut")
BESIDE = (
    ("__commit_order", optional("long")),
    ("__text", optional({"type": "map", "values": "string"})),
    ("__unsent", optional({"type": "array", "items": "string"})),
    ("__cut", optional({"type": "map", "values": CUT})),
)
NONE = dict.fromkeys(lossless.COLUMNS)
SOURCE = Source("shop", "id", 3)


class Decoders:
    """Decoders by schema id."""

    def __init__(self, schemas: dict[int, Any]) -> None:
        self._decoders = {schema_id: Decoder(schema) for schema_id, schema in schemas.items()}

    def decoder(self, schema_id: int) -> Decoder:
        return self._decoders[schema_id]


class Message:
    def __init__(self, key: bytes | None) -> None:
        self._key = key

    def key(self) -> bytes | None:
        return self._key


def build(schema: Any, values: list[bytes | None], keys: list[bytes | None] | None = None, **more: Any) -> rows.Rows:
    messages = [Message(key) for key in keys or [None] * len(values)]
    records = Records(messages, values, list(range(100, 100 + len(values))), [0] * len(values))
    return rows.build(records, 7, SOURCE, Decoders({7: schema} | more.get("others", {})))


def by_duckdb(frame: pl.DataFrame, folder: Path) -> duckdb.DuckDBPyRelation:
    path = folder / "tile.parquet"
    path.write_bytes(parquet.encode(frame, Footer(SOURCE, 0, frame.height, frame.height)))
    return duckdb.sql(f"SELECT * FROM read_parquet('{path}')")


# --- the columns that say what is beside


def test_they_are_typed_columns_of_every_tile_in_their_order(tmp_path: Path) -> None:
    beside = {"__text": {"v": "NaN"}, "__unsent": ["w"], "__cut": {"x": {"bytes": 5, "sha256": "ab"}}}
    with_them = record(("id", "int"), *BESIDE, ("__op", optional("string")))
    without = record(("id", "int"), ("__op", optional("string")))
    given_rows = [{"id": 1, "__op": "c", "__commit_order": 9} | beside, {"id": 2, "__op": "u"} | NONE]
    frames = [
        build(with_them, [encode(with_them, row) for row in given_rows]).frame,
        build(without, [encode(without, {"id": 3, "__op": "c"})]).frame,
        build(with_them, [b"not framed"]).frame,
    ]
    order = [
        "__deleted",
        "__op",
        "__lsn",
        "__txId",
        "__ts_us",
        "__source_ts_us",
        "__commit_order",
        "__text",
        "__unsent",
    ]
    for frame in frames:
        assert [c for c in frame.columns if c != "id"] == [*order, "__cut", "__partition", "__offset"]
        assert {c: t for c, t in frame.schema.items() if c in lossless.COLUMNS} == lossless.COLUMNS
    relation = by_duckdb(frames[0], tmp_path)
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    assert types["__commit_order"] == "BIGINT"
    assert types["__text"] == "MAP(VARCHAR, VARCHAR)"
    assert types["__unsent"] == "VARCHAR[]"
    assert types["__cut"] == "MAP(VARCHAR, STRUCT(bytes BIGINT, sha256 VARCHAR))"
    shown = relation.select("__commit_order, __text, __unsent, __cut").fetchall()
    assert shown == [(9, *beside.values()), (None,) * 4]
    assert by_duckdb(frames[1], tmp_path).types == relation.types
    assert pl.read_parquet(tmp_path / "tile.parquet").schema == frames[1].schema


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("__text", "string", "mine"),
        ("__text", {"type": "map", "values": "long"}, None),
        ("__unsent", "int", 5),
        ("__cut", optional({"type": "array", "items": "string"}), ["a"]),
        ("__commit_order", "string", "mine"),
        ("__offset", "long", 7),
        ("__partition", "string", "mine"),
        ("__mark", "long", 7),
    ],
)
def test_a_column_of_that_name_is_not_taken_for_one_of_them(name: str, kind: Any, value: Any) -> None:
    schema = record((name, kind), (name + "_", "int"))
    built = build(schema, [encode(schema, {name: {} if value is None else value, name + "_": 1})])
    assert built.undecodable == []
    renamed = name if name == "__mark" else name + "__"
    assert built.frame[renamed].to_list() == ["{}" if value is None else value]
    assert built.frame[name + "_"].to_list() == [1]
    assert (built.frame["__partition"][0], built.frame["__offset"][0]) == (3, 100)


def test_a_tombstone_names_what_it_does_not_have() -> None:
    schema = record(("id", "int"), ("a", "string"), ("b", "string"), *BESIDE)
    key = record(("id", "int"), name="Key")
    values = [encode(schema, {"id": 1, "a": "x", "b": "y"} | NONE), None]
    keys = [None, b"\0\0\0\0\x08" + encode(key, {"id": 1})[5:]]
    built = build(schema, values, keys, others={8: key})
    assert built.frame.select("id", "a", "__op", "__unsent").rows() == [
        (1, "x", None, None),
        (1, None, "d", ["a", "b"]),
    ]


# --- values that their columns cannot hold

MAX_DAY = pgtext.LAST_DAY
EARLY = "0001-01-01T00:00:00Z"
FIFTEEN = {"scale": 1, "value": b"\x0f"}
MISFITS: list[tuple[str, Any, Any, str, Any, Any]] = [
    ("no instant", ZONED, "yesterday", "yesterday", "2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
    ("infinity", ZONED, "infinity", "infinity", "2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
    ("-infinity", ZONED, "-infinity", "-infinity", "2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
    (
        "infinity as milliseconds",
        ZONED,
        "+292278994-08-16T23:00:00.000000Z",
        "infinity",
        "2024-01-01T00:00:00Z",
        datetime(2024, 1, 1, tzinfo=UTC),
    ),
    ("-infinity as ms", ZONED, "-292275055-05-16T16:47:04Z", "-infinity", "2024-01-01T00:00:00Z", None),
    ("beyond 64 bits", ZONED, "+294276-12-31T23:59:59.999999Z", "294276-12-31 23:59:59.999999+00", EARLY, None),
    ("DuckDB's infinity", ZONED, "+294247-01-10T04:00:54.775807Z", "294247-01-10 04:00:54.775807+00", EARLY, None),
    ("no such day", ZONED, "2023-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2024-02-29T00:00:00Z", None),
    ("nanoseconds", ZONED, "2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.123456789Z", EARLY, None),
    ("timestamp infinity", MICROS, times.PG_INFINITY, "infinity", 5, None),
    ("timestamp -infinity", MICROS, times.PG_MINUS_INFINITY, "-infinity", 5, None),
    ("timestamp overflow", MICROS, -(2**63) + 999_998, str(-(2**63) + 999_998), 5, None),
    ("timestamp of DuckDB's infinity", MICROS, 2**63 - 1, "294247-01-10 04:00:54.775807", 2**63 - 2, None),
    ("timestamp(3) infinity", MILLIS, times.PG_INFINITY, "infinity", 5, None),
    ("timestamp(3) -infinity", MILLIS, times.PG_MINUS_INFINITY, "-infinity", 5, None),
    ("timestamp(3) beyond", MILLIS, 9_224_318_015_999_999, "294276-12-31 23:59:59.999", 9_223_372_036_854_775, None),
    ("nanos", named("long", "io.debezium.time.NanoTimestamp"), 1001, "1001", 1000, datetime(1970, 1, 1, 0, 0, 0, 1)),
    ("date infinity", DATE, times.PG_INFINITY_DAY, "infinity", 0, date(1970, 1, 1)),
    ("date beyond", DATE, MAX_DAY + 1, str(MAX_DAY + 1), MAX_DAY, None),
    ("date before", DATE, -(2**31), str(-(2**31)), pgtext.FIRST_DAY, None),
    ("24:00", TIME, 86_400_000_000, "24:00:00", 5, None),
    ("time that wraps", TIME, 2**62, str(2**62), 5, None),
    ("negative time", TIME, -1, "-1", 5, None),
    ("numeric(5,2)", decimal(5, 2), unscaled(100_000), "1000.00", unscaled(99_999), Decimal("999.99")),
    ("numeric(5,2), wide bytes", decimal(5, 2), unscaled(-(10**39)), "-" + "1" + "0" * 37 + ".00", unscaled(1), None),
    ("numeric(38,0)", decimal(38, 0), unscaled(10**38), "1" + "0" * 38, unscaled(10**38 - 1), None),
    ("scale out of range", VARIABLE, FIFTEEN | {"scale": 10**9}, "15e-1000000000", FIFTEEN, "1.5"),
    ("enum index", ENUM, b"\x0e", "7", b"\x02", "ok"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "bad", "text", "good", "value"), [m[1:] for m in MISFITS], ids=[m[0] for m in MISFITS]
)
@pytest.mark.parametrize("beside", [True, False], ids=["new record", "old record"])
def test_a_value_that_its_column_cannot_hold_is_null_with_its_text(
    kind: Any, bad: Any, text: str, good: Any, value: Any, beside: bool, tmp_path: Path
) -> None:
    fields = (("c", optional(kind)), ("n", "long"))
    schema = record(*fields, *(BESIDE if beside else ()))

    def datum(c: Any, n: int) -> bytes:
        if kind is not ENUM or c is None:
            return encode(schema, {"c": c, "n": n} | NONE | {"__text": {"other": "t"}})
        return (
            HEAD
            + b"\2"
            + c
            + encode(record(*schema_fields(schema)[1:]), {"n": n} | NONE | {"__text": {"other": "t"}})[5:]
        )

    built = build(schema, [datum(bad if i in (4, 6) else None if i == 5 else good, i) for i in range(9)])
    assert built.undecodable == []
    assert built.texts == 2
    own = {"other": "t"} if beside else None
    assert built.frame["n"].to_list() == list(range(9))
    assert built.frame["__text"].to_list() == [{"c": text} | (own or {}) if i in (4, 6) else own for i in range(9)]
    assert built.frame["c"].is_null().to_list() == [i in (4, 5, 6) for i in range(9)]
    if value is not None:
        assert built.frame["c"][0] == value
    relation = by_duckdb(built.frame, tmp_path)
    assert relation.aggregate("count(c)").fetchall() == [(6,)]
    assert relation.select("__text['c']").fetchall() == [(text if i in (4, 6) else None,) for i in range(9)]


def schema_fields(schema: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(f["name"], f["type"]) for f in schema["fields"]]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (
            {"type": "array", "items": optional(MICROS)},
            [0, times.PG_INFINITY, None],
            '{"1970-01-01 00:00:00",infinity,NULL}',
        ),
        ({"type": "array", "items": ZONED}, ["2024-01-01T00:00:00Z", "x y"], '{"2024-01-01 00:00:00+00","x y"}'),
        (
            {"type": "array", "items": {"type": "array", "items": DATE}},
            [[0], [-(2**31)]],
            "{{1970-01-01},{-2147483648}}",
        ),
        ({"type": "array", "items": decimal(3, 1)}, [unscaled(5), unscaled(10_000)], "{0.5,1000.0}"),
        (record(("x", "double"), ("at", TIME), name="S"), {"x": 1.5, "at": -1}, '{"x":1.5,"at":-1}'),
        ({"type": "map", "values": TIME}, {"k": 86_400_000_000}, '{"k":"24:00:00"}'),
    ],
    ids=["timestamp[]", "timestamptz[]", "date[][]", "numeric[]", "struct", "map"],
)
def test_an_array_or_struct_with_such_a_value_is_null_as_a_whole(kind: Any, value: Any, text: str) -> None:
    schema = record(("c", optional(kind)), ("n", "int"))
    good = value[:1] if isinstance(value, list) else None
    values = [encode(schema, {"c": value if i in (2, 5) else good, "n": i}) for i in range(7)]
    built = build(schema, values)
    assert built.undecodable == []
    assert built.frame["__text"].to_list() == [{"c": text} if i in (2, 5) else None for i in range(7)]
    assert [i for i in range(7) if good is not None and built.frame["c"][i] is None] == ([2, 5] if good else [])
    assert built.frame["c"][2] is None


@pytest.mark.parametrize(
    ("precision", "scale", "number", "text"),
    [
        (5, -2, 123, "12300"),
        (5, 2046, 12_300 * 10**2046, "12300"),
        (5, 2046, -12_300 * 10**2046, "-12300"),
        (5, 2047, 0, "0"),
        (3, 5, 123, "0.00123"),
        (3, 5, -123, "-0.00123"),
        (3, 1000, 1, "0." + "0" * 999 + "1"),
    ],
)
def test_a_scale_that_avro_forbids_is_read(precision: int, scale: int, number: int, text: str) -> None:
    """numeric(5,-2), which Debezium sends with 2046 decimals, and numeric(3,5)."""
    schema = record(("id", "int"), ("c", optional(decimal(precision, scale))))
    values = [encode(schema, {"id": i, "c": None if i == 1 else unscaled(number)}) for i in range(3)]
    built = build(schema, values)
    assert built.undecodable == []
    assert built.frame["c"].to_list() == [text, None, text]
    assert built.frame["__text"].to_list() == [None] * 3


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20), st.sampled_from([MICROS, MILLIS]))
def test_every_long_is_a_timestamp_or_a_text(longs: list[int], kind: Any) -> None:
    schema = record(("c", kind))
    frame = build(schema, [encode(schema, {"c": value}) for value in longs]).frame
    factor = 1 if kind is MICROS else 1000
    for raw, value, texts in zip(longs, frame["c"].to_physical().to_list(), frame["__text"].to_list(), strict=True):
        in_range = pgtext.FIRST_MICROS <= raw * factor < 2**63 - 1 and raw != times.PG_INFINITY
        assert value == (raw * factor if in_range else None)
        assert (texts is None) is in_range


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20))
def test_every_int_is_a_date_or_a_text(days: list[int]) -> None:
    schema = record(("c", DATE))
    frame = build(schema, [encode(schema, {"c": value}) for value in days]).frame
    for raw, value, texts in zip(days, frame["c"].to_physical().to_list(), frame["__text"].to_list(), strict=True):
        assert value == (raw if pgtext.FIRST_DAY <= raw <= pgtext.LAST_DAY else None)
        assert (texts is None) is (value is not None)


@given(
    st.integers(1, 40).flatmap(lambda p: st.tuples(st.just(p), st.integers(-3, p + 3))),
    st.lists(st.integers(-(10**42), 10**42) | st.integers(-999, 999) | st.none(), min_size=1, max_size=8),
)
def test_every_decimal_is_a_number_or_a_text(kind: tuple[int, int], numbers: list[int | None]) -> None:
    precision, scale = kind
    schema = record(("c", optional(decimal(precision, scale))))
    values = [encode(schema, {"c": None if n is None else unscaled(n)}) for n in numbers]
    built = build(schema, values)
    assert built.undecodable == []
    for number, value, texts in zip(numbers, built.frame["c"].cast(pl.String), built.frame["__text"], strict=True):
        found = value if texts is None else texts["c"]
        assert (found is None) is (number is None)
        if number is not None and found is not None:
            sign, digits, exponent = Decimal(found).as_tuple()
            assert int("".join(map(str, digits))) * (-1 if sign else 1) * 10 ** (
                exponent + max(scale, 0)
            ) == number * 10 ** max(-scale, 0)
            assert texts is None or abs(number) >= 10**precision


@given(st.datetimes(timezones=st.just(UTC)))
def test_texts_of_instants_are_postgresqls(at: datetime) -> None:
    delta = at - datetime(1970, 1, 1, tzinfo=UTC)
    micros = (delta.days * 86_400 + delta.seconds) * 10**6 + delta.microseconds
    text = pgtext.timestamp(micros, "+00")
    assert datetime.fromisoformat(text.replace("+00", "+00:00")) == at
    assert times.iso_micros(at.isoformat().replace("+00:00", "Z")) == micros


def test_texts_before_christ_and_of_the_last_instants() -> None:
    assert pgtext.date(pgtext.FIRST_DAY) == "4714-11-24 BC"
    assert pgtext.date(pgtext.LAST_DAY) == "5874897-12-31"
    assert pgtext.timestamp(pgtext.FIRST_MICROS, "+00") == "4714-11-24 00:00:00+00 BC"
    assert pgtext.timestamp(pgtext.LAST_MICROS) == "294276-12-31 23:59:59.999999"
    assert pgtext.time(1_500_000) == "00:00:01.5"
    assert pgtext.array(["a", None, "NULL", "", 'b"\\', "{1,NULL}"]) == '{a,NULL,"NULL","","b\\"\\\\",{1,NULL}}'


def test_beside_one_malformed_datum_the_others_keep_their_texts() -> None:
    schema = record(("c", TIME), ("s", "string"))
    values = [encode(schema, {"c": 86_400_000_000 if i % 2 else i, "s": f"row {i}"}) for i in range(20)]
    values[7] = values[7][:-3]
    built = build(schema, values)
    assert [r.offset for r in built.undecodable] == [107]
    assert built.texts == 9
    assert built.frame["__text"].to_list() == [{"c": "24:00:00"} if i % 2 else None for i in range(20) if i != 7]


# --- the maps and lists under malformed datums

WIDE = record(("id", "long"), ("t", optional(TIME)), *BESIDE, ("s", "string"))
NAMES = st.text(max_size=5)


def beside_strategy() -> st.SearchStrategy[dict[str, Any]]:
    sizes = st.fixed_dictionaries(
        {"bytes": st.integers(-1, 2**63 - 1), "sha256": st.text("0123456789abcdef", max_size=8)}
    )
    return st.fixed_dictionaries(
        {
            "__commit_order": st.none() | st.integers(-(2**63), 2**63 - 1),
            "__text": st.none() | st.dictionaries(NAMES, st.text(max_size=9), max_size=4),
            "__unsent": st.none() | st.lists(NAMES, max_size=4),
            "__cut": st.none() | st.dictionaries(NAMES, sizes, max_size=3),
        }
    )


@given(st.lists(beside_strategy(), min_size=1, max_size=8))
def test_what_a_record_says_beside_its_values_arrives(said: list[dict[str, Any]]) -> None:
    values = [encode(WIDE, {"id": i, "t": None, "s": "s"} | each) for i, each in enumerate(said)]
    built = build(WIDE, values)
    assert built.undecodable == []
    assert built.frame.select(*lossless.COLUMNS).rows(named=True) == said


@pytest.mark.parametrize("seed", range(40))
def test_spoiled_maps_and_lists_never_change_their_neighbours(seed: int) -> None:
    rng = random.Random(seed)

    def some(make: Any) -> Any:
        return make() if rng.random() < 0.7 else None

    def row(i: int) -> dict[str, Any]:
        return {
            "id": i,
            "t": rng.choice([None, 5, 86_400_000_000]),
            "__commit_order": some(lambda: rng.getrandbits(60)),
            "__text": some(lambda: {f"c{k}": f"text {k}" for k in range(rng.randrange(4))}),
            "__unsent": some(lambda: [f"c{k}" for k in range(rng.randrange(4))]),
            "__cut": some(lambda: {f"c{k}": {"bytes": k, "sha256": "ab" * 32} for k in range(rng.randrange(3))}),
            "s": f"row {i}",
        }

    decoder = Decoder(WIDE)
    values = [encode(WIDE, row(i)) for i in range(40)]
    right = decoder.decode(values).frame.rows()
    spoiled = set(rng.sample(range(40), rng.choice([1, 2, 5, 20])))
    got = decoder.decode([spoil(v, rng) if i in spoiled else v for i, v in enumerate(values)])
    assert {i for i, _ in got.bad} <= spoiled, "a good record was rejected"
    assert sorted([*got.rows, *(i for i, _ in got.bad)]) == list(range(40)), "a record is missing or twice"
    for index, found in zip(got.rows, got.frame.rows(), strict=True):
        if index not in spoiled:
            assert found == right[index], "a neighbour changed"


def spoil(value: bytes, rng: random.Random) -> bytes:
    datum = bytearray(value[5:])
    at = rng.randrange(len(datum))
    way = rng.randrange(4)
    if way == 0:
        datum[at] = rng.randrange(256)
    elif way == 1:
        del datum[at:]
    elif way == 2:
        datum[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 4)))
    else:
        del datum[at : at + rng.randrange(1, 4)]
    return value[:5] + bytes(datum)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pl.Series("__lsn", [3, None, 7]), (3, 7)),
        (pl.Series("__lsn", [None], dtype=pl.Int64), None),
        (pl.Series("__lsn", [[1], [2]]), None),
        (pl.Series("__lsn", [{"a": 1}]), None),
        (pl.Series("__lsn", ["16/B374D848"]), None),
        (pl.Series("__lsn", [True, False]), None),
        (pl.Series("__lsn", [1.5]), None),
    ],
)
def test_a_topic_of_others_may_have_anything_for_an_lsn(column: pl.Series, expected: tuple[int, int] | None) -> None:
    assert seen._range(column.to_frame(), "__lsn") == expected


TIMES = {"type": "array", "items": TIME}


@pytest.mark.parametrize(
    ("kind", "bad", "text", "good"),
    [
        ({"type": "array", "items": optional(TIME)}, [1, None, -1], '{00:00:00.000001,NULL,-1}', []),
        ({"type": "array", "items": TIMES}, [[], [1, -1]], "{{},{00:00:00.000001,-1}}", [[]]),
        (record(("a", TIMES), ("t", TIME), name="S"), {"a": [-1], "t": -1}, None, {"a": [], "t": 1}),
        ({"type": "map", "values": TIMES}, {"k": [], "l": [-1, -1]}, None, {}),
        ({"type": "array", "items": {"type": "map", "values": TIME}}, [{}, {"k": -1}], None, [{}]),
    ],
    ids=["array", "arrays", "struct", "map", "array of maps"],
)  # fmt: skip
def test_many_nested_misfits_are_found_at_once(
    monkeypatch: pytest.MonkeyPatch, kind: Any, bad: Any, text: str | None, good: Any
) -> None:
    schema = record(("c", optional(kind)), ("n", "int"))
    odd = [i % 3 == 1 or i == 299 for i in range(300)]
    rows_ = [{"c": bad if odd[i] else None if i % 3 == 2 else good, "n": i} for i in range(300)]
    values = [encode(schema, row) for row in rows_]
    calls = []
    convert = times._time
    monkeypatch.setattr(
        times, "_TIME", Conversion(pl.Time(), lambda *a: calls.append(1) or convert(*a), times._time_text)
    )
    built = build(schema, values)
    assert built.undecodable == []
    found = built.frame["__text"].to_list()
    assert [each is not None for each in found] == odd
    assert text is None or found[1] == {"c": text}
    assert [value is None for value in built.frame["c"].to_list()] == [
        o or r["c"] is None for o, r in zip(odd, rows_, strict=True)
    ]
    assert len(calls) < 600, "a step for each array is Polars' own; a search by halves took 2,000 and more"
