# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The comparison finds what is not as PostgreSQL has it, in objects written by hand."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from comparison import Comparison, archived_names
from history import Change
from reader import Row, read
from shapes import Shape, array
from tables import Column, Table

_STRING = pa.string()
_MICROS, _UTC, _CLOCK = pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.time64("ns")
_OWN = {
    "__text": pa.map_(_STRING, _STRING),
    "__unsent": pa.list_(_STRING),
    "__cut": pa.map_(_STRING, pa.struct({"bytes": pa.int64(), "sha256": _STRING})),
    "__commit_order": pa.int64(),
    "__deleted": _STRING,
    "__op": _STRING,
    "__lsn": pa.int64(),
    "__txId": pa.int64(),
    "__ts_us": pa.int64(),
    "__source_ts_us": pa.int64(),
    "__partition": pa.int32(),
    "__offset": pa.int64(),
}


def _base(name: str) -> Shape:
    return Shape(name, "base", name)


_INT, _TEXT = _base("int4"), _base("text")
_POINT = pa.struct({"x": pa.float64(), "y": pa.float64(), "wkb": pa.binary(), "srid": pa.int32()})


def _point(x: float, y: float) -> dict[str, Any]:
    return {"x": x, "y": y, "wkb": None, "srid": None}


_NAN = float("nan")
_LINE = pa.struct({"a": pa.float64(), "b": pa.float64(), "c": pa.float64()})
_CIRCLE = pa.struct({"center": pa.struct({"x": pa.float64(), "y": pa.float64()}), "radius": pa.float64()})
_GEOMETRY = pa.struct({"wkb": pa.binary(), "srid": pa.int32(), "extensions": _STRING})


def _circle(x: float, y: float, radius: float) -> dict[str, Any]:
    return {"center": {"x": x, "y": y}, "radius": radius}


