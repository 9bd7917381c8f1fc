# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What PostgreSQL does not send of a row: unchanged TOASTed values, and the old row of a delete.

With REPLICA IDENTITY FULL it sends both.
"""

from __future__ import annotations

from typing import Any

import pytest
from cases import Table
from pipeline import OBJECTS, VIEWS, Archived
from reading import Row, Unsent

# An expression for each type that can be TOASTed, so large that none stays in a row, which has 2 kB at most.
# {n}: what tells rows apart.
_LONG = "repeat('{n}', 3000)"
_PLACEHOLDER = "__debezium_unavailable_value"
_LONGEST = "repeat('{n}', 100000)"
_MANY = "(SELECT array_agg({each}) FROM generate_series(1, {count}) i)"
TOASTED = {
    "text": _LONGEST,
    "varchar": _LONG,
    "char(3500)": _LONG,
    "varchar(3500)": _LONG,
    "json": f"to_json({_LONG})",
    "jsonb": f"to_jsonb({_LONG})",
    "xml": f"xmlparse(content '<a>' || {_LONG} || '</a>')",
    "bytea": f"convert_to({_LONG}, 'UTF8')",
    "varbit": "repeat('1', 20000 + {n})::varbit",
    "bit(20000)": "repeat('1', 10000 + {n})::bit(20000)",
    "numeric": "repeat('{n}7', 4000)::numeric",
    "tsvector": "(SELECT string_agg('w{n}' || i, ' ')::tsvector FROM generate_series(1, 400) i)",
    "path": "(SELECT ('[' || string_agg('({n},' || i || ')', ',') || ']')::path FROM generate_series(1, 400) i)",
    "polygon": "(SELECT ('(' || string_agg('({n},' || i || ')', ',') || ')')::polygon FROM generate_series(1, 400) i)",
    "int4multirange": "(SELECT range_agg(int4range(i * 4, i * 4 + {n} % 2 + 1)) FROM generate_series(1, 400) i)",
    "numrange": "numrange(0, repeat('{n}7', 4000)::numeric)",
    "hstore": f"hstore('a', {_LONG})",
    "citext": _LONG,
    **{
        f"{type_}[]": _MANY.replace("{each}", f"({each})::{type_}").replace("{count}", "700")
        for type_, each in {
            "smallint": "i + {n}",
            "int": "i + {n}",
            "bigint": "i + {n}",
            "real": "i + {n}",
            "double precision": "i + {n}",
            "numeric": "i + {n}.5",
            "money": "i + {n}",
            "text": "'t{n}' || i",
            "varchar": "'t{n}' || i",
            "char(9)": "'t{n}' || i",
            "name": "'t{n}' || i",
            "json": "to_json(i + {n})",
            "jsonb": "to_jsonb(i + {n})",
            "bytea": "convert_to('t{n}' || i, 'UTF8')",
            "uuid": "lpad((i + {n})::text, 32, '0')",
            "date": "date '2024-01-01' + i + {n}",
            "time": "time '00:00' + (i + {n}) * interval '1 second'",
            "timetz": "timetz '00:00+02' + (i + {n}) * interval '1 second'",
            "timestamp": "timestamp '2024-01-01' + (i + {n}) * interval '1 second'",
            "timestamptz": "timestamptz '2024-01-01 00:00+00' + (i + {n}) * interval '1 second'",
            "interval": "(i + {n}) * interval '1 second'",
            "inet": "inet '10.0.0.0' + i + {n}",
            "int4range": "int4range(i, i + {n})",
            "point": "point(i, {n})",
            "bit(3)": "i::bit(3)",
            "varbit": "i::bit(5)",
            "{t.OWN_mood}": "CASE WHEN i % 2 = {n} % 2 THEN 'ok' ELSE 'bad' END",
            "{t.OWN_pair}": "ROW(i, 't{n}')",
        }.items()
    },
    "boolean[]": "(SELECT array_agg(i % 2 = {n} % 2) FROM generate_series(1, 3000) i)",
    "int[][]": "ARRAY[(SELECT array_agg(i + {n}) FROM generate_series(1, 3000) i)]",
    "{t.OWN_pair}": f"ROW(1, {_LONG})::{{t.OWN_pair}}",
    "{t.OWN_long}": _LONG,
}
COLUMNS = {f"c{at}": type_ for at, type_ in enumerate(TOASTED)}
_EXPRESSIONS = dict(zip(COLUMNS, TOASTED.values(), strict=True))


def _values(number: int) -> str:
    return ", ".join(each.replace("{n}", str(number)) for each in _EXPRESSIONS.values())


def _insert(number: int) -> str:
    return f"INSERT INTO {{t}} (id, n, {', '.join(COLUMNS)}) SELECT {number}, 0, {_values(number)}"


def _toasted(name: str, identity: str, options: str = "") -> Table:
    columns = ", ".join(f"{column} {type_} {options}" for column, type_ in COLUMNS.items())
    texts = [
        "CREATE EXTENSION IF NOT EXISTS hstore SCHEMA pg_catalog",
        "ALTER EXTENSION hstore SET SCHEMA pg_catalog",
        "CREATE EXTENSION IF NOT EXISTS citext SCHEMA pg_catalog",
        "ALTER EXTENSION citext SET SCHEMA pg_catalog",
        "CREATE TYPE {t.OWN_mood} AS ENUM ('ok', 'bad')",
        "CREATE TYPE {t.OWN_pair} AS (a int, b text)",
        "CREATE DOMAIN {t.OWN_long} AS text",
        f"CREATE TABLE {{t}} (id int PRIMARY KEY, n int, {columns})",
        # Neither compressed nor in the row, however short a value is.
        f"ALTER TABLE {{t}} {', '.join(f'ALTER COLUMN {column} SET STORAGE EXTERNAL' for column in COLUMNS)}",
    ]
    after = [
        f"ALTER TABLE {{t}} REPLICA IDENTITY {identity}",
        _insert(2),
        "UPDATE {t} SET n = 1",
        "UPDATE {t} SET n = 2",
        _insert(3),
        "UPDATE {t} SET id = 30 WHERE id = 3",
        _insert(4),
        f"UPDATE {{t}} SET c0 = {_LONGEST.replace('{n}', '8')} WHERE id = 4",
        "UPDATE {t} SET n = 3 WHERE id = 4",
        _insert(5),
        "DELETE FROM {t} WHERE id = 5",
    ]
    drop = ("DROP DOMAIN IF EXISTS {t.OWN_long}", "DROP TYPE IF EXISTS {t.OWN_mood}, {t.OWN_pair}")

    def own(given: list[str] | tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each.replace("OWN", name) for each in given)

    return Table(name, own(texts), own([_insert(1)]), own(after), own(drop))


# A column of each kind that must not be null, of which a delete sends nothing.
NOT_NULL = {
    "int": "7",
    "smallint": "7",
    "bigint": "7",
    "real": "1.5",
    "double precision": "1.5",
    "numeric(10,2)": "1.50",
    "numeric": "1.50",
    "boolean": "true",
    "text": "x",
    "char(3)": "x  ",
    "bytea": "\\x01",
    "date": "2024-01-01",
    "time": "12:00:00",
    "timetz": "12:00:00+02",
    "timestamp": "2024-01-01 12:00:00",
    "timestamptz": "2024-01-01 12:00:00+00",
    "uuid": "6f2d1c1e-0000-4000-8000-000000000001",
    "json": "{}",
    "jsonb": "{}",
    "inet": "10.0.0.1",
    "int4range": "[1,2)",
    "pg_lsn": "0/1",
    "{t.OWN_state}": "ok",
}
_GONE = {f"c{at}": type_ for at, type_ in enumerate(NOT_NULL)}
_FURTHER = {"lists": "int[]", "spans": "interval", "dated": "int DEFAULT 5", "maybe": "text DEFAULT 'x'"}


def _deleted(name: str, identity: str) -> Table:
    columns = ", ".join(f"{column} {type_} NOT NULL" for column, type_ in {**_GONE, **_FURTHER}.items())
    values = ", ".join(f"'{each}'" for each in [*NOT_NULL.values(), "{1}", "1 day", "6", "y"])
    row = f"INSERT INTO {{t}} VALUES ({{id}}, {values})"
    return Table(
        name,
        (
            f"CREATE TYPE {{t.{name}_state}} AS ENUM ('ok', 'bad')",
            f"CREATE TABLE {{t}} (id int PRIMARY KEY, {columns})".replace("OWN", name),
        ),
        (row.replace("{id}", "1"), row.replace("{id}", "3")),
        (
            f"ALTER TABLE {{t}} REPLICA IDENTITY {identity}",
            row.replace("{id}", "2"),
            "DELETE FROM {t} WHERE id IN (1, 2)",
        ),
        (f"DROP TYPE IF EXISTS {{t.{name}_state}}",),
    )


TABLES = [
    _toasted("toasted", "DEFAULT"),
    _toasted("toasted_strict", "DEFAULT", "NOT NULL"),
    _toasted("toasted_full", "FULL"),
    _deleted("deleted", "DEFAULT"),
    _deleted("deleted_full", "FULL"),
    Table(
        "placeholders",
        ("CREATE TABLE {t} (id int PRIMARY KEY, note text, raw bytea)",),
        after=(f"INSERT INTO {{t}} VALUES (1, '{_PLACEHOLDER}', convert_to('{_PLACEHOLDER}', 'UTF8'))",),
    ),
]
EACH_READER = pytest.mark.parametrize("reader", [OBJECTS, VIEWS])
EACH_COLUMN = pytest.mark.parametrize(
    "column", [pytest.param(name, id=type_.replace("{t.OWN_", "").replace("}", "")) for name, type_ in COLUMNS.items()]
)


def _whole(row: Row, column: str) -> Any:
    """A value in either place."""
    assert "__unsent" not in row.notes(column), row.notes(column)
    return row[column] if row[column] is not None else row.notes(column).get("__text")


def _updates(archived: Archived, table: str, reader: str, **values: Any) -> list[Row]:
    found = [row for row in archived.rows(table, reader) if row.op == "u" and values.items() <= row.items()]
    assert found, f"no update of {table} {values}"
    return found


@EACH_COLUMN
@pytest.mark.parametrize("table", ["toasted", "toasted_strict"])
def test_an_unchanged_toasted_value_is_named_as_not_sent(archived: Archived, table: str, column: str):
    for reader in (OBJECTS, VIEWS):
        for number in (1, 2):
            found = [row.cell(column, "") for row in _updates(archived, table, reader, id=number)]
            assert found == [Unsent(), Unsent()], reader
        last = _updates(archived, table, reader, id=4, n=3)
        assert [row.cell(column, "") for row in last] == [Unsent()], reader


@EACH_COLUMN
def test_an_unchanged_toasted_value_is_sent_with_full_identity(archived: Archived, column: str):
    for reader in (OBJECTS, VIEWS):
        expected = _whole(archived.row("toasted_full", reader, "r", id=1), column)
        assert expected is not None
        rows = _updates(archived, "toasted_full", reader, id=1)
        assert len(rows) == 2
        assert all(_whole(row, column) == expected for row in rows), reader


@EACH_COLUMN
@pytest.mark.parametrize("table", ["toasted", "toasted_strict", "toasted_full"])
def test_the_current_row_has_an_unchanged_toasted_value(archived: Archived, table: str, column: str):
    now = {row["id"]: row for row in archived.current[table]}
    assert sorted(now) == [1, 2, 4, 30]
    assert [now[number]["n"] for number in (1, 2, 4, 30)] == [2, 2, 3, 0]
    for number, (op, first) in {1: ("r", 1), 2: ("c", 2), 30: ("c", 3)}.items():
        sent = archived.row(table, VIEWS, op, id=first)
        assert (now[number][column], now[number].notes(column)) == (sent[column], sent.notes(column))


@pytest.mark.parametrize("table", ["toasted", "toasted_strict", "toasted_full"])
def test_the_current_row_has_the_last_toasted_value_that_was_sent(archived: Archived, table: str):
    """Neither the first nor none: it was changed, and then another column was."""
    assert [row["c0"] for row in archived.current[table] if row["id"] == 4] == ["8" * 100_000]


@EACH_READER
@pytest.mark.parametrize("table", ["toasted", "toasted_strict"])
def test_a_changed_key_names_what_was_not_sent(archived: Archived, table: str, reader: str):
    row = archived.row(table, reader, "c", id=30)
    assert {column: row.cell(column, "") for column in COLUMNS} == dict.fromkeys(COLUMNS, Unsent())


@EACH_READER
def test_a_text_that_is_debeziums_placeholder_is_a_text(archived: Archived, reader: str):
    row = archived.row("placeholders", reader, "c", id=1)
    assert row.cell("note", "text") == _PLACEHOLDER
    assert row.cell("raw", "bytea") == "\\x" + _PLACEHOLDER.encode().hex()


@pytest.mark.parametrize(
    "column",
    [pytest.param(name, id=type_.replace("{t.OWN_", "").strip("}")) for name, type_ in {**_GONE, **_FURTHER}.items()],
)
def test_a_delete_invents_nothing(archived: Archived, column: str):
    for reader in (OBJECTS, VIEWS):
        for number in (1, 2):
            assert archived.row("deleted", reader, "d", id=number).cell(column, "") == Unsent(), reader


@pytest.mark.parametrize("column", [*_GONE, *_FURTHER])
def test_a_delete_has_the_old_row_with_full_identity(archived: Archived, column: str):
    for reader in (OBJECTS, VIEWS):
        for number, (op, kept) in {1: ("r", 1), 2: ("c", 2)}.items():
            before = archived.row("deleted_full", reader, op, id=kept)
            after = archived.row("deleted_full", reader, "d", id=number)
            assert after.cell(column, "") == before.cell(column, "")
            assert after.cell(column, "") is not None


@pytest.mark.parametrize("table", ["deleted", "deleted_full"])
def test_a_deleted_row_is_no_current_one(archived: Archived, table: str):
    assert [row["id"] for row in archived.current[table]] == [3]


@EACH_READER
def test_a_delete_of_toasted_values_names_them(archived: Archived, reader: str):
    row = archived.row("toasted", reader, "d", id=5)
    assert row.named("__unsent") == {"n", *COLUMNS}


@EACH_READER
def test_a_delete_of_toasted_values_has_them_with_full_identity(archived: Archived, reader: str):
    before = archived.row("toasted_full", reader, "c", id=5)
    after = archived.row("toasted_full", reader, "d", id=5)
    for column in COLUMNS:
        assert _whole(after, column) == _whole(before, column), column
        assert _whole(after, column) is not None
