"""Publications: the connector's own has just the captured tables, and that of all tables harms nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import psycopg

from cdc_pipeline.instance.finding import Finding

OPERATIONS = ("insert", "update", "delete", "truncate")
_SHOWN = 5
_PUBLICATION = """
SELECT p.oid, puballtables, pubviaroot, pubinsert AS insert, pubupdate AS update, pubdelete AS delete,
       pubtruncate AS truncate
FROM pg_publication p WHERE pubname = %s
"""
# As cdc_tables has a name: with quotes where it is not plain.
_NAME = """(SELECT string_agg(CASE WHEN part ~ '^[a-z_][a-z0-9_$]*$' THEN part
                  ELSE '"' || replace(part, '"', '""') || '"' END, '.' ORDER BY at)
        FROM (VALUES (1, n.nspname::text), (2, c.relname::text)) AS parts(at, part))"""
# What a server before 15 does not have is null.
_TABLES = f"""
SELECT {_NAME} AS name,
       to_jsonb(r) ->> 'prqual' IS NOT NULL OR to_jsonb(r) ->> 'prattrs' IS NOT NULL AS partial
FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.prpubid = %s ORDER BY 1
"""
_SCHEMAS = """
SELECT n.nspname FROM pg_publication_namespace p JOIN pg_namespace n ON n.oid = p.pnnspid WHERE p.pnpubid = %s
"""
_FIRST_WITH_SCHEMAS = 150_000
# A deferrable key does not identify a row, nor one that is not valid.
_UNIDENTIFIED = f"""
SELECT {_NAME} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.oid >= 16384 AND c.relreplident <> 'f'
  AND (c.relreplident = 'n' OR NOT EXISTS (
      SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
      AND CASE c.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END))
ORDER BY 1
"""
_CAPTURE_HINT = (
    "Run the tag connectors: it adds what is missing, with a snapshot, and takes out what is beyond. A table that was "
    "dropped and created again has left the publication; its changes since then come by that snapshot. A publication "
    "that you made yourself is left to you."
)


class Published(NamedTuple):
    """A publication. ``partial``: tables of which it has some rows or columns."""

    all_tables: bool
    via_root: bool
    operations: tuple[str, ...]
    tables: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()


def read_publication(cursor: psycopg.Cursor[dict[str, Any]], name: str) -> Published | None:
    """A publication by its name, None where there is none. ``cursor``: of rows as maps."""
    row = cursor.execute(_PUBLICATION, (name,)).fetchone()
    if row is None:
        return None
    tables = cursor.execute(_TABLES, (row["oid"],)).fetchall()
    schemas: Sequence[dict[str, Any]] = ()
    if cursor.connection.info.server_version >= _FIRST_WITH_SCHEMAS:
        schemas = cursor.execute(_SCHEMAS, (row["oid"],)).fetchall()
    return Published(
        row["puballtables"],
        row["pubviaroot"],
        tuple(operation for operation in OPERATIONS if row[operation]),
        tuple(table["name"] for table in tables),
        tuple(table["name"] for table in tables if table["partial"]),
        tuple(schema["nspname"] for schema in schemas),
    )


def read_unidentified(cursor: psycopg.Cursor[dict[str, Any]]) -> list[str]:
    """Tables whose rows nothing identifies, so that a publication keeps them from being updated and deleted."""
    return [next(iter(row.values())) for row in cursor.execute(_UNIDENTIFIED).fetchall()]


def judge_capture(name: str, captured: Iterable[str], found: Published | None) -> Iterator[Finding]:
    """The publication that the connector reads."""
    what = f"publication {name}"
    if found is None:
        yield Finding("postgresql.capture_publication", what, "there", "no such publication", False, _CAPTURE_HINT)
        return
    wanted = set(captured)
    problems = [
        *(["FOR ALL TABLES"] if found.all_tables else []),
        *([f"all tables of {_some(found.schemas)}"] if found.schemas else []),
        *_differences(wanted, found),
        *([f"some rows or columns of {_some(found.partial)}"] if found.partial else []),
        *([f"only {', '.join(found.operations)}"] if found.operations != OPERATIONS else []),
        *([] if found.via_root else ["without publish_via_partition_root"]),
    ]
    yield Finding(
        "postgresql.capture_publication",
        what,
        f"just the {len(wanted)} captured tables, all operations, as of partitions' roots",
        "; ".join(problems) or "it is so",
        not problems,
        _CAPTURE_HINT,
    )


def _differences(wanted: set[str], found: Published) -> list[str]:
    missing, beyond = sorted(wanted - set(found.tables)), sorted(set(found.tables) - wanted)
    return [
        *([f"without {_some(missing)}"] if missing and not found.all_tables else []),
        *([f"beside them {_some(beyond)}"] if beyond else []),
    ]


def judge_all_tables(name: str, found: Published | None, unidentified: Sequence[str]) -> Iterator[Finding]:
    """The publication that the embedded server has for other consumers."""
    yield Finding(
        "postgresql.publication",
        f"publication {name}",
        "FOR ALL TABLES, with inserts, updates, deletes and truncates",
        "no such publication" if found is None else f"all tables: {found.all_tables}, {', '.join(found.operations)}",
        found is not None and found.all_tables and found.operations == OPERATIONS,
        "Run the tag postgresql.",
    )
    yield Finding(
        "postgresql.unidentified",
        "tables without a replica identity, which PostgreSQL neither updates nor deletes from",
        "none",
        _some(unidentified) or "none",
        not unidentified,
        "Run the tag postgresql, which gives them REPLICA IDENTITY FULL.",
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
