"""Columns as they were read become columns of their meaning: what ``connect.name`` says a long, string or struct is.

==========================================  ==================================  =====================================
meaning                                     on the wire                         in the object
==========================================  ==================================  =====================================
io.debezium.time.ZonedTimestamp             string                              timestamp, microseconds, UTC
io.debezium.time.{,Micro,Nano}Timestamp     long                                timestamp, microseconds, no zone
io.debezium.time.Date                       int                                 date
io.debezium.time.{,Micro,Nano}Time          int, long                           time
io.debezium.time.ZonedTime, ...             string                              string
io.debezium.time.Interval                   string, microseconds cut off        string, microseconds restored
io.debezium.time.MicroDuration              long                                64-bit integer, microseconds
org.apache.kafka.connect.data.Decimal       bytes, decimal(p, s)                decimal(p, s); string where p > 38,
                                                                                s < 0 or s > p
io.debezium.data.VariableScaleDecimal       struct(scale, value)                string
io.debezium.data.{Json,Uuid,Xml,Enum,...}   string                              string
union of several types                      {type: value}                       string, JSON
enum                                        index                               string
map (hstore)                                entries                             string, JSON
array                                       array                               list
bytes, fixed                                bytes                               binary
record without fields                       nothing                             string, {}
other records                               record                              struct
__text, __unsent, __cut, __commit_order     map, array, long                    as `lossless` has them
==========================================  ==================================  =====================================

A value that its type in the object cannot hold exactly (an infinite timestamp, ``time`` 24:00:00, text that is no
instant, more digits than the type has) is null in its column, with its text in ``__text``. An array or struct is one
value.
A record's field that has a name of the archive's own columns gets trailing underscores.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import polars as pl

from cdc_pipeline.archive import lossless, pgtext
from cdc_pipeline.archive.avro_schema import Node, own_name

PARTITION, OFFSET = "__partition", "__offset"

UTC_MICROS = pl.Datetime("us", "UTC")
MICROS = pl.Datetime("us")
MAX_MICROS = 2**63 - 1
"""DuckDB reads it as infinity."""
PG_INFINITY = 9223372036825200000
PG_MINUS_INFINITY = -9223372036832400000
"""What the PostgreSQL driver, and so Debezium, uses for infinite timestamps (org.postgresql.PGStatement)."""
PG_INFINITY_DAY = -622_191_234
"""What Debezium makes of its milliseconds where a date's days have 32 bits."""
NS_PER_DAY = 86_400_000_000_000

VARIABLE_DECIMAL = "io.debezium.data.VariableScaleDecimal"

_TIMESTAMPS = {
    "io.debezium.time.Timestamp": ("ms", MICROS),
    "io.debezium.time.MicroTimestamp": ("us", MICROS),
    "io.debezium.time.NanoTimestamp": ("ns", MICROS),
    "org.apache.kafka.connect.data.Timestamp": ("ms", UTC_MICROS),
    "timestamp-millis": ("ms", UTC_MICROS),
    "timestamp-micros": ("us", UTC_MICROS),
    "local-timestamp-millis": ("ms", MICROS),
    "local-timestamp-micros": ("us", MICROS),
}
_NANOS = {"ms": 1_000_000, "us": 1000, "ns": 1}
_DATES = frozenset(("io.debezium.time.Date", "org.apache.kafka.connect.data.Date", "date"))
_TIMES = {
    "io.debezium.time.Time": 1_000_000,
    "io.debezium.time.MicroTime": 1000,
    "io.debezium.time.NanoTime": 1,
    "org.apache.kafka.connect.data.Time": 1_000_000,
    "time-millis": 1_000_000,
    "time-micros": 1000,
}
_ZONED = "io.debezium.time.ZonedTimestamp"
_INTERVAL = "io.debezium.time.Interval"
_CUT_OFF = re.compile(r"(-?\d+\.\d{6}999)S$")
_PLAIN: dict[str, Any] = {
    "boolean": pl.Boolean(),
    "int": pl.Int32(),
    "long": pl.Int64(),
    "float": pl.Float32(),
    "double": pl.Float64(),
    "bytes": pl.Binary(),
    "fixed": pl.Binary(),
    "string": pl.String(),
    "enum": pl.Int32(),
    "null": pl.String(),
    "union": pl.String(),
}


