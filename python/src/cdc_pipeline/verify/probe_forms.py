"""The forms to which both ends bring a value of the probe table, so that equal means equal."""

from __future__ import annotations

import json
import math
import re
import struct
from datetime import time
from decimal import Decimal
from typing import Any

DAY = 86_400_000_000


def single(value: float) -> float | str:
    """A number as 32 bits hold it; NaN, which equals nothing, by its name."""
    return double(struct.unpack("<f", struct.pack("<f", value))[0])


def double(value: float) -> float | str:
    """A number; NaN, which equals nothing, by its name."""
    return "NaN" if math.isnan(value) else value


def document(text: str) -> tuple[Any]:
    """JSON without the order of keys and blanks, its numbers exact; wrapped, since its null is not SQL's."""
    return (json.loads(text, parse_float=Decimal, parse_int=Decimal),)


_INTERVAL = re.compile(r"^P(-?\d+)Y(-?\d+)M(-?\d+)DT(-?\d+)H(-?\d+)M(-?\d+(?:\.\d+)?)S$")


def interval(text: str) -> list[int]:
    """Months, days and microseconds of Debezium's text, such as P1Y2M3DT4H5M6.7S.

    Raises:
        ValueError: it is something else.
    """
    match = _INTERVAL.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not an interval")
    years, months, days, hours, minutes = (int(each) for each in match.groups()[:5])
    seconds = int(Decimal(match[6]) * 1_000_000)
    return [years * 12 + months, days, (hours * 60 + minutes) * 60_000_000 + seconds]


def clock(value: time) -> int:
    """Microseconds of the day, in UTC where there is a zone."""
    micros = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    away = value.utcoffset()
    return (micros - int(away.total_seconds() * 1_000_000)) % DAY if away is not None else micros


def zoned_clock(text: str) -> int:
    """Microseconds of the day, in UTC, of Debezium's text, such as 09:30:00.5Z."""
    return clock(time.fromisoformat(text))
