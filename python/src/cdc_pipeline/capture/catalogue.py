"""Reads what an audit has to know. Nothing is written, and nothing is locked for longer than a SELECT takes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from cdc_pipeline.capture.facts import (
    ColumnFacts,
    Facts,
    NamePattern,
    ServerFacts,
    Settings,
    SlotFacts,
    TableFacts,
)
from cdc_pipeline.names import Table, parse

# For looking at rows, of all tables together, and of one.
_SAMPLE_SECONDS, _SAMPLE_MS = 10.0, 1500
_SAMPLE_PAGES = 64
_SERVER = """
SELECT current_database() AS database, current_setting('server_version_num')::int AS version,
       getdatabaseencoding() AS encoding, current_setting('wal_level') AS wal_level,
       current_setting('max_replication_slots')::int AS slots,
       (SELECT count(*) FROM pg_replication_slots) AS slots_used,
       current_setting('max_wal_senders')::int AS senders,
       (SELECT count(*) FROM pg_stat_replication) AS senders_used,
       (SELECT setting::int FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS wal_keep_mib,
       EXISTS (SELECT FROM pg_roles WHERE rolname = %(role)s) AS role,
       (SELECT json_object_agg(name, setting) FROM pg_settings
        WHERE name ~ 'output_plugin' AND setting <> '') AS plugins,
       (SELECT extract(epoch FROM max(now() - xact_start))::float FROM pg_stat_activity
        WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()) AS transactions,
       coalesce((SELECT format('process %%s of %%s', pid, usename) FROM pg_stat_activity
                 WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1), '') AS oldest,
       (SELECT extract(epoch FROM max(now() - prepared))::float FROM pg_prepared_xacts) AS prepared
"""
_SLOT = """
SELECT coalesce(database, '') AS database, coalesce(plugin, '') AS plugin, coalesce(wal_status, '') AS wal_status
FROM pg_replication_slots WHERE slot_name = %s
"""
# What patterns can mean, and what may have been meant by a name that is not there.
_THERE = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY 1, 2
"""
_RELATIONS = Path(__file__).with_name("relations.sql").read_text(encoding="utf-8")


def read_facts(connection: psycopg.Connection[Any], settings: Settings, sample: bool = True) -> Facts:
    """What stands in the catalogue.

    Args:
        connection: to the database of the tables, in autocommit.
        sample: whether rows are looked at for their size, for some seconds at most.

    Raises:
        psycopg.Error: the server does not answer, or refuses.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        there = tuple(Table(row["nspname"], row["relname"]) for row in cursor.execute(_THERE).fetchall())
        named = [parse(text) for text in (*settings.tables, *settings.own)]
        matched = tuple(
            table for table in there if table not in named and _means(settings.patterns, settings.without, table)
        )
        wanted = list(dict.fromkeys([*named, *matched]))
        server = cursor.execute(_SERVER, {"role": settings.role}).fetchone() or {}
        slot = cursor.execute(_SLOT, (settings.slot,)).fetchone()
        query = {
            "schemas": [table.schema for table in wanted],
            "tables": [table.table for table in wanted],
            "role": settings.role,
        }
        rows = cursor.execute(_RELATIONS, query).fetchall()
    end = time.monotonic() + _SAMPLE_SECONDS
    relations = {}
    for row in rows:
        pages = row.pop("pages")
        found = _relation(row)
        size = _largest_row(connection, found.table, pages) if sample and time.monotonic() < end else None
        relations[found.table] = _with_size(found, size)
    plugins = server.pop("plugins") or {}
    facts = ServerFacts(**server, plugins=plugins, slot=SlotFacts(**slot) if slot else None)
    return Facts(facts, relations, there, matched)


def _means(patterns: Iterable[NamePattern], without: Iterable[NamePattern], table: Table) -> bool:
    return any(_fits(each, table) for each in patterns) and not any(_fits(each, table) for each in without)


def _fits(pattern: NamePattern, table: Table) -> bool:
    pairs = ((pattern.schema, table.schema), (pattern.table, table.table))
    return all(
        re.fullmatch(".*".join(re.escape(part) for part in written.split("*")), name, re.DOTALL)
        for written, name in pairs
    )


def _relation(row: dict[str, Any]) -> TableFacts:
    table = Table(row.pop("schema"), row.pop("table"))
    root, children, columns = row.pop("root"), row.pop("children"), row.pop("columns")
    return TableFacts(
        table,
        **{**row, "not_full": tuple(row["not_full"])},
        root=Table(*root) if root else None,
        children=tuple(Table(*child) for child in children),
        columns=tuple(ColumnFacts(**{**column, "key": bool(column["key"])}) for column in columns),
    )


def _with_size(facts: TableFacts, size: int | None) -> TableFacts:
    return facts if size is None else TableFacts(**{**facts.__dict__, "largest_row": size})


def _largest_row(connection: psycopg.Connection[Any], table: Table, pages: int) -> int | None:
    """Bytes of the largest row, as text, among those of some pages. None where none could be looked at in time."""
    percent = min(100.0, 100.0 * _SAMPLE_PAGES / max(pages, 1))
    query = sql.SQL("SELECT max(octet_length(r::text)) FROM {} AS r TABLESAMPLE SYSTEM ({})").format(
        table.identifier, sql.Literal(percent)
    )
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL statement_timeout = {_SAMPLE_MS}")
            connection.execute(f"SET LOCAL lock_timeout = {_SAMPLE_MS}")
            row = connection.execute(query).fetchone()
    except psycopg.Error:
        return None
    return row[0] if row else None
