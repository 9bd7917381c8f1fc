"""The text by which PostgreSQL prints a value, with DateStyle ISO and the time zone UTC."""

from __future__ import annotations

import re
from decimal import Decimal

DAY_MICROS = 86_400_000_000
FIRST_DAY, LAST_DAY = -2_440_588, 2_145_042_905
"""PostgreSQL's dates, 4714-11-24 BC to 5874897-12-31, as days since 1970-01-01."""
FIRST_MICROS, LAST_MICROS = FIRST_DAY * DAY_MICROS, 9_224_318_015_999_999_999
"""PostgreSQL's timestamps, 4714-11-24 BC to 294276-12-31 23:59:59.999999, as microseconds since 1970-01-01."""

_PLAIN_ELEMENT = re.compile(r'[^\s{}",\\]+')


def days_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono date algorithms")."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def civil_of(days: int) -> tuple[int, int, int]:
    """Inverse of `days_of`: year (0 is 1 BC), month, day."""
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    part = (5 * of_year + 2) // 153
    month = part + 3 if part < 10 else part - 9
    return era * 400 + year + (month <= 2), month, of_year - (153 * part + 2) // 5 + 1


def date(days: int) -> str:
    """A date, such as ``0044-03-15 BC``."""
    text, era = _date(days)
    return text + era


def _date(days: int) -> tuple[str, str]:
    year, month, day = civil_of(days)
    return f"{year if year > 0 else 1 - year:04d}-{month:02d}-{day:02d}", "" if year > 0 else " BC"


def time(micros: int) -> str:
    """Microseconds since midnight, up to ``24:00:00``."""
    seconds, fraction = divmod(micros, 1_000_000)
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"
    return f"{text}.{fraction:06d}".rstrip("0") if fraction else text


def timestamp(micros: int, zone: str = "") -> str:
    """Microseconds since 1970-01-01. ``zone``: ``+00`` with time zone."""
    days, rest = divmod(micros, DAY_MICROS)
    text, era = _date(days)
    return f"{text} {time(rest)}{zone}{era}"


def decimal(unscaled: bytes, scale: int) -> str:
    """The number ``unscaled`` (two's complement, big-endian) times 10 to the power of -``scale``."""
    number = int.from_bytes(unscaled, "big", signed=True)
    # Decimal has the digits of any integer, where str refuses long ones; its other operations have limits.
    sign, digits = "-" if number < 0 else "", format(Decimal(abs(number)), "f")
    if scale <= 0:
        return sign + digits + "0" * -scale if number else digits
    digits = digits.zfill(scale + 1)
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def array(elements: list[str | None]) -> str:
    """An array of elements' texts; those of nested arrays stand as they are."""
    return "{" + ",".join(_element(each) for each in elements) + "}"


def _element(text: str | None) -> str:
    if text is None:
        return "NULL"
    if text.startswith("{") or (_PLAIN_ELEMENT.fullmatch(text) and text.upper() != "NULL"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
