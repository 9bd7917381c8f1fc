# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The rows of tables as they are now, by the command `cdc sql`, as cells of the types that the objects have."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import postgres_text as pg
import pyarrow as pa
from rules import Cell, Cut
from tables import Table

_NOTES = ("__text", "__unsent", "__cut")


def read_current(
    home: Path, tables: Sequence[Table], types: Mapping[str, Mapping[str, pa.DataType]]
) -> dict[str, list[dict[str, Cell]]]:
    """The current rows of each table, by its name.

    Args:
        types: of each column of its objects, by the table's name.
    """
    query = "".join(f"SELECT * FROM {table.qualified};\n" for table in tables)
    done = subprocess.run(
        [home / "bin" / "cdc", "sql", "--json", "--home", home],
        input=query,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"cdc sql: {done.stderr[-3000:]}"
    results = list(_documents(done.stdout))
    assert len(results) == len(tables), done.stdout[-3000:]
    return {
        table.name: [_row(document, types[table.name]) for document in documents]
        for table, documents in zip(tables, results, strict=True)
    }


def _documents(text: str) -> Iterator[Any]:
    decoder, at = json.JSONDecoder(parse_float=Decimal), 0
    while at < len(text):
        found, at = decoder.raw_decode(text, at)
        while at < len(text) and text[at].isspace():
            at += 1
        yield found


def _row(document: Mapping[str, Any], types: Mapping[str, pa.DataType]) -> dict[str, Cell]:
    beside, cut = document["__text"] or {}, document["__cut"] or {}
    unsent = set(document["__unsent"] or ())
    return {
        name: Cell(
            _plain(value, types[name]),
            types[name],
            beside.get(name),
            name in unsent,
            Cut(**cut[name]) if name in cut else None,
        )
        for name, value in document.items()
        if name not in _NOTES
    }


def _plain(value: Any, kind: pa.DataType) -> Any:
    """As the reader of objects has it: dates and times as numbers in the unit of their type."""
    if value is None:
        return None
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_plain(each, kind.value_type) for each in value]
    if pa.types.is_struct(kind):
        return {field.name: _plain(value[field.name], field.type) for field in kind}
    if pa.types.is_date32(kind):
        return pg.date(value.replace(" (BC)", " BC"))
    if pa.types.is_time(kind):
        return pg.time(value) * 1000 // _nanos(kind)
    if pa.types.is_timestamp(kind):
        era = " BC" if "(BC)" in value else ""
        return pg.timestamp(value.replace(" (BC)", "") + era) * 1000 // _nanos(kind)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return re.sub(rb"\\x([0-9A-F]{2})", lambda found: bytes.fromhex(found[1].decode()), value.encode())
    if pa.types.is_floating(kind):
        return float(value)
    if pa.types.is_decimal(kind):
        return Decimal(value)
    return value


def _nanos(kind: pa.DataType) -> int:
    return {"ms": 1_000_000, "us": 1000, "ns": 1}[kind.unit]