def raw_dtype(node: Node, decimals: bool = True) -> Any:
    """The Polars type in which the values of ``node`` are read. ``decimals``: as numbers; else as their bytes."""
    if node.kind == "record":
        return pl.Struct({name: raw_dtype(field, decimals) for name, field in node.fields if field.kind != "null"})
    if node.kind == "array":
        return pl.List(raw_dtype(node.items, decimals))
    if node.kind == "map":
        return pl.List(pl.Struct({"key": pl.String(), "value": raw_dtype(node.items, decimals)}))
    if node.kind == "bytes" and node.fits_decimal and decimals:
        return pl.Decimal(node.precision, node.scale)
    return _PLAIN[node.kind]


def dtype(node: Node) -> Any:
    """The Polars type in which they are written."""
    conversion = _conversion(node)
    if conversion is not None:
        return conversion.dtype
    if node.kind == "record":
        return pl.Struct({name: dtype(field) for name, field in node.fields})
    if node.kind == "array":
        return pl.List(dtype(node.items))
    return raw_dtype(node)


class Table:
    """The columns of a record type.

    Attributes:
        schema: names and types of the columns.
    """

    def __init__(self, node: Node) -> None:
        given = {name for name, _ in node.fields}
        self._fields: list[tuple[str, str, Node]] = []
        self.schema: dict[str, Any] = {}
        for field, part in node.fields:
            name = field
            reserved = field in (PARTITION, OFFSET) or field in lossless.COLUMNS
            if reserved and not lossless.is_one(field, part):
                name = own_name(field, given | {field} | self.schema.keys())
            self._fields.append((field, name, part))
            self.schema[name] = lossless.COLUMNS[name] if name in lossless.COLUMNS else dtype(part)

    def frame(self, raw: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """The columns, converted and in the schema's order; other columns of ``raw`` are dropped.

        Returns:
            The frame, and how many values of it became null with a text in ``__text``.
        """
        columns: list[pl.Series] = []
        texts: dict[int, dict[str, str]] = {}
        for field, name, node in self._fields:
            if node.kind == "null":
                columns.append(pl.Series(name, [None] * raw.height, dtype=pl.String))
            elif name in lossless.COLUMNS:
                columns.append(lossless.as_written(raw.get_column(field)))
            else:
                series, misfits = convert(raw.get_column(field), node)
                columns.append(series.alias(name))
                for row, text in misfits.items():
                    texts.setdefault(row, {})[name] = text
        frame = pl.DataFrame(columns)
        return (_with_texts(frame, texts) if texts else frame), sum(len(each) for each in texts.values())


def _with_texts(frame: pl.DataFrame, texts: dict[int, dict[str, str]]) -> pl.DataFrame:
    """The frame with more texts by row and column; those that a record has itself stay."""
    own = frame.get_column(lossless.TEXT).to_list() if lossless.TEXT in frame.columns else [None] * frame.height
    for row, added in texts.items():
        own[row] = added | (own[row] or {})
    return frame.with_columns(pl.Series(lossless.TEXT, own, dtype=lossless.COLUMNS[lossless.TEXT]))


def convert(series: pl.Series, node: Node) -> tuple[pl.Series, dict[int, str]]:
    """Values as read to values as written, and the texts of those that the written type cannot hold, by row.

    Such a value is null in the series. A list or struct with such a part is null as a whole.
    """
    misfits = _Misfits()
    out = _converted(series, node, misfits)
    if not misfits.count:
        return out, {}
    rows = (series.is_not_null() & out.is_null()).arg_true().to_list()
    if len(rows) < misfits.count:  # inside of lists and structs
        rows = sorted(set(_rows_with_misfits(series, node, pl.Series(range(len(series)), dtype=pl.UInt32))))
        out = _converted(_only(series, pl.Series([True] * len(series)).scatter(rows, False)), node, _Misfits())
    values = _textual(series.gather(rows)).to_list()
    return out, {row: text(value, node) for row, value in zip(rows, values, strict=True)}


class _Misfits:
    """How many values had no representation."""

    count = 0


def _converted(series: pl.Series, node: Node, misfits: _Misfits) -> pl.Series:
    """Values as written, null where there is none; those are counted."""
    conversion = _conversion(node)
    if conversion is not None:
        out = conversion.convert(series, node, misfits)
        misfits.count += out.null_count() - series.null_count()
        return out
    if node.kind == "array" and _changes(node.items):
        inner = node.items
        return series.list.eval(
            pl.element().map_batches(lambda s: _converted(s, inner, misfits), return_dtype=dtype(inner))
        )
    if node.kind == "record" and _changes(node):
        return _struct(series, node, misfits)
    return series


def _rows_with_misfits(series: pl.Series, node: Node, rows: pl.Series) -> list[int]:
    """``rows``: the row that each value is in. One may come several times."""
    if not _changes(node) or node.kind == "null":
        return []
    if node.kind in ("array", "map"):
        both = pl.DataFrame([series.alias("values"), rows.alias("rows")])
        both = both.filter(pl.col("values").list.len() > 0).explode("values")
        values = both.get_column("values")
        parts = [(values if node.kind == "array" else values.struct.field("value"), node.items)]
        rows = both.get_column("rows")
    elif _conversion(node) is None:
        parts = [(series.struct.field(name), field) for name, field in node.fields if field.kind != "null"]
    else:
        out = _converted(series, node, _Misfits())
        return rows.filter(series.is_not_null() & out.is_null()).to_list()
    return [row for values, part in parts for row in _rows_with_misfits(values, part, rows)]


def text(value: Any, node: Node) -> str:
    """PostgreSQL's text of a value as read (decimals as strings or bytes), as far as its record says what it was."""
    conversion = _conversion(node)
    if conversion is not None:
        return conversion.text(value, node)
    if node.kind == "array":
        return pgtext.array([None if part is None else text(part, node.items) for part in value])
    return value if isinstance(value, str) else to_json(value)


def _textual(series: pl.Series) -> pl.Series:
    """Decimals as strings: Python's have 28 digits where they are computed with."""

    def plain(kind: Any) -> Any:
        if isinstance(kind, pl.Decimal):
            return pl.String()
        if isinstance(kind, pl.List):
            return pl.List(plain(kind.inner))
        if isinstance(kind, pl.Struct):
            return pl.Struct({field.name: plain(field.dtype) for field in kind.fields})
        return kind

    to = plain(series.dtype)
    return series if to == series.dtype else series.cast(to)


def _changes(node: Node) -> bool:
    if _conversion(node) is not None or node.kind == "null":
        return True
    if node.kind == "array":
        return _changes(node.items)
    return node.kind == "record" and any(_changes(field) for _, field in node.fields)


@dataclass(frozen=True, slots=True)
class _Conversion:
    """The written type; values as read to values as written, null where there is none; the text of a value as read."""

    dtype: Any
    convert: Callable[[pl.Series, Node, _Misfits], pl.Series]
    text: Callable[[Any, Node], str]


def _conversion(node: Node) -> _Conversion | None:
    """How values are converted, or None where they are written as they are read (or part by part)."""
    meaning = node.meaning
    if node.kind == "enum":
        return _Conversion(pl.String(), _enum, lambda v, n: n.symbols[v] if 0 <= v < len(n.symbols) else str(v))
    if node.kind == "map":
        return _Conversion(pl.String(), _map, _map_text)
    if node.kind == "record":
        if not node.fields:  # Parquet has no struct without fields
            return _EMPTY
        return _VARIABLE_DECIMAL if meaning == VARIABLE_DECIMAL else None
    if node.precision and node.kind in ("bytes", "fixed"):
        to = pl.Decimal(node.precision, node.scale) if node.fits_decimal else pl.String()
        return _Conversion(to, _decimal, _decimal_text)
    if node.kind == "string" and meaning == _ZONED:
        return _ZONED_TIMESTAMP
    if node.kind == "string" and meaning == _INTERVAL:
        return _DEBEZIUM_INTERVAL
    if node.kind == "int" and meaning in _DATES:
        return _DATE
    if node.kind in ("int", "long") and meaning in _TIMES:
        return _TIME
    if node.kind == "long" and meaning in _TIMESTAMPS:
        return _Conversion(_TIMESTAMPS[meaning][1], _timestamp, _timestamp_text)
    return None


def _only(series: pl.Series, mask: pl.Series) -> pl.Series:
    """The values where ``mask`` is true, null elsewhere."""
    # By columns: a series of one value would become a literal, which panics where it is a decimal of too many digits.
    both = pl.DataFrame([series.alias("values"), mask.alias("mask")])
    return both.select(pl.when("mask").then("values")).to_series().alias(series.name)


def _struct(series: pl.Series, node: Node, misfits: _Misfits) -> pl.Series:
    raw = series.struct.unnest()
    parts = [
        pl.Series(name, [None] * raw.height, dtype=pl.String)
        if field.kind == "null"
        else _converted(raw.get_column(name), field, misfits).alias(name)
        for name, field in node.fields
    ]
    out = pl.DataFrame(parts).to_struct(series.name)
    return _only(out, series.is_not_null()) if series.null_count() else out


# --- what is written as text


def _enum(series: pl.Series, node: Node, _: _Misfits) -> pl.Series:
    inside = (series >= 0) & (series < len(node.symbols))
    if not inside.all():
        series = _only(series, inside)
    return pl.Series(node.symbols, dtype=pl.String).gather(series.cast(pl.UInt32)).alias(series.name)


def _empty(series: pl.Series, _: Node, __: _Misfits) -> pl.Series:
    return pl.Series(series.name, [None if value is None else "{}" for value in series.to_list()], dtype=pl.String)


def _interval(series: pl.Series, node: Node, _: _Misfits) -> pl.Series:
    if not series.str.contains(_CUT_OFF.pattern).any():
        return series
    texts = [None if value is None else _interval_text(value, node) for value in series.to_list()]
    return pl.Series(series.name, texts, dtype=pl.String)


def _interval_text(value: str, _: Node) -> str:
    """Debezium cuts the seconds of an interval off at nine digits of a double: 1.211607 s comes as 1.211606999.

    PostgreSQL has microseconds, so the value that it had is the nearest one of six digits. Seconds below 60 are so
    close to it that nothing else ends so; other nanoseconds are those of another source, and stay.
    """

    def rounded(found: re.Match[str]) -> str:
        return f"{Decimal(found[1]):.6f}".rstrip("0").rstrip(".") + "S"

    return _CUT_OFF.sub(rounded, value)


def _map(series: pl.Series, node: Node, misfits: _Misfits) -> pl.Series:
    if _changes(node.items):
        _converted(series.explode().struct.field("value"), node.items, misfits)  # counts them
        # From what was read: Python has no date before the year 1 or after 9999.
        out = _texts_of_maps(_textual(series), lambda entries: _map_text(entries, node))
    else:
        out = _texts_of_maps(series, lambda entries: to_json({e["key"]: e["value"] for e in entries}))
    return pl.Series(series.name, out, dtype=pl.String)


ENTRIES = 20_000
"""Entries of maps that are Python objects at a time: each takes some 400 bytes."""


def _texts_of_maps(series: pl.Series, text_of: Callable[[list[dict[str, Any]]], str]) -> list[str | None]:
    """The JSON of each map, of so many at a time as have few entries together."""
    lengths = [length or 0 for length in series.list.len().to_list()]
    out: list[str | None] = []
    begin = 0
    while begin < len(lengths):
        end, count = begin + 1, lengths[begin]
        while end < len(lengths) and count + lengths[end] <= ENTRIES:
            count += lengths[end]
            end += 1
        part = series.slice(begin, end - begin)
        if count > ENTRIES:  # one map
            out.append(_text_of_long_map(part.explode(), text_of))
        else:
            out += [None if entries is None else text_of(entries) for entries in part.to_list()]
        begin = end
    return out


def _text_of_long_map(entries: pl.Series, text_of: Callable[[list[dict[str, Any]]], str]) -> str:
    if entries.struct.field("key").n_unique() < len(entries):  # the last one of a key counts
        return text_of(entries.to_list())
    parts = (entries.slice(begin, ENTRIES).to_list() for begin in range(0, len(entries), ENTRIES))
    return "{" + ",".join(text_of(part)[1:-1] for part in parts) + "}"


def _map_text(entries: list[dict[str, Any]], node: Node) -> str:
    return to_json({e["key"]: _within_json(e["value"], node.items) for e in entries})


def _within_json(value: Any, node: Node) -> Any:
    """A part of JSON for a value as read: itself, or its text where it means something else."""
    if value is None:
        return None
    if node.kind == "record" and node.meaning != VARIABLE_DECIMAL:
        return {name: _within_json(value.get(name), field) for name, field in node.fields}
    if node.kind == "array":
        return [_within_json(part, node.items) for part in value]
    conversion = _conversion(node)
    return value if conversion is None else conversion.text(value, node)


def to_json(value: Any) -> str:
    """Compact JSON; bytes as base64, numbers that JSON does not have and other types as their text."""
    try:
        return _dumps(value, allow_nan=False)
    except ValueError:
        return _dumps(_finite(value))


_dumps = partial(
    json.dumps,
    separators=(",", ":"),
    ensure_ascii=False,
    default=lambda value: base64.b64encode(value).decode() if isinstance(value, bytes) else str(value),
)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list) else value


