"""Names of tables, as the playbooks hand them over: `schema.table`, with quotes where SQL takes them.

The collection's `table_names.py` writes them, and knows what else a table is called. Both are tested with the same
cases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from psycopg import sql

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_PART = r'("(?:[^"]|"")+"|[^".]+)'
_TABLE, _COLUMN = re.compile(rf"{_PART}\.{_PART}\Z"), re.compile(rf"{_PART}\.{_PART}\.{_PART}\Z")


def quoted(name: str) -> str:
    """A name as SQL takes any."""
    return '"' + name.replace('"', '""') + '"'


def shown(name: str) -> str:
    """A name with quotes where SQL takes them."""
    return name if _PLAIN.match(name) else quoted(name)


@dataclass(frozen=True, order=True)
class Table:
    """A table. ``schema`` and ``table`` are as PostgreSQL's catalogue has them, without quotes."""

    schema: str
    table: str

    @property
    def text(self) -> str:
        """As it is handed over and shown."""
        return f"{shown(self.schema)}.{shown(self.table)}"

    @property
    def sql(self) -> str:
        """In a statement."""
        return f"{quoted(self.schema)}.{quoted(self.table)}"

    @property
    def identifier(self) -> sql.Identifier:
        """In a statement of psycopg's."""
        return sql.Identifier(self.schema, self.table)

    @property
    def id(self) -> str:
        """As Debezium calls it."""
        return f"{self.schema}.{self.table}"

    @property
    def is_chunked(self) -> bool:
        """Whether Debezium reads its id back as it has written it, as an incremental snapshot needs."""
        return not re.search(r"[\s.\"'`]", self.schema + self.table)

    def topic(self, prefix: str) -> str:
        """Its topic. What a topic's name may not hold is an underscore, for each of Java's characters."""
        parts = [part for part in (prefix, self.schema, self.table) if part.strip("".join(map(chr, range(0x21))))]
        return "".join(
            character if re.match(r"[A-Za-z0-9._-]", character) else "_" * (1 + (ord(character) > 0xFFFF))
            for character in ".".join(parts)
        )


def parse(text: str) -> Table:
    """The table of a text.

    Raises:
        ValueError: it is not one.
    """
    found = _TABLE.match(text)
    if found is None:
        raise ValueError(f"{text} is not written as schema.table, with quotes where SQL takes them")
    return Table(*map(_meant, found.groups()))


def parse_column(text: str) -> tuple[Table, str]:
    """The table and the column of `schema.table.column`.

    Raises:
        ValueError: it is not one.
    """
    found = _COLUMN.match(text)
    if found is None:
        raise ValueError(f"{text} is not written as schema.table.column, with quotes where SQL takes them")
    schema, table, column = map(_meant, found.groups())
    return Table(schema, table), column


def _meant(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part
