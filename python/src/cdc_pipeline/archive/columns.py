"""Columns as they were read become columns of their meaning: what ``connect.name`` says a long, string or struct is.

==========================================  ==================================  =====================================
meaning                                     on the wire                         in the object
==========================================  ==================================  =====================================
io.debezium.time.ZonedTimestamp             string                              timestamp, microseconds, UTC
io.debezium.time.{,Micro,Nano}Timestamp     long                                timestamp, microseconds, no zone
io.debezium.time.Date                       int                                 date
io.debezium.time.{,Micro,Nano}Time          int, long                           time
io.debezium.time.ZonedTime, ...             string                              string
io.debezium.time.Interval                   string, nanoseconds cut off         string, microseconds
io.debezium.time.MicroDuration              long                                64-bit integer, microseconds
org.apache.kafka.connect.data.Decimal       bytes, decimal(p, s)                decimal(p, s); string where p > 38
io.debezium.data.VariableScaleDecimal       struct(scale, value)                string
io.debezium.data.{Json,Uuid,Xml,Enum,...}   string                              string
enum                                        index                               string
map (hstore)                                entries                             string, JSON
array                                       array                               list
bytes, fixed                                bytes                               binary
other records                               record                              struct
==========================================  ==================================  =====================================

PostgreSQL's infinite timestamps become the greatest and least 64-bit microseconds, which DuckDB reads as ``infinity``.
A value without a representation (``time`` 24:00:00, text that is no timestamp) raises `MalformedError`, never null.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

import polars as pl

from cdc_pipeline.archive.avro_schema import WIDEST_DECIMAL, Node
from cdc_pipeline.archive.errors import MalformedError

UTC_MICROS = pl.Datetime("us", "UTC")
MICROS = pl.Datetime("us")
MAX_MICROS = 2**63 - 1
PG_INFINITY = 9223372036825200000
PG_MINUS_INFINITY = -9223372036832400000
"""What the PostgreSQL driver, and so Debezium, uses for infinite timestamps (org.postgresql.PGStatement)."""
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
_FINER_THAN_MICROS = re.compile(r"(-?\d+\.\d{7,})S$")
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


def raw_dtype(node: Node) -> Any:
    """The Polars type in which the values of ``node`` are read."""
    if node.kind == "record":
        return pl.Struct({name: raw_dtype(field) for name, field in node.fields if field.kind != "null"})
    if node.kind == "array":
        return pl.List(raw_dtype(node.items))
    if node.kind == "map":
        return pl.List(pl.Struct({"key": pl.String(), "value": raw_dtype(node.items)}))
    if node.kind == "bytes" and 0 < node.precision <= WIDEST_DECIMAL:
        return pl.Decimal(node.precision, node.scale)
    return _PLAIN[node.kind]


def dtype(node: Node) -> Any:
    """The Polars type in which they are written."""
    conversion = _conversion(node)
    if conversion is not None:
        return conversion[0]
    if node.kind == "record":
        return pl.Struct({name: dtype(field) for name, field in node.fields})
    if node.kind == "array":
        return pl.List(dtype(node.items))
    return raw_dtype(node)


def convert(series: pl.Series, node: Node) -> pl.Series:
    """Values as read to values as written.

    Raises:
        MalformedError: a value that is not null has no representation.
    """
    conversion = _conversion(node)
    if conversion is not None:
        return conversion[1](series, node)
    if node.kind == "array" and _changes(node.items):
        inner = node.items
        return series.list.eval(pl.element().map_batches(lambda s: convert(s, inner), return_dtype=dtype(inner)))
    if node.kind == "record" and _changes(node):
        return _struct(series, node)
    return series


def frame(raw: pl.DataFrame, node: Node) -> pl.DataFrame:
    """The columns of a record type, converted and in the schema's order. Other columns of ``raw`` are dropped.

    Raises:
        MalformedError: as `convert`.
    """
    columns = []
    for name, field in node.fields:
        if field.kind == "null":
            columns.append(pl.Series(name, [None] * raw.height, dtype=pl.String))
        else:
            columns.append(convert(raw.get_column(name), field).alias(name))
    return pl.DataFrame(columns)


def schema(node: Node) -> dict[str, Any]:
    """Column names and types of a record type."""
    return {name: dtype(field) for name, field in node.fields}


def _changes(node: Node) -> bool:
    if _conversion(node) is not None or node.kind == "null":
        return True
    if node.kind == "array":
        return _changes(node.items)
    return node.kind == "record" and any(_changes(field) for _, field in node.fields)


_Conversion = tuple[Any, Callable[[pl.Series, Node], pl.Series]]


def _conversion(node: Node) -> _Conversion | None:
    """Written type and function, or None where values are written as they are read (or part by part)."""
    meaning = node.meaning
    if node.kind == "enum":
        return pl.String(), _enum
    if node.kind == "map":
        return pl.String(), _map
    if node.kind == "record":
        return (pl.String(), _variable_decimal) if meaning == VARIABLE_DECIMAL else None
    if node.precision and (node.kind == "fixed" or node.precision > WIDEST_DECIMAL):
        wide = node.precision > WIDEST_DECIMAL
        return (pl.String() if wide else pl.Decimal(node.precision, node.scale)), _wide_decimal
    if node.kind == "string" and meaning == _ZONED:
        return UTC_MICROS, _zoned
    if node.kind == "string" and meaning == _INTERVAL:
        return pl.String(), _interval
    if node.kind == "int" and meaning in _DATES:
        return pl.Date(), lambda s, _: s.cast(pl.Date)
    if node.kind in ("int", "long") and meaning in _TIMES:
        return pl.Time(), _time
    if node.kind == "long" and meaning in _TIMESTAMPS:
        return _TIMESTAMPS[meaning][1], _timestamp
    return None


def _struct(series: pl.Series, node: Node) -> pl.Series:
    parts = frame(series.struct.unnest(), node).to_struct(series.name)
    if not series.null_count():
        return parts
    return pl.select(pl.when(series.is_not_null()).then(parts)).to_series().alias(series.name)


def _enum(series: pl.Series, node: Node) -> pl.Series:
    if ((series < 0) | (series >= len(node.symbols))).any():
        raise MalformedError("an enum index is out of range")
    return pl.Series(node.symbols, dtype=pl.String).gather(series.cast(pl.UInt32)).alias(series.name)


def _interval(series: pl.Series, _: Node) -> pl.Series:
    """Debezium cuts the seconds of an interval off at nine digits of a double: 1.211607 s comes as 1.211606999.

    PostgreSQL has microseconds, so the value that it had is the nearest one of six digits.
    """
    if not series.str.contains(_FINER_THAN_MICROS.pattern).any():
        return series

    def rounded(found: re.Match[str]) -> str:
        return f"{Decimal(found[1]):.6f}".rstrip("0").rstrip(".") + "S"

    texts = [text if text is None else _FINER_THAN_MICROS.sub(rounded, text) for text in series.to_list()]
    return pl.Series(series.name, texts, dtype=pl.String)


def _map(series: pl.Series, node: Node) -> pl.Series:
    values = convert(series.explode().struct.field("value"), node.items).to_list()
    out, at = [], 0
    for entries in series.to_list():
        if entries is None:
            out.append(None)
            at += 1
            continue
        out.append(to_json({e["key"]: values[at + i] for i, e in enumerate(entries)}))
        at += max(len(entries), 1)
    return pl.Series(series.name, out, dtype=pl.String)


def to_json(value: Any) -> str:
    """Compact JSON; bytes as base64, other types as their text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_json_default)


