"""T4: settings, tables, the CDC role, the publications, the slot, and a stream of WAL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import psycopg

from cdc_pipeline import names
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.units import mebibytes, postgresql_value
from cdc_pipeline.verify.publications import judge_all_tables, judge_capture, read_publication, read_unidentified
from cdc_pipeline.verify.step import Step
from cdc_pipeline.verify.streaming import stream_until
from cdc_pipeline.verify.tables import named
from cdc_pipeline.wait import wait_for

# The heartbeat is due every 5 s, and offsets are committed every 10 s at most. On a busy host both take longer.
_HEARTBEAT_SECONDS = 60.0
_STREAM_SECONDS = 10.0
# WAL that the slot may hold back besides: a segment.
_SMALL_LAG = 16 * 1024**2
_RESTART = (
    "Correct postgresql_settings and run the tag postgresql, or set it on a server of your own; "
    "some settings take a restart."
)


class Setting(NamedTuple):
    """A row of pg_settings."""

    setting: str
    unit: str | None
    kind: str


class Table(NamedTuple):
    """What the catalogue says of a table. ``whole``: PostgreSQL sends whole rows of it, so that it needs no key."""

    primary_key: bool
    foreign_keys: int
    checks: int
    rows: bool
    select: bool
    insert: bool
    whole: bool = False


def judge_setting(name: str, expected: str, found: Setting | None, shown: str | None) -> Finding:
    """A setting against its expectation, by value."""
    if found is None:
        return Finding(f"postgresql.{name}", f"setting {name}", expected, "no such setting", False, _RESTART)
    same = postgresql_value(found.setting, found.unit, found.kind) == postgresql_value(expected, found.unit, found.kind)
    return Finding(f"postgresql.{name}", f"setting {name}", expected, shown or found.setting, same, _RESTART)


def judge_version(expected: int, managed: bool, found: int) -> Finding:
    """The pipeline's own server has just this major version, a user's may have a later one."""
    what = "major version of PostgreSQL"
    if managed:
        return equal("postgresql.version", what, expected, found, "See versions_postgresql.")
    return Finding("postgresql.version", what, f"{expected} or later", found, found >= expected, "Upgrade the server.")


# What roles/postgresql/files/sample.sql creates.
SAMPLE = frozenset({"public.users", "public.products", "public.orders", "public.order_items"})


def judge_tables(expected: Iterable[str], found: Mapping[str, Table], sample: frozenset[str]) -> Iterator[Finding]:
    """Every table is there with its key, or sends whole rows; of ``sample``, with foreign keys, checks and rows."""
    expected = list(expected)
    hint = (
        "Run the tag postgresql: it creates the sample tables. A table needs a primary key, or REPLICA IDENTITY FULL."
    )
    for name in expected:
        table = found.get(name)
        what = f"table {name}"
        wanted = "primary key, checks, rows" if name in sample else "primary key, or REPLICA IDENTITY FULL"
        if table is None:
            yield Finding(f"postgresql.table.{name}", what, wanted, "no such table", False, hint)
            continue
        parts = [
            *(["primary key"] if table.primary_key else ["REPLICA IDENTITY FULL"] if table.whole else []),
            *(["checks"] if table.checks else []),
            *(["rows"] if table.rows else []),
        ]
        keyed = table.primary_key or (table.whole and name not in sample)
        good = keyed and (name not in sample or (table.checks > 0 and table.rows))
        yield Finding(f"postgresql.table.{name}", what, wanted, ", ".join(parts) or "none of them", good, hint)
    if sample.issubset(expected) and sample:
        keys = sum(found[name].foreign_keys for name in sample if name in found)
        yield Finding(
            "postgresql.foreign_keys", "foreign keys of the sample tables", "at least 3", keys, keys >= 3, hint
        )


def judge_role(row: Mapping[str, Any] | None, tables: Mapping[str, Table], role: str) -> Iterator[Finding]:
    """The CDC role may replicate and read, and nothing else."""
    hint = f"Run the tag postgresql: it grants what {role} needs; revoke by hand what it has beyond that."
    if row is None:
        yield Finding("postgresql.cdc_role", f"role {role}", "there", "no such role", False, hint)
        return
    wanted = {"replication": True, "superuser": False, "create_database": False, "create_role": False}
    yield equal("postgresql.cdc_role", f"attributes of role {role}", wanted, {key: row[key] for key in wanted}, hint)
    unread = sorted(name for name, table in tables.items() if not table.select)
    yield equal("postgresql.cdc_role_reads", f"tables that {role} cannot SELECT", [], unread, hint)
    written = sorted(name for name, table in tables.items() if table.insert)
    yield equal("postgresql.cdc_role_writes_not", f"tables that {role} can change", [], written, hint)
    yield equal(
        "postgresql.cdc_role_creates_not",
        f"may {role} create in the database or the schema public, where not everybody may",
        False,
        bool(row["creates"]),
        hint,
    )


_TABLES = """
SELECT n.nspname AS schema, c.relname AS table,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p') AS primary_key,
       (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f') AS foreign_keys,
       (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c') AS checks,
       has_schema_privilege(r.oid, n.oid, 'USAGE') AND has_table_privilege(r.oid, c.oid, 'SELECT') AS "select",
       has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS "insert", c.relreplident = 'f' AS whole
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN unnest(%(schemas)s::text[], %(tables)s::text[]) AS w(schema, name) ON w.schema = n.nspname AND w.name = c.relname
LEFT JOIN pg_roles r ON r.rolname = %(role)s
WHERE c.relkind IN ('r', 'p')
"""
_ROLE = """
SELECT rolreplication OR EXISTS (
           SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
           WHERE m.member = r.oid AND g.rolname = 'rds_replication') AS replication,
       rolsuper AS superuser, rolcreatedb AS create_database,
       rolcreaterole AS create_role,
       has_database_privilege(oid, current_database(), 'CREATE')
           AND NOT has_database_privilege('public', current_database(), 'CREATE')
       OR has_schema_privilege(oid, 'public', 'CREATE') AND NOT has_schema_privilege('public', 'public', 'CREATE')
           AS creates
FROM pg_roles r WHERE rolname = %s
"""
_SLOT = """
SELECT plugin, active, wal_status, confirmed_flush_lsn::text AS confirmed,
       pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint AS lag,
       pg_wal_lsn_diff(confirmed_flush_lsn, %(mark)s::pg_lsn)::bigint AS past
FROM pg_replication_slots WHERE slot_name = %(slot)s
"""


def _settings(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.postgresql
    with context.postgresql() as connection:
        major = connection.info.server_version // 10000
        yield judge_version(expected.version, expected.managed, major)
        rows = connection.execute(
            "SELECT name, setting, unit, vartype, current_setting(name) FROM pg_settings WHERE name = ANY(%s)",
            (list(expected.settings),),
        ).fetchall()
        found = {name: (Setting(setting, unit, kind), shown) for name, setting, unit, kind, shown in rows}
        for name, value in expected.settings.items():
            setting, shown = found.get(name, (None, None))
            yield judge_setting(name, value, setting, shown)


def _tables(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.postgresql
    with context.postgresql() as connection, connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        cursor.execute(_TABLES, {"role": expected.role, **named(expected.tables)})
        found = {}
        for row in cursor.fetchall():
            table = names.Table(row.pop("schema"), row.pop("table"))
            query = psycopg.sql.SQL("SELECT EXISTS (SELECT FROM {}) AS rows").format(table.identifier)
            found[table.text] = Table(rows=(cursor.execute(query).fetchone() or {})["rows"], **row)
        yield from judge_tables(expected.tables, found, SAMPLE if expected.sample_data else frozenset())
        role = cursor.execute(_ROLE, (expected.role,)).fetchone()
        yield from judge_role(role, found, expected.role)
        yield from judge_capture(
            expected.capture_publication, expected.captured, read_publication(cursor, expected.capture_publication)
        )
        if expected.managed:
            published = read_publication(cursor, expected.publication)
            yield from judge_all_tables(expected.publication, published, read_unidentified(cursor))


def _slot(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.postgresql
    with context.postgresql() as connection, connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        row = cursor.execute("SELECT pg_current_wal_lsn()::text AS mark").fetchone()
        query = {"slot": expected.slot, "mark": (row or {})["mark"]}
        slot = wait_for(
            lambda: cursor.execute(_SLOT, query).fetchone(),
            lambda row: row is not None and row["past"] is not None and row["past"] >= 0,
            _HEARTBEAT_SECONDS,
            pause=0.25,
        )
    hint = "Is the connector running, with its heartbeat? See its status, and pg_replication_slots."
    if slot is None:
        yield Finding("connectors.slot_follows", f"slot {expected.slot}", "there", "no such slot", False, hint)
        return
    yield Finding(
        "connectors.slot_follows",
        f"slot {expected.slot} gets past the WAL of the check's beginning, so an idle table holds nothing back",
        f"within {_HEARTBEAT_SECONDS:.0f} s",
        f"at {slot['confirmed']}, {slot['lag']} bytes behind",
        slot["past"] is not None and slot["past"] >= 0,
        hint,
    )
    yield Finding(
        "connectors.slot_lag",
        f"WAL that slot {expected.slot} holds",
        f"below {mebibytes(_SMALL_LAG)}, wal_status reserved",
        f"{mebibytes(slot['lag'] or 0)}, wal_status {slot['wal_status']}",
        slot["lag"] is not None and slot["lag"] < _SMALL_LAG and slot["wal_status"] == "reserved",
        hint,
    )


def _stream(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.postgresql
    slot = f"cdc_verify_{context.run}"
    payload = f"verify {context.run}"

    def emit() -> None:
        with context.postgresql() as connection:
            connection.execute("SELECT pg_logical_emit_message(true, %s, %s)", (expected.message_prefix, payload))

    received = stream_until(
        context.plan.endpoints.postgresql, slot, expected.capture_publication, emit, payload.encode(), _STREAM_SECONDS
    )
    yield Finding(
        "postgresql.wal_streaming",
        "a temporary slot is created and WAL streams through it",
        "the change",
        "it did not arrive" if received is None else f"it arrived, after {received} bytes",
        received is not None,
        "Are wal_level, max_wal_senders and a free replication slot there?",
    )
    with context.postgresql() as connection:
        left = wait_for(
            lambda: connection.execute(
                "SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", (slot,)
            ).fetchone(),
            lambda row: row == (0,),
            5.0,
        )
    yield equal("postgresql.slot_dropped", "temporary slots left behind", 0, left[0] if left else None)


STEPS = (
    Step("postgresql.settings", "postgresql", _settings, "T4", ("version", "<setting>")),
    Step(
        "postgresql.tables",
        "postgresql",
        _tables,
        "T4",
        (
            "table.<table>",
            "foreign_keys",
            "cdc_role",
            "cdc_role_reads",
            "cdc_role_writes_not",
            "cdc_role_creates_not",
            "capture_publication",
            "publication",
            "unidentified",
        ),
    ),
    Step("postgresql.wal_streaming", "postgresql", _stream, "T4", ("wal_streaming", "slot_dropped"), writes=True),
)
# The slot is the connector's, so it is looked at with it.
SLOT = Step("connectors.slot_follows", "connectors", _slot, "T4", ("slot_follows", "slot_lag"))
