"""What PostgreSQL says of a table."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

# Counting further would tell no more, and a large table takes long.
MOST_ROWS = 100_000


def identifier(table: str) -> sql.Identifier:
    """`schema.table`, quoted."""
    return sql.Identifier(*table.split(".", 1))


def row_count(connection: psycopg.Connection[Any], table: str) -> int | None:
    """Rows of a table, counted up to `MOST_ROWS`; None when there is no such table."""
    query = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS rows").format(identifier(table), MOST_ROWS)
    try:
        row = connection.execute(query).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return row[0] if row else 0