def _json_default(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _decimal_text(unscaled: bytes, scale: int) -> str:
    return format(Decimal(int.from_bytes(unscaled, "big", signed=True)).scaleb(-scale, _EXACT), "f")


_EXACT = Context(prec=200_000, Emax=10**9, Emin=-(10**9))
_MOST_DIGITS = 150_000
"""PostgreSQL's numeric has at most 131,072 digits before and 16,383 after the point."""


def _variable_decimal(series: pl.Series, _: Node) -> pl.Series:
    scales, values = series.struct.field("scale").to_list(), series.struct.field("value").to_list()
    if any(s is not None and abs(s) > _MOST_DIGITS for s in scales):
        raise MalformedError("a decimal's scale is out of range")
    texts = [None if v is None or s is None else _decimal_text(v, s) for s, v in zip(scales, values, strict=True)]
    return pl.Series(series.name, texts, dtype=pl.String)


def _wide_decimal(series: pl.Series, node: Node) -> pl.Series:
    texts = [None if v is None else _decimal_text(v, node.scale) for v in series.to_list()]
    if node.precision > WIDEST_DECIMAL:
        return pl.Series(series.name, texts, dtype=pl.String)
    return pl.Series(series.name, texts, dtype=pl.String).cast(pl.Decimal(node.precision, node.scale))


_ISO = re.compile(r"([+-]?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d))")


def _zoned(series: pl.Series, _: Node) -> pl.Series:
    out = series.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC", strict=False)
    if out.null_count() == series.null_count():
        return out
    micros = out.to_physical().to_list()
    for i, text in enumerate(series.to_list()):
        if text is not None and micros[i] is None:
            micros[i] = iso_micros(text)
    return pl.Series(series.name, micros, dtype=pl.Int64).cast(UTC_MICROS)


def iso_micros(text: str) -> int:
    """Microseconds since the epoch of an ISO 8601 instant of any year; beyond 64 bits it is an infinity.

    Raises:
        MalformedError: the text is no instant.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        raise MalformedError("a timestamp is not ISO 8601")
    year, month, day, hour, minute = (int(match[i]) for i in range(1, 6))
    second, fraction = int(match[6] or 0), int((match[7] or "").ljust(6, "0")[:6])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour <= 24 and minute <= 59 and second <= 60):
        raise MalformedError("a timestamp is out of range")
    offset = (int(match[9]) * 60 + int(match[10])) * (-1 if match[8] == "-" else 1) if match[8] else 0
    seconds = (_days(year, month, day) * 24 + hour) * 3600 + (minute - offset) * 60 + second
    micros = seconds * 1_000_000 + fraction
    return max(-MAX_MICROS, min(MAX_MICROS, micros))


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono date algorithms")."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _time(series: pl.Series, node: Node) -> pl.Series:
    nanos = series.cast(pl.Int64) * _TIMES[node.meaning or ""]
    if ((nanos < 0) | (nanos >= NS_PER_DAY)).any():
        raise MalformedError("a time is not within a day (24:00:00 has no representation in Parquet)")
    return nanos.cast(pl.Time)


def _timestamp(series: pl.Series, node: Node) -> pl.Series:
    unit, to = _TIMESTAMPS[node.meaning or ""]
    if unit == "ns":
        return (series // 1000).cast(to)
    lowest, highest = series.min(), series.max()
    if highest is not None and (highest >= PG_INFINITY or lowest <= PG_MINUS_INFINITY):
        values = series.to_list()
        series = pl.Series(series.name, [_finite(v, 1000 if unit == "ms" else 1) for v in values], dtype=pl.Int64)
    elif unit == "ms":
        if highest is not None and max(highest, -lowest) > MAX_MICROS // 1000:
            raise MalformedError("a timestamp is beyond 64-bit microseconds")
        series = series * 1000
    return series.cast(to)


def _finite(value: int | None, factor: int) -> int | None:
    if value is None:
        return None
    if value >= PG_INFINITY:
        return MAX_MICROS
    return -MAX_MICROS if value <= PG_MINUS_INFINITY else max(-MAX_MICROS, min(MAX_MICROS, value * factor))
