# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What readers of the archive see of a row: its objects by pyarrow, its views by the command `cdc sql`.

Nothing here is the archive's own code. Values come as the text that PostgreSQL has for them, whoever read them, so that
both readers are compared with one text.
"""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
from obstore.store import S3Store

NOTES = ("__text", "__unsent", "__cut")


@dataclass(frozen=True)
class Beside:
    """Null in its column; PostgreSQL's text of it is in `__text`."""

    text: str


@dataclass(frozen=True)
class Unsent:
    """Null in its column, which `__unsent` names."""


@dataclass(frozen=True)
class Cut:
    """Null in its column; `__cut` has its size and hash."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Missing:
    """There is no such column."""


@dataclass(frozen=True)
class Contradiction:
    """A value, and notes that cannot be true beside it or together."""

    value: Any
    notes: Any


Cell = None | str | list[Any] | Beside | Unsent | Cut | Missing | Contradiction


class Row(dict[str, Any]):
    """A row as a reader gave it: values by column, those of Parquet's types as Python's."""

    @property
    def op(self) -> str:
        return self["__op"]

    def notes(self, column: str) -> dict[str, Any]:
        """What the fields beside the columns say of a column."""
        found = {note: _mapping(self.get(note)) for note in NOTES}
        return {note: said[column] for note, said in found.items() if column in said}

    def named(self, note: str) -> set[str]:
        """The columns that a field beside the columns names."""
        return set(_mapping(self.get(note)))

    def cell(self, column: str, type_: str) -> Cell:
        """A column's value, as PostgreSQL's text of that type, or what is said instead of it."""
        if column not in self:
            return Missing()
        value, notes = self[column], self.notes(column)
        if notes and (value is not None or len(notes) > 1):
            return Contradiction(value, notes)
        if "__text" in notes:
            return Beside(notes["__text"])
        if "__unsent" in notes:
            return Unsent()
        if "__cut" in notes:
            return Cut(int(notes["__cut"]["bytes"]), notes["__cut"]["sha256"])
        return text_of(value, type_)


def _mapping(value: Any) -> dict[str, Any]:
    """A map or a list of names, in any of the forms in which readers give them."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    entries = [(each["key"], each["value"]) if isinstance(each, dict) else each for each in value]
    return {
        each[0]: each[1] if len(each) > 1 else True for each in ((e,) if isinstance(e, str) else e for e in entries)
    }


def text_of(value: Any, type_: str) -> Any:
    """PostgreSQL's text of a value that a reader gave for a column of that type; a list's elements one by one."""
    if value is None:
        return None
    if isinstance(value, list):
        element = type_.removesuffix("[]")
        return [text_of(each, element) for each in value]
    base = re.sub(r"\(.*?\)", "", type_).strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if base in ("real", "float4", "float8", "double precision"):
        return _float(float(value), single=base in ("real", "float4"))
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, str) and base in ("bytea", "bit"):
        return "\\x" + _blob(value).hex()
    if isinstance(value, dict):
        return {
            name: text_of(each, "float8" if isinstance(each, float | Decimal) else "") for name, each in value.items()
        }
    if isinstance(value, Decimal):
        # DuckDB writes a decimal without digits after the point with one all the same.
        return format(value, "f").removesuffix(".0" if type_.endswith(",0)") else "")
    if isinstance(value, str) and base.startswith(("date", "time")) and " (BC)" in value:
        # DuckDB has it after the day.
        return value.replace(" (BC)", "") + " BC"
    return str(value)


def _float(value: float, single: bool) -> str:
    """Every bit of it: the shortest text that leads back to it."""
    if single:
        (value,) = struct.unpack("f", struct.pack("f", value))
    return value.hex()


def float_text(text: str, single: bool = False) -> str:
    """What `Row.cell` says of the floating-point number that PostgreSQL's text means."""
    return _float(float(text), single)


def _blob(text: str) -> bytes:
    """DuckDB's text of bytes: those that are no printable ASCII are escaped."""
    return re.sub(rb"\\x([0-9A-F]{2})", lambda found: bytes.fromhex(found[1].decode()), text.encode())


