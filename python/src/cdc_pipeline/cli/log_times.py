"""When a line of a log was written, as PostgreSQL, Java, SeaweedFS, supervisord and our own services write it."""

from __future__ import annotations

import datetime as dt
import re

# Year, month, day and time, with T or a blank between them, and a zone where the line has one. Our services write JSON.
_FULL = re.compile(
    r'(?:\{"time": ")?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,6}))? ?(Z|UTC\b|[+-]\d\d:?\d\d)?', re.ASCII
)
# SeaweedFS: a letter for the level, month and day, without the year.
_SHORT = re.compile(r"[IWEF](\d\d)(\d\d) (\d\d:\d\d:\d\d)\.(\d{6})", re.ASCII)
# A line of yesterday's is not of the next year, also where the clock of this program is a little behind.
_AHEAD = dt.timedelta(days=1)
_DURATION = re.compile(r"(\d+)([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def time_of(line: str, now: dt.datetime) -> dt.datetime | None:
    """When the line says that it was written; None where it begins with no time, as the lines of a stack trace do.

    Args:
        now: with a zone; the year where the line has none.
    """
    try:
        if found := _FULL.match(line):
            day, clock, fraction, zone = found.groups()
            zone = "+00:00" if zone in (None, "Z", "UTC") else zone
            return dt.datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0').ljust(6, '0')}{zone}")
        if found := _SHORT.match(line):
            month, day, clock, fraction = found.groups()
            at = dt.datetime.fromisoformat(f"{now.year}-{month}-{day}T{clock}.{fraction}+00:00")
            return at if at <= now + _AHEAD else at.replace(year=now.year - 1)
    except ValueError:  # no such day or hour
        pass
    return None


def since(text: str, now: dt.datetime) -> dt.datetime:
    """The time that a user means by ``10m``, ``2h``, ``3d`` before now, or by a date and time, in UTC without a zone.

    Args:
        now: with a zone.

    Raises:
        ValueError: the text is neither.
    """
    if found := _DURATION.fullmatch(text):
        try:
            return now - dt.timedelta(**{_UNITS[found[2]]: int(found[1])})
        except OverflowError:
            return dt.datetime.min.replace(tzinfo=dt.UTC)
    at = dt.datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
