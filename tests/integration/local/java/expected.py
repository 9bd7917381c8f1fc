# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""PostgreSQL's texts and what records hold: whether one is the other. Shares nothing with the plugin or the archive."""

from __future__ import annotations

import json
import math
import re
import struct
from typing import Any

DAY = 86_400_000_000


def same(value: Any, schema: Any, text: str) -> bool:
    """Whether a value of an Avro schema is what PostgreSQL prints as ``text``."""
    if isinstance(schema, list):
        (schema,) = [item for item in schema if item != "null"]
    kind = schema if isinstance(schema, str) else schema["type"]
    # A record is declared once and then named.
    name = schema if isinstance(schema, str) else schema.get("connect.name", schema.get("name", ""))
    if kind == "array":
        items = elements(text)
        return len(items) == len(value) and all(
            (one is None) == (other is None) and (one is None or same(one, schema["items"], other))
            for one, other in zip(value, items, strict=True)
        )
    if name.endswith("Decimal") and kind == "bytes":
        return decimal(number(value), schema["scale"]) == text.replace("$", "").replace(",", "")
    if name.endswith("VariableScaleDecimal"):
        return decimal(number(value["value"]), value["scale"]) == text
    if name.endswith("Bits"):
        return format(int.from_bytes(bytes.fromhex(value["hex"]), "little"), f"0{len(text)}b") == text
    if "geometry." in name:
        # By their text, since NaN does not equal itself.
        printed = [float(part) for part in re.findall(r"-?(?:[\d.e+-]+\d|\d|Infinity)|NaN", text)]
        return [repr(one) for one in shape(value)] == [repr(one) for one in printed]
    if name.endswith("time.Date"):
        return date(value) == text
    if name.endswith("MicroTime"):
        return clock(value) == text
    if name.endswith("MicroTimestamp"):
        return timestamp(value) == text
    if name.endswith("time.Timestamp"):
        return timestamp(value * 1000) == text
    if name.endswith("ZonedTimestamp"):
        year, rest = re.fullmatch(r"([+-]?\d+)-(.*)Z", value).groups()
        day, time = rest.split("T")
        time = time.rstrip("0").rstrip(".") if "." in time else time
        return f"{era(int(year))[0]:04d}-{day} {time}+00{era(int(year))[1]}" == text
    if name.endswith("Interval"):
        return interval(value) == text
    if name.endswith("Json"):
        return value == text or (isinstance(json.loads(value), dict) and json.loads(value) == hstore(text))
    if kind in ("float", "double"):
        one, other = (float(part.replace("E", "e")) for part in (value, text))
        code = "f" if kind == "float" else "d"
        return (math.isnan(one) and math.isnan(other)) or struct.pack(code, one) == struct.pack(code, other)
    if kind == "bytes":
        return "\\x" + value["hex"] == text
    if kind == "boolean":
        return {"t": True, "f": False, "1": True, "0": False}[text] is value
    return str(value) == text


def number(value: dict[str, str]) -> int:
    return int.from_bytes(bytes.fromhex(value["hex"]), "big", signed=True)


def decimal(unscaled: int, scale: int) -> str:
    digits = str(abs(unscaled)).zfill(scale + 1)
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return f"-{text}" if unscaled < 0 else text


def era(year: int) -> tuple[int, str]:
    return (year, "") if year > 0 else (1 - year, " BC")


def civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a day since 1970, in the Gregorian calendar of all times (Hinnant's algorithm)."""
    shifted = days + 719_468
    age, day = divmod(shifted, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    return age * 400 + year + (month >= 10), month + 3 if month < 10 else month - 9, day - (153 * month + 2) // 5 + 1


def date(days: int) -> str:
    year, month, day = civil(days)
    return f"{era(year)[0]:04d}-{month:02d}-{day:02d}{era(year)[1]}"


def clock(micros: int) -> str:
    seconds, micros = divmod(micros, 1_000_000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return text + f".{micros:06d}".rstrip("0") if micros else text


def timestamp(micros: int) -> str:
    days, rest = divmod(micros, DAY)
    day = date(days)
    before = day.endswith(" BC")
    return f"{day.removesuffix(' BC')} {clock(rest)}{' BC' if before else ''}"


def interval(text: str) -> str:
    parts = re.fullmatch(r"P(-?\d+)Y(-?\d+)M(-?\d+)DT(-?\d+)H(-?\d+)M(-?[\d.]+)S", text).groups()
    years, months, days, hours, minutes = map(int, parts[:5])
    sign = -1 if parts[5].startswith("-") else 1
    whole, _other, fraction = parts[5].lstrip("-").partition(".")
    micros = (hours * 3600 + minutes * 60) * 1_000_000 + sign * (int(whole) * 1_000_000 + int(fraction.ljust(6, "0")))
    words, negative = [], False
    for count, word in ((years, "year"), (months, "mon"), (days, "day")):
        if count:
            # PostgreSQL's style tells a sign that differs from the one before.
            words.append(f"{'+' if negative and count > 0 else ''}{count} {word}{'' if count == 1 else 's'}")
            negative = count < 0
    if micros or not words:
        words.append(("-" if micros < 0 else "+" if negative else "") + clock(abs(micros)))
    return " ".join(words)


def elements(text: str) -> list[str | None]:
    """Of an array of one dimension, or of a vector of numbers."""
    if not text.startswith("{"):
        return text.split()
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)', text[1:-1], re.DOTALL)
    return [
        None if plain == "NULL" else plain if plain else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        for quoted, plain in found
    ]


def hstore(text: str) -> dict[str, str | None]:
    string = r'"((?:[^"\\]|\\.)*)"'
    unescaped = [
        (re.sub(r"\\(.)", r"\1", key), None if null else re.sub(r"\\(.)", r"\1", value))
        for key, value, null in re.findall(rf"{string}=>(?:{string}|(NULL))", text, re.DOTALL)
    ]
    return dict(unescaped)


def shape(value: dict[str, Any]) -> list[float]:
    """The numbers that PostgreSQL prints, in its order."""
    if "a" in value:
        return [float(value[key]) for key in "abc"]
    if "center" in value:
        return [*shape(value["center"]), float(value["radius"])]
    if "x" in value:
        return [float(value["x"]), float(value["y"])]
    wkb = bytes.fromhex(value["wkb"]["hex"])
    polygon = struct.unpack_from("<I", wkb, 1)[0] == 3
    numbers = [one for (one,) in struct.iter_unpack("<d", wkb[13 if polygon else 9 :])]
    match value["extensions"]["type"]:
        case "box":
            return [*numbers[0:2], *numbers[4:6]]
        case "polygon":
            assert numbers[:2] == numbers[-2:]
            return numbers[:-2]
    return numbers
