# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""When what is in an object is exactly what PostgreSQL has.

Text must be PostgreSQL's own. Where a column has another type, a rule of that type brings both to one form. A type or a
value without a rule is a fault, and so is a value beside that the column's type could have held.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import postgres_text as pg
import pyarrow as pa
from shapes import Shape

# In a row of less text no value may be cut: of a million bytes in Avro, a float8 takes nine for the two of "0,".
LEAST_CUT = 200_000
_MOST_MICROS = 2**63 - 1


@dataclass(frozen=True)
class Cut:
    """What is said of a value that was too large."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Cell:
    """A column of an archived row.

    Attributes:
        value: numbers in the units of its Arrow type for dates and times.
        type: Arrow's.
        beside: its text in ``__text``.
        unsent: whether ``__unsent`` names it.
        cut: its entry in ``__cut``.
    """

    value: Any
    type: pa.DataType
    beside: str | None = None
    unsent: bool = False
    cut: Cut | None = None


@dataclass(frozen=True)
class Fault:
    """A cell that is not what PostgreSQL has."""

    why: str
    column: str
    declared: str
    postgresql: str | None
    archived: Any
    context: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        def short(value: Any) -> str:
            text = repr(value)
            return text if len(text) < 400 else f"{text[:300]}... ({len(text)} characters)"

        return (
            f"{self.why}\n  column {self.column!r} {self.declared}\n  PostgreSQL: {short(self.postgresql)}\n"
            f"  archived:   {short(self.archived)}" + "".join(f"\n  {line}" for line in self.context)
        )


def problem(
    shape: Shape, text: str | None, cell: Cell, may_be_unsent: bool = False, row_bytes: int = LEAST_CUT
) -> str | None:
    """Why a cell is not the value whose text in PostgreSQL is given; None where it is.

    Args:
        may_be_unsent: PostgreSQL need not have sent it.
        row_bytes: of the texts of its row.
    """
    said = [name for name, given in (("text", cell.beside), ("cut", cell.cut)) if given is not None]
    said += ["unsent"] if cell.unsent else []
    if cell.value is not None and said:
        return f"a value, and yet named in __{said[0]}"
    if len(said) > 1:
        return f"named in {' and '.join(f'__{name}' for name in said)}"
    if cell.unsent:
        return None if may_be_unsent else "named in __unsent, though PostgreSQL sent it"
    if cell.cut is not None:
        return _cut_problem(shape, text, cell.cut, row_bytes)
    if text is None:
        return None if cell.value is None and cell.beside is None else "PostgreSQL has null"
    if cell.beside is not None:
        if cell.beside != text:
            return "__text is not PostgreSQL's text"
        return "__text has what the column could hold" if holds(shape, text, cell.type) else None
    if cell.value is None:
        return "null, and not named anywhere"
    try:
        return None if same(shape, text, cell.value, cell.type) else "another value"
    except (ValueError, ArithmeticError, TypeError, LookupError) as error:
        return f"no such value: {error!r}"


def _cut_problem(shape: Shape, text: str | None, cut: Cut, row_bytes: int) -> str | None:
    if text is None:
        return "cut, but PostgreSQL has null"
    content = bytes.fromhex(text.removeprefix("\\x")) if shape.base == "bytea" else text.encode()
    if row_bytes < LEAST_CUT:
        return f"cut, though its row has {row_bytes} bytes only"
    if cut != Cut(len(content), hashlib.sha256(content).hexdigest()):
        return "cut with another size or hash"
    return None


def same(shape: Shape, text: str, value: Any, kind: pa.DataType) -> bool:
    """Whether a value of an Arrow type is what a text says.

    Raises:
        LookupError: a column of the PostgreSQL type must not have this Arrow type.
    """
    if shape.kind == "array" and not _is_text(kind):
        return _same_list(shape, text, value, kind)
    if shape.kind == "base":
        rules = _RULES.get(shape.base, {})
        for is_kind, rule in rules.items():
            if is_kind(kind):
                return rule(text, value, kind)
    if not _is_text(kind):
        raise LookupError(f"no rule for {shape.declared} as {kind}")
    return value == text


def _same_list(shape: Shape, text: str, value: Any, kind: pa.DataType) -> bool:
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        raise LookupError(f"no rule for {shape.declared} as {kind}")
    items = pg.array(text, shape.element.delimiter)
    if items is None or len(items) != len(value):
        return False
    return all(
        (item is None) == (each is None) and (item is None or same(shape.element, item, each, kind.value_type))
        for item, each in zip(items, value, strict=True)
    )


def holds(shape: Shape, text: str, kind: pa.DataType) -> bool:
    """Whether a column of an Arrow type can have exactly this value."""
    if shape.base == "numeric" and text in ("NaN", "Infinity", "-Infinity"):
        # A number of too many digits for Parquet is text there, but not on its way.
        return False
    if _is_text(kind):
        return True
    if shape.kind == "array":
        items = pg.array(text, shape.element.delimiter)
        if items is None or not _is_vector(kind) or _is_shape(kind.value_type):
            return False
        return all(item is None or holds(shape.element, item, kind.value_type) for item in items)
    if "infinity" in text and shape.base in ("date", "timestamp", "timestamptz"):
        return False
    if shape.base == "time":
        return text != "24:00:00"
    if shape.base in ("timestamp", "timestamptz"):
        # DuckDB takes the last one for infinity.
        return abs(pg.timestamp(text)) < _MOST_MICROS
    return True


def _is_shape(kind: pa.DataType) -> bool:
    """Lists of these are declared, but never filled."""
    return pa.types.is_struct(kind) or _is_vector(kind)


Rule = Callable[[str, Any, pa.DataType], bool]


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _is_local(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) and kind.tz is None


def _is_instant(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) and kind.tz == "UTC"


def _bits(form: str) -> Rule:
    """Numbers of floating point, bit by bit, but for NaN, of which PostgreSQL has one."""

    def rule(text: str, value: float, _kind: pa.DataType) -> bool:
        wanted = float(text.replace("Infinity", "inf"))
        if math.isnan(wanted) or math.isnan(value):
            return math.isnan(wanted) and math.isnan(value)
        return struct.pack(form, wanted) == struct.pack(form, value)

    return rule


def _is_at(micros: int, value: int, kind: pa.DataType) -> bool:
    return micros * 1000 == value * {"ms": 1_000_000, "us": 1000, "ns": 1}[kind.unit]


def _bit_string(text: str, value: bytes, _kind: pa.DataType) -> bool:
    """Debezium's bits: the last one of the text is the lowest of the first byte."""
    number = int(text, 2)
    return int.from_bytes(value, "little") == number and len(value) * 8 >= len(text) > (len(value) - 1) * 8