# --- decimals

_MOST_DIGITS = 150_000
"""PostgreSQL's numeric has at most 131,072 digits before and 16,383 after the point."""
_GREATEST_SCALE = 1000
"""Of a numeric(p, s). A negative one comes from Debezium as 2048 + s."""


def _variable_decimal(series: pl.Series, _: Node, __: _Misfits) -> pl.Series:
    scales, values = series.struct.field("scale").to_list(), series.struct.field("value").to_list()
    texts = [
        None if v is None or s is None or abs(s) > _MOST_DIGITS else pgtext.decimal(v, s)
        for s, v in zip(scales, values, strict=True)
    ]
    return pl.Series(series.name, texts, dtype=pl.String)


def _variable_decimal_text(value: dict[str, Any], _: Node) -> str:
    return to_json(value) if None in value.values() else f"{pgtext.decimal(value['value'], 0)}e{-value['scale']}"


def _decimal(series: pl.Series, node: Node, _: _Misfits) -> pl.Series:
    if series.dtype == pl.Binary:
        texts = [None if value is None else _decimal_text(value, node) for value in series.to_list()]
        out = pl.Series(series.name, texts, dtype=pl.String)
        return out.cast(pl.Decimal(node.precision, node.scale), strict=False) if node.fits_decimal else out
    unscaled, bound = series.to_physical(), 10**node.precision
    lowest, highest = unscaled.min(), unscaled.max()
    if highest is not None and (highest >= bound or lowest <= -bound):
        return _only(series, (unscaled < bound) & (unscaled > -bound))
    return series


