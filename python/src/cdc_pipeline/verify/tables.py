"""What PostgreSQL says of a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from cdc_pipeline.names import parse

# Counting further would tell no more, and a large table takes long.
MOST_ROWS = 100_000


def identifier(table: str) -> sql.Identifier:
    """`schema.table`, quoted."""
    return parse(table).identifier


def named(tables: Iterable[str]) -> dict[str, list[str]]:
    """The names of tables as arguments of a query: schemas and tables, in the same order."""
    found = [parse(table) for table in tables]
    return {"schemas": [table.schema for table in found], "tables": [table.table for table in found]}


def row_count(connection: psycopg.Connection[Any], table: str) -> int | None:
    """Rows of a table, counted up to `MOST_ROWS`; None when there is no such table."""
    query = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS rows").format(identifier(table), MOST_ROWS)
    try:
        row = connection.execute(query).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return row[0] if row else 0
