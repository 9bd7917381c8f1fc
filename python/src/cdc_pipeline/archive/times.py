"""Dates, times, timestamps and intervals."""

from __future__ import annotations

import re
from decimal import Decimal

import polars as pl

from cdc_pipeline.archive import pgtext
from cdc_pipeline.archive.avro_schema import Node
from cdc_pipeline.archive.conversion import Conversion, Misfits, only

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
_ISO = re.compile(r"([+-]?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d))")
_MOST_BYTES_OF_MICROS = len("2024-01-01T00:00:00.000000Z")


def conversion(node: Node) -> Conversion | None:
    """How the values of a type of this file are converted; None of other types."""
    meaning = node.meaning
    if node.kind == "string" and meaning == _ZONED:
        return _ZONED_TIMESTAMP
    if node.kind == "string" and meaning == _INTERVAL:
        return _DEBEZIUM_INTERVAL
    if node.kind == "int" and meaning in _DATES:
        return _DATE
    if node.kind in ("int", "long") and meaning in _TIMES:
        return _TIME
    if node.kind == "long" and meaning in _TIMESTAMPS:
        return Conversion(_TIMESTAMPS[meaning][1], _timestamp, _timestamp_text)
    return None


def _zoned(series: pl.Series, _: Node, __: Misfits) -> pl.Series:
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


def _date(series: pl.Series, _: Node, __: Misfits) -> pl.Series:
    lowest, highest = series.min(), series.max()
    if highest is not None and (lowest < pgtext.FIRST_DAY or highest > pgtext.LAST_DAY):
        series = only(series, series.is_between(pgtext.FIRST_DAY, pgtext.LAST_DAY))
    return series.cast(pl.Date)


def _date_text(days: int, _: Node) -> str:
    if pgtext.FIRST_DAY <= days <= pgtext.LAST_DAY:
        return pgtext.date(days)
    return "infinity" if days == PG_INFINITY_DAY else str(days)


def _time(series: pl.Series, node: Node, _: Misfits) -> pl.Series:
    factor = _TIMES[node.meaning or ""]
    lowest, highest = series.min(), series.max()
    if highest is not None and (lowest < 0 or highest >= NS_PER_DAY // factor):
        series = only(series, (series >= 0) & (series < NS_PER_DAY // factor))
    return (series.cast(pl.Int64) * factor).cast(pl.Time)


def _time_text(value: int, node: Node) -> str:
    nanos = value * _TIMES[node.meaning or ""]
    if not 0 <= nanos <= NS_PER_DAY:
        return str(value)
    rest = f"{nanos % 1_000_000_000:09d}" if nanos % 1000 else ""
    return f"{pgtext.time(nanos // 1_000_000_000 * 1_000_000)}.{rest}" if rest else pgtext.time(nanos // 1000)


def _timestamp(series: pl.Series, node: Node, _: Misfits) -> pl.Series:
    unit, to = _TIMESTAMPS[node.meaning or ""]
    if unit == "ns":  # 64 bits of them lie within PostgreSQL's years
        return (only(series, series % 1000 == 0) // 1000).cast(to)
    factor = _NANOS[unit] // 1000
    first, last = pgtext.FIRST_MICROS // factor, (MAX_MICROS - 1) // factor
    lowest, highest = series.min(), series.max()
    if highest is not None and (lowest < first or highest >= min(last, PG_INFINITY)):
        series = only(series, series.is_between(first, last) & (series != PG_INFINITY))
    return (series * factor if factor > 1 else series).cast(to)


def _timestamp_text(value: int, node: Node) -> str:
    unit, to = _TIMESTAMPS[node.meaning or ""]
    if unit != "ns" and value in (PG_INFINITY, PG_MINUS_INFINITY):
        return "infinity" if value > 0 else "-infinity"
    micros, rest = divmod(value * _NANOS[unit], 1000)
    if rest or not pgtext.FIRST_MICROS <= micros <= pgtext.LAST_MICROS:
        return str(value)
    return pgtext.timestamp(micros, "+00" if to == UTC_MICROS else "")


def _interval(series: pl.Series, node: Node, _: Misfits) -> pl.Series:
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


_ZONED_TIMESTAMP = Conversion(UTC_MICROS, _zoned, _zoned_text)
_DEBEZIUM_INTERVAL = Conversion(pl.String(), _interval, _interval_text)
_DATE = Conversion(pl.Date(), _date, _date_text)
_TIME = Conversion(pl.Time(), _time, _time_text)
