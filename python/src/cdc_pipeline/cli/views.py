"""What a captured table is in SQL: its changes, as the archive has them, and its rows as they are now.

This is the only place that says which change of a row is the last one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# What the archive adds to a table's columns.
OWN = ("__deleted", "__op", "__lsn", "__txId", "__ts_us", "__source_ts_us", "__partition", "__offset")
# When Debezium processed a change, then its place in its partition. Not the LSN, which rows of an incremental snapshot
# lack, and not the place alone, which begins again where a topic was made again, and says nothing across partitions.
_NEWEST = "__ts_us DESC, __offset DESC"
_CHANGES = "_changes"


@dataclass(frozen=True)
class Names:
    """The views of a table. ``schema``: in DuckDB, as in PostgreSQL."""

    schema: str
    current: str
    changes: str


def changes_query(files: str) -> str:
    """Every change of a table. ``files``: a pattern, which DuckDB resolves when it reads."""
    # A table may have a column `year` of its own, which a folder's would hide.
    return f"SELECT * FROM read_parquet({literal(files)}, union_by_name = true, hive_partitioning = false)"


def current_query(files: str, keys: Sequence[str]) -> str:
    """The table's rows as they are now: the last change of each key, unless it is a delete."""
    names = ", ".join(identifier(key) for key in keys)
    last = f"QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY {_NEWEST}) = 1"
    own = ", ".join(identifier(name) for name in OWN)
    return f"SELECT * EXCLUDE ({own}) FROM ({changes_query(files)} {last}) WHERE __deleted::BOOL IS NOT TRUE"


def names_of(tables: Iterable[str]) -> dict[str, Names]:
    """The views of each table `schema.name`.

    DuckDB does not tell names apart by their case. Where two would be one, as `users_changes` of `users` and a table of
    that name, the latter keeps it, and the other gets an underscore more.
    """
    tables = sorted(tables)
    taken: set[tuple[str, str]] = set()

    def free(schema: str, name: str) -> str:
        while (schema.lower(), name.lower()) in taken:
            name += "_"
        taken.add((schema.lower(), name.lower()))
        return name

    current = {table: free(*table.split(".", 1)) for table in tables}
    return {
        table: Names(schema, name, free(schema, name + _CHANGES))
        for table, name in current.items()
        for schema in (table.split(".", 1)[0],)
    }


def mentioned(view: str, text: str) -> bool:
    """Whether a statement may be about a view. It may not be, as when the name stands in a string."""
    name = re.escape(view.replace('"', '""'))
    return bool(re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE))


def asks_for_all(text: str) -> bool:
    """Whether a statement lists what there is."""
    return bool(re.search(r"\b(show|information_schema|duckdb_\w+|pg_\w+)\b", text, re.IGNORECASE))


def identifier(name: str) -> str:
    """A name, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string, quoted."""
    return "'" + text.replace("'", "''") + "'"