def _is_vector(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _vector(text: str, value: list[int], _kind: pa.DataType) -> bool:
    """int2vector and oidvector."""
    return value == [int(number) for number in text.split()]


def _bytes_of(numbers: Iterable[float]) -> list[bytes]:
    """Bit by bit, but for NaN."""
    return [b"NaN" if math.isnan(number) else struct.pack("<d", number) for number in numbers]


def _numbers(text: str) -> list[float]:
    """Of a shape's text."""
    return [float(each.replace("Infinity", "inf")) for each in re.findall(r"[^][(){}<>,]+", text)]


def _point(text: str, value: dict[str, Any], _kind: pa.DataType) -> bool:
    return _bytes_of(_numbers(text)) == _bytes_of((value["x"], value["y"]))


def _line(text: str, value: dict[str, Any], _kind: pa.DataType) -> bool:
    return _bytes_of(_numbers(text)) == _bytes_of((value["a"], value["b"], value["c"]))


def _circle(text: str, value: dict[str, Any], _kind: pa.DataType) -> bool:
    center = value["center"]
    return _bytes_of(_numbers(text)) == _bytes_of((center["x"], center["y"], value["radius"]))


def _geometry(ends: Callable[[list[float]], list[float]]) -> Rule:
    """By the well-known binary. ``ends``: the numbers that it has for those of PostgreSQL's text."""

    def rule(text: str, value: dict[str, Any], _kind: pa.DataType) -> bool:
        return _bytes_of(ends(_numbers(text))) == _bytes_of(_wkb(value["wkb"]))

    return rule


def _path(text: str, value: dict[str, Any], kind: pa.DataType) -> bool:
    known = value["extensions"]
    said = json.loads(known) if isinstance(known, str) else dict(known)
    return said["closed"] == ("false" if text[0] == "[" else "true") and _geometry(list)(text, value, kind)


def _corners(numbers: list[float]) -> list[float]:
    x, y, other_x, other_y = numbers
    return [x, y, x, other_y, other_x, other_y, other_x, y, x, y]


def _wkb(content: bytes) -> list[float]:
    """The coordinates of a line string, or of a polygon of one ring."""
    order = "<" if content[0] else ">"
    kind, count = struct.unpack_from(f"{order}II", content, 1)
    at = 9
    if kind == 3:
        if count != 1:
            raise ValueError(f"a polygon of {count} rings")
        (count,) = struct.unpack_from(f"{order}I", content, at)
        at += 4
    elif kind != 2:
        raise ValueError(f"well-known binary of type {kind}")
    numbers = struct.unpack_from(f"{order}{count * 2}d", content, at)
    if at + count * 16 != len(content):
        raise ValueError("bytes are left after the last point")
    return list(numbers)


def _hstore(text: str, value: str, _kind: pa.DataType) -> bool:
    """PostgreSQL's text, or the JSON object of the same pairs."""
    if text == value:
        return True
    pairs = {}
    rest = text
    string = r'"((?:[^"\\]|\\.)*)"'
    while rest:
        found = re.match(rf"{string}=>(?:{string}|NULL)(?:, )?", rest)
        if found is None:
            raise ValueError(f"{text!r} is no hstore")
        key, inner = (None if each is None else re.sub(r"\\(.)", r"\1", each) for each in found.groups())
        pairs[key] = inner
        rest = rest[found.end() :]
    return json.loads(value) == pairs


def _decimal(text: str, value: Decimal, kind: pa.DataType) -> bool:
    return Decimal(text) == value


_INTEGER: dict[Callable[[pa.DataType], bool], Rule] = {pa.types.is_integer: lambda text, value, _: int(text) == value}
_RULES: dict[str, dict[Callable[[pa.DataType], bool], Rule]] = {
    "bool": {pa.types.is_boolean: lambda text, value, _: {"t": True, "f": False}[text] is value},
    "int2": _INTEGER,
    "int4": _INTEGER,
    "int8": _INTEGER,
    "oid": _INTEGER,
    "float4": {pa.types.is_float32: _bits("<f")},
    "float8": {pa.types.is_float64: _bits("<d")},
    "numeric": {pa.types.is_decimal: _decimal},
    # Debezium states no precision, so that it may be text; PostgreSQL's has the currency.
    "money": {
        pa.types.is_decimal: lambda text, value, _: pg.money(text) == value,
        _is_text: lambda text, value, _: pg.money(text) == Decimal(value),
    },
    "bytea": {_is_binary: lambda text, value, _: bytes.fromhex(text.removeprefix("\\x")) == value},
    "bit": {
        pa.types.is_boolean: lambda text, value, _: {"1": True, "0": False}[text] is value,
        _is_binary: _bit_string,
    },
    "date": {pa.types.is_date32: lambda text, value, _: pg.date(text) == value},
    "time": {pa.types.is_time: lambda text, value, kind: _is_at(pg.time(text), value, kind)},
    "timestamp": {_is_local: lambda text, value, kind: _is_at(pg.timestamp(text), value, kind)},
    "timestamptz": {_is_instant: lambda text, value, kind: _is_at(pg.timestamp(text), value, kind)},
    "timetz": {_is_text: lambda text, value, _: text == value or pg.zoned_time(text) == pg.zoned_time(value)},
    "interval": {_is_text: lambda text, value, _: text == value or pg.interval(text) == pg.interval(value)},
    "int2vector": {_is_vector: _vector},
    "oidvector": {_is_vector: _vector},
    "point": {pa.types.is_struct: _point},
    "line": {pa.types.is_struct: _line},
    "circle": {pa.types.is_struct: _circle},
    "lseg": {pa.types.is_struct: _geometry(list)},
    "path": {pa.types.is_struct: _path},
    "box": {pa.types.is_struct: _geometry(_corners)},
    "polygon": {pa.types.is_struct: _geometry(lambda numbers: [*numbers, *numbers[:2]])},
    "hstore": {_is_text: _hstore},
}