def _decimal_text(value: str | bytes, node: Node) -> str:
    if isinstance(value, str):
        return value
    out = pgtext.decimal(value, node.scale)
    return out.rstrip("0").rstrip(".") if node.scale > _GREATEST_SCALE else out


# --- dates and times

_ISO = re.compile(r"([+-]?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d))")
_MOST_BYTES_OF_MICROS = len("2024-01-01T00:00:00.000000Z")


def _zoned(series: pl.Series, _: Node, __: _Misfits) -> pl.Series:
    out = _instants(series, "%Y-%m-%dT%H:%M:%S.%6fZ")  # what Debezium sends; a third of the other's time
    if out.null_count() == series.null_count():
        return out
    out = _instants(series, "%Y-%m-%dT%H:%M:%S%.fZ")
    if out.null_count() == series.null_count() and (series.str.len_bytes().max() or 0) <= _MOST_BYTES_OF_MICROS:
        return out
    micros = out.to_physical().to_list()
    for i, value in enumerate(series.to_list()):
        if value is not None and (micros[i] is None or len(value) > _MOST_BYTES_OF_MICROS):
            found = iso_micros(value)
            micros[i] = found if found is not None and pgtext.FIRST_MICROS <= found < MAX_MICROS else None
    return pl.Series(series.name, micros, dtype=pl.Int64).cast(UTC_MICROS)


