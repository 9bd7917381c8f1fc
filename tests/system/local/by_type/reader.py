# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rows of objects, by a Parquet reader that the archive does not use."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rules import Cell, Cut

# Columns that are the archive's own, after those of the table, whose own are never called so.
OWN = (
    "__text",
    "__unsent",
    "__cut",
    "__commit_order",
    "__deleted",
    "__op",
    "__lsn",
    "__txId",
    "__ts_us",
    "__source_ts_us",
    "__partition",
    "__offset",
)


@dataclass(frozen=True)
class Row:
    """An archived change.

    Attributes:
        columns: those of the table in their order, each with its cell.
        own: the archive's columns, which begin with two underscores.
    """

    columns: Mapping[str, Cell]
    own: Mapping[str, Any]

    @property
    def operation(self) -> str:
        return self.own["__op"]


def read(content: bytes) -> Iterator[Row]:
    """The rows of an object.

    Raises:
        ValueError: it lacks a column that every object has.
    """
    table = pq.read_table(io.BytesIO(content))
    names = table.column_names
    # What is before them is the table's.
    begin = next((at for at, name in enumerate(names) if name in OWN), 0)
    if sorted(names[begin:]) != sorted(OWN):
        raise ValueError(f"the object's columns are {names}")
    columns = {name: [plain(each) for each in table.column(name)] for name in names}
    types = {name: table.schema.field(name).type for name in names}
    for at in range(table.num_rows):
        own = {name: columns[name][at] for name in names[begin:]}
        beside = _map(own["__text"])
        unsent = set(own["__unsent"] or ())
        cut = {name: Cut(**each) for name, each in _map(own["__cut"]).items()}
        strange = (set(beside) | unsent | set(cut)) - set(names[:begin])
        if strange:
            raise ValueError(f"named, but no column of the table: {sorted(strange)}")
        yield Row(
            {
                name: Cell(columns[name][at], types[name], beside.get(name), name in unsent, cut.get(name))
                for name in names[:begin]
            },
            own,
        )


def _map(value: Any) -> dict[str, Any]:
    """A map, or a list of keys and values."""
    pairs = [(each["key"], each["value"]) if isinstance(each, dict) else each for each in value or ()]
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a name is there twice: {value}")
    return found


def plain(scalar: pa.Scalar) -> Any:
    """A value, dates and times as numbers in the unit of their type, since Python's own end at the year 9999."""
    if not scalar.is_valid:
        return None
    kind = scalar.type
    if pa.types.is_date32(kind) or pa.types.is_time(kind) or pa.types.is_timestamp(kind):
        return scalar.value
    if pa.types.is_map(kind):
        return [(plain(each["key"]), plain(each["value"])) for each in scalar.values]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [plain(each) for each in scalar.values]
    if pa.types.is_struct(kind):
        return {name: plain(scalar[name]) for name in (field.name for field in kind)}
    return scalar.as_py()
