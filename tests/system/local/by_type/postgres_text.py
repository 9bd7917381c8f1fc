# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""PostgreSQL's text of a value as a number that can be compared. All raise `ValueError` where there is none."""

from __future__ import annotations

import re
from decimal import Decimal

_DATE = re.compile(r"(\d{4,})-(\d\d)-(\d\d)")
_CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_ZONE = re.compile(r"([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?")
_HOURS = re.compile(r"([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?$")
_ISO = re.compile(r"P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?\d+(?:\.\d+)?)S)?)?")
_UNITS = {"year": (12, 0), "mon": (1, 0), "day": (0, 1)}


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not as PostgreSQL writes it")
    return found


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01, in the Gregorian calendar of all times; year 0 is 1 BC."""
    before = year - 1
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    months = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
    since = 365 * before + before // 4 - before // 100 + before // 400
    return since + months[month - 1] + (leap and month > 2) + day - 1 - 719_162


def _micros(hours: str, minutes: str, seconds: str, fraction: str | None) -> int:
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1_000_000 + int((fraction or "").ljust(6, "0"))


def _zone_seconds(text: str) -> int:
    sign, hours, minutes, seconds = _match(_ZONE, text).groups()
    away = (int(hours) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    return -away if sign == "-" else away


def date(text: str) -> int:
    """Days since 1970-01-01."""
    text, _other, era = text.partition(" ")
    year, month, day = (int(part) for part in _match(_DATE, text).groups())
    return _days(1 - year if era == "BC" else year, month, day)


def time(text: str) -> int:
    """Microseconds of the day; 24:00:00 is all of them."""
    return _micros(*_match(_CLOCK, text).groups())


def zoned_time(text: str) -> tuple[int, int]:
    """Microseconds of the day where it is, and seconds by which it is ahead of UTC, which Z is too."""
    at = min((text.find(sign) for sign in "+-Z" if sign in text), default=len(text))
    clock = text[:at] + (":00" if text[:at].count(":") == 1 else "")
    return time(clock), 0 if text[at:] == "Z" else _zone_seconds(text[at:])


def timestamp(text: str) -> int:
    """Microseconds since 1970-01-01, in UTC where there is a zone."""
    parts = text.split(" ")
    era = parts.pop() if parts[-1] == "BC" else ""
    day, clock = parts
    at = max(clock.find("+"), clock.find("-"))
    away = 0
    if at > 0:
        clock, away = clock[:at], _zone_seconds(clock[at:])
    return (date(f"{day} {era}".strip()) * 86_400 - away) * 1_000_000 + time(clock)


def interval(text: str) -> tuple[int, int, int]:
    """Months, days and microseconds, by PostgreSQL's own style or ISO 8601's."""
    if text.startswith("P"):
        years, months, days, hours, minutes, seconds = (Decimal(part or 0) for part in _match(_ISO, text).groups())
        micros = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000
        if micros != int(micros):
            raise ValueError(f"{text!r} is finer than a microsecond")
        return int(years * 12 + months), int(days), int(micros)
    months = days = micros = 0
    words = text.split(" ")
    while words:
        clock = _HOURS.match(words[0])
        if clock:
            sign, *parts = clock.groups()
            micros = _micros(*parts) * (-1 if sign == "-" else 1)
            words = words[1:]
        else:
            factor = _UNITS[words[1].removesuffix("s")]
            months, days = months + int(words[0]) * factor[0], days + int(words[0]) * factor[1]
            words = words[2:]
    return months, days, micros


def money(text: str) -> Decimal:
    """Of locale C, such as -$1,234.50."""
    return Decimal(text.replace("$", "").replace(",", ""))


def array(text: str, delimiter: str) -> list[str | None] | None:
    """Elements of an array of one dimension that begins at 1, or of none; None of any other."""
    if not text.startswith("{") or not text.endswith("}"):
        return None
    found: list[str | None] = []
    at, inner = 1, len(text) - 1
    while at < inner:
        if text[at] == "{":
            return None
        if text[at] == '"':
            at += 1
            parts = []
            while text[at] != '"':
                at += text[at] == "\\"
                parts.append(text[at])
                at += 1
            found.append("".join(parts))
            at += 1
        else:
            end = text.find(delimiter, at)
            end = inner if end < 0 else end
            found.append(None if text[at:end].upper() == "NULL" else text[at:end].replace("\\", ""))
            at = end
        if at < inner:
            if text[at] != delimiter:
                raise ValueError(f"{text[:80]!r} is no array")
            at += 1
    return found