def _instants(series: pl.Series, form: str) -> pl.Series:
    return series.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False, cache=False)


def _zoned_text(value: str, _: Node) -> str:
    micros = iso_micros(value)
    if micros is None:
        return value
    if micros > pgtext.LAST_MICROS:
        return "infinity"
    return "-infinity" if micros < pgtext.FIRST_MICROS else pgtext.timestamp(micros, "+00")


def iso_micros(text: str) -> int | None:
    """Microseconds since the epoch of an ISO 8601 instant of any year; None of other text, or of fractions of them."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute = (int(match[i]) for i in range(1, 6))
    second, fraction = int(match[6] or 0), (match[7] or "").ljust(9, "0")
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59 and second <= 60):
        return None
    days = pgtext.days_of(year, month, day)
    if pgtext.civil_of(days) != (year, month, day) or fraction[6:] != "000":
        return None
    offset = (int(match[9]) * 60 + int(match[10])) * (-1 if match[8] == "-" else 1) if match[8] else 0
    return ((days * 24 + hour) * 3600 + (minute - offset) * 60 + second) * 1_000_000 + int(fraction[:6])


def _date(series: pl.Series, _: Node, __: _Misfits) -> pl.Series:
    lowest, highest = series.min(), series.max()
    if highest is not None and (lowest < pgtext.FIRST_DAY or highest > pgtext.LAST_DAY):
        series = _only(series, series.is_between(pgtext.FIRST_DAY, pgtext.LAST_DAY))
    return series.cast(pl.Date)


def _date_text(days: int, _: Node) -> str:
    if pgtext.FIRST_DAY <= days <= pgtext.LAST_DAY:
        return pgtext.date(days)
    return "infinity" if days == PG_INFINITY_DAY else str(days)


def _time(series: pl.Series, node: Node, _: _Misfits) -> pl.Series:
    factor = _TIMES[node.meaning or ""]
    lowest, highest = series.min(), series.max()
    if highest is not None and (lowest < 0 or highest >= NS_PER_DAY // factor):
        series = _only(series, (series >= 0) & (series < NS_PER_DAY // factor))
    return (series.cast(pl.Int64) * factor).cast(pl.Time)


def _time_text(value: int, node: Node) -> str:
    nanos = value * _TIMES[node.meaning or ""]
    if not 0 <= nanos <= NS_PER_DAY:
        return str(value)
    rest = f"{nanos % 1_000_000_000:09d}" if nanos % 1000 else ""
    return f"{pgtext.time(nanos // 1_000_000_000 * 1_000_000)}.{rest}" if rest else pgtext.time(nanos // 1000)


def _timestamp(series: pl.Series, node: Node, _: _Misfits) -> pl.Series:
    unit, to = _TIMESTAMPS[node.meaning or ""]
    if unit == "ns":  # 64 bits of them lie within PostgreSQL's years
        return (_only(series, series % 1000 == 0) // 1000).cast(to)
    factor = _NANOS[unit] // 1000
    first, last = pgtext.FIRST_MICROS // factor, (MAX_MICROS - 1) // factor
    lowest, highest = series.min(), series.max()
    if highest is not None and (lowest < first or highest >= min(last, PG_INFINITY)):
        series = _only(series, series.is_between(first, last) & (series != PG_INFINITY))
    return (series * factor if factor > 1 else series).cast(to)


def _timestamp_text(value: int, node: Node) -> str:
    unit, to = _TIMESTAMPS[node.meaning or ""]
    if unit != "ns" and value in (PG_INFINITY, PG_MINUS_INFINITY):
        return "infinity" if value > 0 else "-infinity"
    micros, rest = divmod(value * _NANOS[unit], 1000)
    if rest or not pgtext.FIRST_MICROS <= micros <= pgtext.LAST_MICROS:
        return str(value)
    return pgtext.timestamp(micros, "+00" if to == UTC_MICROS else "")


_EMPTY = _Conversion(pl.String(), _empty, lambda _, __: "{}")
_VARIABLE_DECIMAL = _Conversion(pl.String(), _variable_decimal, _variable_decimal_text)
_ZONED_TIMESTAMP = _Conversion(UTC_MICROS, _zoned, _zoned_text)
_DEBEZIUM_INTERVAL = _Conversion(pl.String(), _interval, _interval_text)
_DATE = _Conversion(pl.Date(), _date, _date_text)
_TIME = _Conversion(pl.Time(), _time, _time_text)
