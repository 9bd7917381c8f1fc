"""PostgreSQL's text of values as they are read from Parquet.

Dates and timestamps come as days and microseconds since 1970-01-01, since Python's own have no years before 1 and
after 9999.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

_DAY = 86_400_000_000
# The calendar repeats itself after so many days, which are 400 years.
_CYCLE = 146_097
_EPOCH = date(1970, 1, 1)
_PLAIN = re.compile(r'[^\s{}",\\]+')


def decimal(value: Decimal | str) -> str:
    """Without an exponent."""
    return format(value, "f") if isinstance(value, Decimal) else value


def boolean(value: bool) -> str:
    """Of one letter."""
    return "t" if value else "f"


def number(value: float) -> str:
    """Of 64 bits."""
    text = repr(value).removesuffix(".0").replace("inf", "Infinity")
    return "NaN" if text == "nan" else text


def binary(value: bytes) -> str:
    """As bytea_output hex has it."""
    return "\\x" + value.hex()


def bits(length: int) -> Callable[[bytes], str]:
    """Of a string of so many bits: Debezium's first byte has the last ones."""
    return lambda value: format(int.from_bytes(value, "little"), f"0{length}b")


def day(days: int) -> str:
    """A date."""
    text, era = _civil(days)
    return text + era


def moment(micros: int) -> str:
    """A timestamp without a zone."""
    days, rest = divmod(micros, _DAY)
    text, era = _civil(days)
    return f"{text} {clock(rest)}{era}"


def instant(micros: int) -> str:
    """A timestamp in UTC."""
    days, rest = divmod(micros, _DAY)
    text, era = _civil(days)
    return f"{text} {clock(rest)}+00{era}"


def clock(value: int | time) -> str:
    """A time of the day, or so many microseconds of it."""
    if isinstance(value, time):
        value = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    seconds, micros = divmod(value, 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{micros:06}".rstrip("0") if micros else text


def point(value: dict[str, Any]) -> str:
    """Of Debezium's struct."""
    return f"({number(value['x'])},{number(value['y'])})"


def polygon(value: dict[str, Any]) -> str:
    """Of Debezium's struct, whose well-known binary has one ring, and in it the first point once more at the end."""
    numbers = [each for (each,) in struct.iter_unpack("<d", value["wkb"][13:])]
    points = zip(numbers[0:-2:2], numbers[1:-2:2], strict=True)
    return "(" + ",".join(f"({number(x)},{number(y)})" for x, y in points) + ")"


def array(item: Callable[[Any], str]) -> Callable[[Sequence[Any]], str]:
    """A list whose items have a text of their own."""

    def text(values: Sequence[Any]) -> str:
        return "{" + ",".join("NULL" if value is None else _quoted(item(value)) for value in values) + "}"

    return text


def plain_instant(value: datetime) -> str:
    """A timestamp in UTC, of the years that Python has."""
    return instant((value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.upper() != "NULL":
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _civil(days: int) -> tuple[str, str]:
    """A day, and how PostgreSQL marks a year before the first."""
    cycles, rest = divmod(days, _CYCLE)
    found = _EPOCH + timedelta(days=rest)
    year = found.year + 400 * cycles
    return f"{1 - year if year < 1 else year:04}-{found:%m-%d}", " BC" if year < 1 else ""
