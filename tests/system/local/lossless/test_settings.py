# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""No setting of server, database or role changes a value.

While tables are captured and changed, settings that change PostgreSQL's output are set, each at one of the levels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from cases import WAYS, Table, each_column, holds, table_of
from pipeline import OBJECTS, VIEWS, Archived, changed, connected, restart
from psycopg import sql
from reading import Cell

ROLE, DATABASE = "debezium", "ecommerce"
# Each stands above the ones before it.
LEVELS = ("server", "database", "role", "role in database")
SETTINGS = {
    "bytea_output": "escape",
    "IntervalStyle": "sql_standard",
    "extra_float_digits": "-5",
    "DateStyle": "SQL, DMY",
    "TimeZone": "Asia/Kolkata",
    "xmlbinary": "hex",
    "quote_all_identifiers": "on",
    "search_path": "pg_catalog",
    "client_encoding": "LATIN1",
}
PRINTED = [
    *holds("bytea", "\\x010203ff", "\\x", "\\x5c"),
    *holds("bytea[]", '{"\\\\x010203ff","\\\\x5c",NULL}', seen=["\\x010203ff", "\\x5c", None]),
    *holds("interval", "1 year 2 mons 3 days 04:05:06", seen="P1Y2M3DT4H5M6S"),
    *holds("interval", "-1 year -2 mons +3 days -04:05:06.7", seen="P-1Y-2M3DT-4H-5M-6.7S"),
    *holds("interval[]", '{"1 year 2 mons 3 days 04:05:06"}'),
    *holds("double precision", "0.3333333333333333", "0.1", "123456789.12345679"),
    *holds("real", "0.33333334", "16777216"),
    *holds("double precision[]", "{0.3333333333333333}", seen=["0.3333333333333333"]),
    *holds("real[]", "{0.33333334}", seen=["0.33333334"]),
    *holds("date", "2024-02-01", "0044-03-15 BC"),
    *holds("date[]", "{2024-02-01}", seen=["2024-02-01"]),
    *holds("timestamp", "2024-02-01 12:00:00.000001"),
    *holds("timestamp[]", '{"2024-02-01 12:00:00"}', seen=["2024-02-01 12:00:00"]),
    *holds("timestamptz", "2024-02-01 12:00:00.000001+00"),
    *holds("timestamptz[]", '{"2024-02-01 12:00:00+00"}', seen=["2024-02-01 12:00:00+00"]),
    *holds("time", "12:00:00.5"),
    *holds("timetz", "12:00:00+02"),
    *holds("daterange", "[2024-02-01,2024-03-01)"),
    *holds("tstzrange", '["2024-02-01 12:00:00+00",)'),
    *holds(
        "{t.settings_printed}",
        '(0.3333333333333333,"2024-02-01 12:00:00+00","\\\\x0102ff","1 year 02:00:00",2024-02-01)',
    ),
    *holds("{t.settings_floats}", "[0.3333333333333333,0.5)"),
    *holds("regclass", "pg_class", "public.users"),
    *holds("money", "$1234.50", seen="1234.50"),
    *holds("regtype", "integer"),
    *holds("point[]", '{"(0.1,0.3333333333333333)"}'),
    *holds("text", "naïve 日本"),
    *holds("xml", "<a>é</a>"),
    *holds("jsonb", '{"naïve": 0.30000000000000004}'),
]


def _set(name: str, value: str | None, level: str) -> sql.Composed:
    target = {
        "server": sql.SQL("SYSTEM"),
        "database": sql.SQL("DATABASE {}").format(sql.Identifier(DATABASE)),
        "role": sql.SQL("ROLE {}").format(sql.Identifier(ROLE)),
        "role in database": sql.SQL("ROLE {} IN DATABASE {}").format(sql.Identifier(ROLE), sql.Identifier(DATABASE)),
    }[level]
    if value is None:
        return sql.SQL("ALTER {} RESET {}").format(target, sql.Identifier(name.lower()))
    # What are lists are several words.
    words = sql.SQL(", ").join(sql.Literal(word.strip()) for word in value.split(","))
    return sql.SQL("ALTER {} SET {} = {}").format(target, sql.Identifier(name.lower()), words)


@contextmanager
def surroundings(connection: psycopg.Connection[Any], shift: int = 0) -> Iterator[None]:
    """Each setting at one of the levels; over four shifts each is at all of them."""
    placed = [(name, value, LEVELS[(at + shift) % len(LEVELS)]) for at, (name, value) in enumerate(SETTINGS.items())]
    query = "SELECT split_part(each, '=', 1), substr(each, strpos(each, '=') + 1) FROM unnest(rolconfig) AS each"
    own = connection.execute(f"SELECT s.* FROM pg_roles, LATERAL ({query}) AS s WHERE rolname = %s", (ROLE,)).fetchall()
    try:
        for name, value, level in placed:
            connection.execute(_set(name, value, level))
        connection.execute("SELECT pg_reload_conf()")
        yield
    finally:
        for name, _other, level in placed:
            connection.execute(_set(name, None, level))
        for name, value in own:
            connection.execute(_set(name, value, "role"))
        connection.execute("SELECT pg_reload_conf()")


_PRINTED = table_of(
    "settings",
    PRINTED,
    create=(
        "CREATE TYPE {t.settings_printed} AS (a float8, b timestamptz, c bytea, d interval, e date)",
        "CREATE TYPE {t.settings_floats} AS RANGE (subtype = float8)",
    ),
)
TABLES = [
    Table(
        _PRINTED.name,
        _PRINTED.create,
        _PRINTED.before,
        _PRINTED.after,
        ("DROP TYPE IF EXISTS {t.settings_printed}", "DROP TYPE IF EXISTS {t.settings_floats}"),
    )
]


@each_column("settings", PRINTED)
def test_no_setting_changes_a_value(archived: Archived, table: str, column: str, type_: str, seen: Cell):
    found = {
        f"{way} by {reader}": archived.row(table, reader, op, id=number).cell(column, type_)
        for way, (number, op) in WAYS.items()
        for reader in (OBJECTS, VIEWS)
    }
    assert found == dict.fromkeys(found, seen)


@pytest.mark.full
@pytest.mark.parametrize("shift", range(1, len(LEVELS)))
def test_no_setting_at_any_other_level_changes_a_value(archived: Archived, shift: int):
    with connected(archived.site) as connection, surroundings(connection, shift):
        restart(archived.site)
        columns = ", ".join(["changed", *(f"c{at}" for at in range(len(PRINTED)))])
        row = f"INSERT INTO {{t}} SELECT {100 + shift}, {columns} FROM {{t}} WHERE id = 1"
        rows = changed(archived, "settings", row)
    (added,) = (each for each in rows if each["id"] == 100 + shift)
    seen = {each.label: added.cell(f"c{at}", each.type) for at, each in enumerate(PRINTED)}
    assert seen == {each.label: each.seen for each in PRINTED}