def objects(store: S3Store, folder: str) -> list[Row]:
    """Every row of the Parquet objects below a folder, in the order of partition and offset."""
    keys = sorted(each["path"] for page in obstore.list(store, prefix=f"{folder}/") for each in page)
    rows = []
    for key in keys:
        if key.endswith(".parquet"):
            table = pq.ParquetFile(io.BytesIO(bytes(obstore.get(store, key).bytes()))).read()
            rows += _rows(table)
    return sorted(rows, key=lambda row: (row["__partition"], row["__offset"]))


def _rows(table: pa.Table) -> list[Row]:
    columns = [_column(chunked.combine_chunks()) for chunked in table.columns]
    return [Row(zip(table.column_names, values, strict=True)) for values in zip(*columns, strict=True)]


def _column(array: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Values; dates and times as PostgreSQL's text, since Python's have no years before 1 and after 9999."""
    if isinstance(array, pa.ChunkedArray):
        return [value for chunk in array.chunks for value in _column(chunk)]
    kind = array.type
    if pa.types.is_date32(kind):
        return [None if days is None else date_text(days) for days in array.cast(pa.int32()).to_pylist()]
    if pa.types.is_timestamp(kind):
        factor = {"s": 1_000_000, "ms": 1000, "us": 1, "ns": 0.001}[kind.unit]
        micros = (None if n is None else int(n * factor) for n in array.cast(pa.int64()).to_pylist())
        return [None if n is None else timestamp_text(n, kind.tz is not None) for n in micros]
    if pa.types.is_time(kind):
        factor = {"s": 1_000_000, "ms": 1000, "us": 1, "ns": 0.001}[kind.unit]
        width = pa.int32() if pa.types.is_time32(kind) else pa.int64()
        return [None if n is None else time_text(int(n * factor)) for n in array.cast(width).to_pylist()]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        flat, ends = _column(array.flatten()), iter(array.value_lengths().to_pylist())
        at, lists = 0, []
        for length in ends:
            lists.append(None if length is None else flat[at : at + length])
            at += length or 0
        return lists
    return array.to_pylist()


def date_text(days: int) -> str:
    """A date by its days since 1970-01-01, as PostgreSQL writes it (proleptic Gregorian)."""
    text, before = _civil(days)
    return text + before


def timestamp_text(micros: int, zoned: bool) -> str:
    days, of_day = divmod(micros, 86_400_000_000)
    text, before = _civil(days)
    return f"{text} {time_text(of_day)}{'+00' if zoned else ''}{before}"


def time_text(micros: int) -> str:
    seconds, fraction = divmod(micros, 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:06}".rstrip("0") if fraction else text


def _civil(days: int) -> tuple[str, str]:
    """Year, month and day, and how PostgreSQL marks a year before the first.

    By days since 1 March of the year 0, in cycles of 400 years (146,097 days), of 100, 4 and 1.
    """
    cycles, rest = divmod(days + 719_468, 146_097)
    centuries = min(rest // 36_524, 3)
    rest -= centuries * 36_524
    fours, rest = divmod(rest, 1_461)
    ones = min(rest // 365, 3)
    rest -= ones * 365
    # Months from March have 31, 30, 31, 30, 31 days, again and again.
    of_march = (5 * rest + 2) // 153
    day = rest - (153 * of_march + 2) // 5 + 1
    month = of_march + 3 if of_march < 10 else of_march - 9
    year = cycles * 400 + centuries * 100 + fours * 4 + ones + (month < 3)
    before = year < 1
    return f"{1 - year if before else year:04}-{month:02}-{day:02}", " BC" if before else ""


def views(home: Path, queries: Sequence[str]) -> list[list[Row]]:
    """The rows of each query, as `cdc sql --json` prints them."""
    done = subprocess.run(
        [home / "bin" / "cdc", "sql", "--json", "--home", home],
        input=";\n".join(queries) + ";\n",
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"cdc sql: {done.stderr[-3000:]}"
    results = list(_documents(done.stdout))
    assert len(results) == len(queries), done.stdout[-3000:]
    return [[Row(each) for each in result] for result in results]


def _documents(text: str) -> Iterable[Any]:
    """JSON documents one after the other; decimals with all their digits."""
    decoder, at = json.JSONDecoder(parse_float=Decimal), 0
    while at < len(text.rstrip()):
        found, at = decoder.raw_decode(text, at)
        while at < len(text) and text[at].isspace():
            at += 1
        yield found
