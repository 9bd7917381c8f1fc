"""What the columns of a table are called in records. The transform `lossless` gives them these names."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What a row gets beside its columns, as in the transform's `Names`.
RESERVED = (
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


def field_names(columns: Iterable[str]) -> dict[str, str]:
    """The field of each column: its own name wherever Avro allows that and no other has it."""
    columns = list(columns)
    taken = {name.lower() for name in RESERVED}
    names: dict[str, str] = {}
    for column in columns:
        if _adjusted(column) == column and column.lower() not in taken:
            taken.add(column.lower())
            names[column] = column
    for column in columns:
        if column not in names:
            name = _adjusted(column)
            while name.lower() in taken:
                name += "_"
            taken.add(name.lower())
            names[column] = name
    return {column: names[column] for column in columns}


def renamed(columns: Iterable[str]) -> dict[str, str]:
    """The fields that have another name than their column."""
    return {column: name for column, name in field_names(columns).items() if name != column}


def _adjusted(column: str) -> str:
    # Java counts what is beyond the basic plane as two characters.
    units = "".join("__" if ord(character) > 0xFFFF else character for character in column)
    name = re.sub(r"[^A-Za-z0-9_]", "_", units)
    return f"_{name}" if name[:1].isdigit() else name