def _line(*numbers: float, **extensions: str) -> dict[str, Any]:
    content = struct.pack(f"<BII{len(numbers)}d", 1, 2, len(numbers) // 2, *numbers)
    return {"wkb": content, "srid": None, "extensions": json.dumps(extensions)}


def _ring(*numbers: float) -> dict[str, Any]:
    content = struct.pack(f">BIII{len(numbers)}d", 0, 3, 1, len(numbers) // 2, *numbers)
    return {"wkb": content, "srid": None, "extensions": None}


# Type, PostgreSQL's text, Arrow's type, the value, and others that are not it.
VALUES: list[tuple[Shape, str, pa.DataType, Any, list[Any]]] = [
    (_base("bool"), "t", pa.bool_(), True, [False]),
    (_INT, "-2147483648", pa.int32(), -2147483648, [0, 2147483647]),
    (_base("oid"), "4294967295", pa.int64(), 4294967295, [-1]),
    (_TEXT, "", _STRING, "", [" ", "NULL"]),
    (_base("bpchar"), "ab      ", _STRING, "ab      ", ["ab"]),
    (_base("float4"), "0.1", pa.float32(), 0.1, [0.1000001]),
    (_base("float8"), "0.3333333333333333", pa.float64(), 1 / 3, [0.3333333333]),
    (_base("float8"), "-0", pa.float64(), -0.0, [0.0]),
    (_base("float8"), "NaN", pa.float64(), float("nan"), [0.0, float("inf")]),
    (_base("float8"), "5e-324", pa.float64(), 5e-324, [0.0]),
    (_base("numeric"), "1.50", pa.decimal128(10, 2), Decimal("1.50"), [Decimal("1.51")]),
    (_base("numeric"), "1.500", _STRING, "1.500", ["1.5"]),
    (_base("money"), "-$1,234.50", pa.decimal128(19, 2), Decimal("-1234.50"), [Decimal("1234.50")]),
    (_base("bytea"), "\\x00ff", pa.binary(), b"\x00\xff", [b"", b"\\x00ff"]),
    (_base("bit"), "0000011", pa.binary(), b"\x03", [b"\x60", b"\x03\x00"]),
    (_base("varbit"), "0101", _STRING, "0101", ["101"]),
    (_base("date"), "1970-01-02", pa.date32(), 1, [0]),
    (_base("date"), "0001-12-31 BC", pa.date32(), -719163, [-719162, -718798]),
    (_base("date"), "1582-10-10", pa.date32(), -141432, [-141422]),
    (_base("date"), "5874897-12-31", pa.date32(), 2145042905, [2145042904]),
    (_base("time"), "23:59:59.999999", _CLOCK, 86399999999000, [0]),
    (_base("timetz"), "09:30:00.5+02", _STRING, "09:30:00.5+02:00", ["07:30:00.5Z"]),
    (_base("timetz"), "09:30:00+00", _STRING, "09:30Z", ["09:30:01Z"]),
    (_base("timestamp"), "1969-12-31 23:59:59.999999", _MICROS, -1, [0]),
    (_base("timestamp"), "294247-01-10 04:00:54.775806", _MICROS, 2**63 - 2, [2**63 - 3]),
    (_base("timestamptz"), "1970-01-01 02:00:00+02", _UTC, 0, [7_200_000_000]),
    (_base("timestamptz"), "4714-11-24 00:00:00+00 BC", _UTC, -210866803200000000, [-210835267200000000]),
    (_base("interval"), "1 year 2 mons 3 days 04:05:06.789", _STRING, "P1Y2M3DT4H5M6.789S", ["P1Y2M3DT4H5M6.788S"]),
    (_base("interval"), "-1 mons +2 days -00:00:00.000001", _STRING, "P0Y-1M2DT0H0M-0.000001S", ["P0Y1M2DT0H0M0S"]),
    (_base("interval"), "1 day", _STRING, "P1D", ["PT24H"]),
    (_base("point"), "(0.1,-0)", _POINT, _point(0.1, -0.0), [_point(0.1, 0.0), _point(0.0, -0.0)]),
    (_base("line"), "{1,2,-0}", _LINE, {"a": 1, "b": 2, "c": -0.0}, [{"a": 1, "b": 2, "c": 0.0}]),
    (_base("circle"), "<(1,2),3>", _CIRCLE, _circle(1, 2, 3), [_circle(1, 2, 4), _circle(2, 1, 3)]),
    (_base("lseg"), "[(0,0),(1,2)]", _GEOMETRY, _line(0, 0, 1, 2), [_line(0, 0, 1, 3), _line(0, 0, 1, 2, 0, 0)]),
    (_base("path"), "((0,0),(NaN,2))", _GEOMETRY, _line(0, 0, _NAN, 2, closed="true"),
     [_line(0, 0, _NAN, 2, closed="false"), _line(0, 0, 1, 2, closed="true")]),
    (_base("path"), "[(0,0)]", _GEOMETRY, _line(0, 0, closed="false"), [_line(0, 0, closed="true")]),
    (_base("box"), "(3,4),(1,2)", _GEOMETRY, _ring(3, 4, 3, 2, 1, 2, 1, 4, 3, 4), [_ring(1, 2, 3, 4, 1, 2)]),
    (_base("polygon"), "((0,0),(1,1),(0,0))", _GEOMETRY, _ring(0, 0, 1, 1, 0, 0, 0, 0), [_ring(0, 0, 1, 1, 0, 0)]),
    (_base("int2vector"), "1 -2", pa.list_(pa.int16()), [1, -2], [[], [1], [-2, 1]]),
    (_base("hstore"), '"a"=>"1", "b"=>NULL', _STRING, '{"b":null,"a":"1"}', ['{"a":"1"}', '{"a":"1","b":""}']),
    (Shape("mood", "enum", "mood"), "größer", _STRING, "größer", ["gr__er"]),
    (Shape("pair", "composite", "pair"), '(1,"a,b")', _STRING, '(1,"a,b")', ["(1,a)"]),
    (array(_INT), "{1,NULL}", pa.list_(pa.int32()), [1, None], [[1], [1, 0], [None, 1], []]),
    (array(_INT), "{}", pa.list_(pa.int32()), [], [[None]]),
    (array(_TEXT), '{"a,\\"b",NULL,"NULL"}', pa.list_(_STRING), ['a,"b', None, "NULL"], [['a,"b', None, None]]),
    (array(Shape("box", "base", "box", delimiter=";")), "{(1,1),(0,0);(2,2),(0,0)}", pa.list_(_STRING),
     ["(1,1),(0,0)", "(2,2),(0,0)"], [["(1", "1)", "(0", "0)"]]),
]  # fmt: skip
# Type, text, and Arrow's type that cannot hold it; then one that it can.
BESIDE: list[tuple[Shape, str, pa.DataType]] = [
    (_base("numeric"), "NaN", pa.decimal128(10, 2)),
    (_base("numeric"), "NaN", _STRING),
    (_base("date"), "infinity", pa.date32()),
    (_base("time"), "24:00:00", _CLOCK),
    (_base("timestamptz"), "-infinity", _UTC),
    (_base("timestamp"), "294276-12-31 23:59:59.999999", _MICROS),
    (array(_INT), "{{1,2},{3,4}}", pa.list_(pa.int32())),
    (array(_INT), "[0:1]={7,8}", pa.list_(pa.int32())),
    (array(_base("numeric")), "{1,NaN}", pa.list_(pa.decimal128(10, 2))),
    (array(_base("polygon")), '{"((0,0),(1,1),(0,0))"}', pa.list_(_POINT)),
    (array(_base("int2vector")), '{"1 2"}', pa.list_(pa.list_(pa.int16()))),
    (array(_base("bit")), "{0,1}", pa.bool_()),
]
NOT_BESIDE: list[tuple[Shape, str, pa.DataType]] = [
    (_base("numeric"), "1.50", pa.decimal128(10, 2)),
    (_base("date"), "4714-11-24 BC", pa.date32()),
    (_base("timestamp"), "294247-01-10 04:00:54.775806", _MICROS),
    (array(_INT), "{1,2}", pa.list_(pa.int32())),
    (_TEXT, "x", _STRING),
]


def _table(*columns: tuple[str, Shape], full: bool = False) -> Table:
    return Table("t", "1/1", tuple(Column(name, shape) for name, shape in columns), (columns[0][0],), full)


def _rows(types: Mapping[str, pa.DataType], rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Through Parquet; what a row does not say is as a snapshot's."""
    fields = {**types, **_OWN}
    own = {"__deleted": "false", "__op": "r", "__lsn": 9, "__txId": 5, "__commit_order": 7, "__partition": 0}
    whole = [{**dict.fromkeys(fields), **own, "__offset": at, **row} for at, row in enumerate(rows)]
    table = pa.table({name: pa.array([_raw(row[name], kind) for row in whole], kind) for name, kind in fields.items()})
    out = io.BytesIO()
    pq.write_table(table, out)
    return list(read(out.getvalue()))


def _raw(value: Any, kind: pa.DataType) -> Any:
    """Arrow takes no numbers for times."""
    return pa.scalar(value, pa.int64()).cast(kind) if pa.types.is_time(kind) and value is not None else value


def _faults(shape: Shape, text: str | None, kind: pa.DataType, row: Mapping[str, Any]) -> list[str]:
    comparison = Comparison(_table(("id", _INT), ("v", shape)))
    rows = _rows({"id": pa.int32(), "v": kind}, [{"id": 1, **row}])
    comparison.rows_of_snapshot([{"id": "1", "v": text}], rows)
    return [fault.why for fault in comparison.faults]


@pytest.mark.parametrize(("shape", "text", "kind", "right", "wrong"), VALUES)
def test_a_value_is_itself_and_no_other(shape: Shape, text: str, kind: pa.DataType, right: Any, wrong: list[Any]):
    assert not _faults(shape, text, kind, {"v": right})
    for other in wrong:
        assert _faults(shape, text, kind, {"v": other}) == ["another value"]
    assert _faults(shape, text, kind, {"v": None}) == ["null, and not named anywhere"]
    assert _faults(shape, None, kind, {"v": right}) == ["PostgreSQL has null"]
    assert not _faults(shape, None, kind, {"v": None})


@pytest.mark.parametrize(("shape", "text", "kind"), BESIDE)
def test_what_a_column_cannot_hold_is_beside(shape: Shape, text: str, kind: pa.DataType):
    assert not _faults(shape, text, kind, {"__text": [("v", text)]})
    assert _faults(shape, text, kind, {"__text": [("v", text + " ")]}) == ["__text is not PostgreSQL's text"]
    assert _faults(shape, text, kind, {}) == ["null, and not named anywhere"]


@pytest.mark.parametrize(("shape", "text", "kind"), NOT_BESIDE)
def test_what_a_column_can_hold_is_not_beside(shape: Shape, text: str, kind: pa.DataType):
    assert _faults(shape, text, kind, {"__text": [("v", text)]}) == ["__text has what the column could hold"]


def test_a_type_without_a_rule_is_a_fault():
    assert "no rule" in _faults(_base("uuid"), "00", pa.binary(), {"v": b"\0"})[0]
    assert "no rule" in _faults(_base("text"), "(0,0)", _POINT, {"v": _point(0, 0)})[0]


def test_a_cut_value_is_large_and_has_its_size_and_hash():
    text = "ä" * 1_000_000
    right = {"bytes": 2_000_000, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    assert not _faults(_TEXT, text, _STRING, {"__cut": [("v", right)]})
    for wrong in ({**right, "bytes": 1_000_000}, {**right, "sha256": "0" * 64}):
        assert _faults(_TEXT, text, _STRING, {"__cut": [("v", wrong)]}) == ["cut with another size or hash"]
    small = {"bytes": 1, "sha256": hashlib.sha256(b"a").hexdigest()}
    assert _faults(_TEXT, "a", _STRING, {"__cut": [("v", small)]}) == ["cut, though its row has 2 bytes only"]
    raw = "\\x" + "00" * 1_000_000
    content = {"bytes": 1_000_000, "sha256": hashlib.sha256(bytes(1_000_000)).hexdigest()}
    assert not _faults(_base("bytea"), raw, pa.binary(), {"__cut": [("v", content)]})


def test_unsent_only_where_it_may_be():
    assert _faults(_TEXT, "x", _STRING, {"__unsent": ["v"]}) == ["named in __unsent, though PostgreSQL sent it"]


TABLE = _table(("id", _INT), ("v", _TEXT))
TYPES = {"id": pa.int32(), "v": _STRING}
_X, _Y, _Z = {"id": "1", "v": "x"}, {"id": "1", "v": "y"}, {"id": "2", "v": "y"}
CHANGES = [
    Change("c", 2**32 + 1, _X),
    Change("u", 2**32 + 2, _Y, frozenset("v")),
    Change("d", 2**32 + 3, _Y, frozenset("v")),
    Change("c", 2**32 + 3, _Z, frozenset("v")),
    Change("t", 2**32 + 4, {}),
]
_ARCHIVED: list[dict[str, Any]] = [
    {"id": 1, "v": "x", "__op": "c", "__txId": 1, "__lsn": 11, "__commit_order": 10},
    {"id": 1, "v": "y", "__op": "u", "__txId": 2, "__lsn": 21, "__commit_order": 20},
    {"id": 2, "v": None, "__unsent": ["v"], "__op": "c", "__txId": 3, "__lsn": 31, "__commit_order": 30,
     "__partition": 1},
    {"id": 1, "v": None, "__unsent": ["v"], "__op": "d", "__txId": 3, "__lsn": 31, "__commit_order": 30,
     "__deleted": "true"},
    {"id": None, "v": None, "__op": "t", "__txId": 4, "__lsn": 41, "__commit_order": 40, "__deleted": "true"},
]  # fmt: skip


def _changed(rows: list[dict[str, Any]]) -> list[str]:
    comparison = Comparison(TABLE)
    comparison.changes(CHANGES, _rows(TYPES, rows))
    return [fault.why for fault in comparison.faults]


def test_changes_are_there_once_and_in_order():
    assert not _changed(_ARCHIVED)


@pytest.mark.parametrize("at", range(len(_ARCHIVED)))
def test_a_change_that_is_missing_or_doubled_is_a_fault(at: int):
    assert any(why.startswith("missing") for why in _changed(_ARCHIVED[:at] + _ARCHIVED[at + 1 :]))
    assert _changed([*_ARCHIVED, {**_ARCHIVED[at]}])


@pytest.mark.parametrize(
    ("at", "wrong"),
    [
        (0, {"v": "other"}),
        (0, {"__op": "u"}),
        (1, {"__deleted": "true"}),
        (1, {"__commit_order": 5}),
        (1, {"__commit_order": 32}),
        (1, {"__commit_order": None}),
        (1, {"__lsn": 5}),
        (1, {"__txId": 77}),
        (2, {"__unsent": ["v", "id"]}),
        (2, {"v": "x", "__unsent": None}),
        (3, {"v": "invented", "__unsent": None}),
        (3, {"__unsent": None}),
        (3, {"__deleted": "false"}),
        (4, {"v": "invented"}),
        (4, {"__offset": 0, "__op": "c"}),
    ],
)
def test_a_change_that_differs_is_a_fault(at: int, wrong: dict[str, Any]):
    assert _changed([{**row, **(wrong if number == at else {})} for number, row in enumerate(_ARCHIVED)])


def test_changes_in_another_order_are_a_fault():
    swapped = [{**row, "__offset": offset} for row, offset in zip(_ARCHIVED, (1, 0, 2, 3, 4), strict=True)]
    assert _changed(swapped) == ["before a change that was made earlier"]


def test_rows_of_a_snapshot_are_there_once():
    def found(*rows: dict[str, Any]) -> list[str]:
        comparison = Comparison(TABLE)
        comparison.rows_of_snapshot([_X, _Z], _rows(TYPES, rows))
        return [fault.why for fault in comparison.faults]

    one, other = {"id": 1, "v": "x"}, {"id": 2, "v": "y"}
    assert not found(other, one)
    assert len(found(one)) == 1
    assert len(found(one, other, one)) == 1
    assert len(found(one, {**other, "id": 3})) == 2
    assert found(one, {**other, "v": "x"}) == ["another value"]


def test_current_rows_have_values_that_were_not_sent():
    def found(*rows: dict[str, Any]) -> list[str]:
        comparison = Comparison(TABLE)
        comparison.current([_X], (row.columns for row in _rows(TYPES, rows)))
        return [fault.why for fault in comparison.faults]

    assert not found({"id": 1, "v": "x"})
    assert found({"id": 1, "v": None, "__unsent": ["v"]}) == ["named in __unsent, though PostgreSQL sent it"]
    assert len(found({"id": 1, "v": "x"}, {"id": 2, "v": "x"})) == 1
    assert len(found()) == 1


def test_columns_have_names_of_their_own():
    odd = ["sel-ect", "sel_ect", "1st", "__text", "__text_", "größe", "Upper Case", "v"]
    table = _table(*((name, _INT) for name in odd))
    names = ["sel_ect_", "sel_ect", "_1st", "__text__", "__text_", "gr__e", "Upper_Case", "v"]
    assert list(archived_names(table).values()) == names
    comparison = Comparison(TABLE)
    comparison.rows_of_snapshot([_X], _rows({"v": _STRING, "id": pa.int32()}, [{"id": 1, "v": "x"}]))
    assert "columns ['v', 'id']" in comparison.faults[0].why
