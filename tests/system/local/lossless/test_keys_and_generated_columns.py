# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables with generated columns, and such whose key is a unique index: all their rows come."""

from __future__ import annotations

import pytest
from cases import Table, made
from pipeline import OBJECTS, VIEWS, Archived
from signed_in import signed_in

_GENERATED = "int GENERATED ALWAYS AS (n * 2) STORED"


def _rows(first: int, last: int, columns: str = "id, n, note") -> str:
    return f"INSERT INTO {{t}} ({columns}) SELECT i, i, 'x' || i FROM generate_series({first}, {last}) i"


def _changed(name: str, create: str) -> Table:
    return Table(
        name,
        (create,),
        (_rows(1, 100),),
        (_rows(101, 110), "UPDATE {t} SET n = n + 1000 WHERE id IN (1, 101)", "DELETE FROM {t} WHERE id IN (2, 102)"),
    )


TABLES = [
    _changed("generated", f"CREATE TABLE {{t}} (id int PRIMARY KEY, n int, twice {_GENERATED}, note text)"),
    _changed(
        "generated_last", f"CREATE TABLE {{t}} (id int PRIMARY KEY, n int NOT NULL, note text, twice {_GENERATED})"
    ),
    _changed(
        "generated_strict",
        f'CREATE TABLE {{t}} (twice {_GENERATED} NOT NULL, id int PRIMARY KEY, "th-rice" text GENERATED ALWAYS AS'
        " (note || note || note) STORED, n int, note text)",
    ),
    Table(
        "index_as_key",
        ("CREATE TABLE {t} (n int UNIQUE, note text)", "ALTER TABLE {t} REPLICA IDENTITY FULL"),
        ("INSERT INTO {t} VALUES (NULL, 'one'), (NULL, 'two'), (NULL, 'three'), (4, 'four')",),
        ("INSERT INTO {t} VALUES (NULL, 'five'), (6, 'six')", "UPDATE {t} SET note = 'FIVE' WHERE note = 'five'"),
        keyed=False,
    ),
    Table(
        "partial_index_as_key",
        (
            "CREATE TABLE {t} (n int NOT NULL, note text)",
            "CREATE UNIQUE INDEX ON {t} (n) WHERE note < 'm'",
            "ALTER TABLE {t} REPLICA IDENTITY FULL",
        ),
        ("INSERT INTO {t} VALUES (1, 'one'), (1, 'two'), (1, 'three'), (4, 'four')",),
        ("INSERT INTO {t} VALUES (1, 'x five'), (6, 'six')", "UPDATE {t} SET note = 'FIVE' WHERE note = 'x five'"),
        keyed=False,
    ),
    Table(
        "index_of_two_as_key",
        ("CREATE TABLE {t} (n int, m int NOT NULL, note text, UNIQUE (n, m))", "ALTER TABLE {t} REPLICA IDENTITY FULL"),
        ("INSERT INTO {t} VALUES (NULL, 1, 'one'), (NULL, 1, 'two'), (NULL, 2, 'three'), (4, 4, 'four')",),
        ("INSERT INTO {t} VALUES (NULL, 1, 'five'), (6, 6, 'six')", "UPDATE {t} SET note = 'FIVE' WHERE note = 'five'"),
        keyed=False,
    ),
]
ALIKE = ["index_as_key", "partial_index_as_key", "index_of_two_as_key"]
GENERATED = {"generated": ["twice"], "generated_last": ["twice"], "generated_strict": ["twice", "th-rice"]}
EACH_READER = pytest.mark.parametrize("reader", [OBJECTS, VIEWS])


@EACH_READER
@pytest.mark.parametrize("table", GENERATED)
def test_rows_of_a_table_with_a_generated_column_come(archived: Archived, table: str, reader: str):
    rows = archived.rows(table, reader)
    by_snapshot = sorted((row["id"], row["n"], row["note"]) for row in rows if row.op == "r")
    assert by_snapshot == [(i, i, f"x{i}") for i in range(1, 101)]
    inserted = sorted((row["id"], row["n"], row["note"]) for row in rows if row.op == "c")
    assert inserted == [(i, i, f"x{i}") for i in range(101, 111)]
    assert sorted((row["id"], row["n"], row["note"]) for row in rows if row.op == "u") == [
        (1, 1001, "x1"),
        (101, 1101, "x101"),
    ]
    assert sorted(row["id"] for row in rows if row.op == "d") == [2, 102]


@EACH_READER
@pytest.mark.parametrize("table", GENERATED)
def test_a_generated_column_is_in_no_row_with_a_value_that_others_lack(archived: Archived, table: str, reader: str):
    """PostgreSQL sends it in no change, so it would be null in some rows and not in others."""
    for row in archived.rows(table, reader):
        assert not {"twice", "th_rice", "th-rice"} & set(row)


@pytest.mark.parametrize("table", GENERATED)
def test_a_generated_column_is_named_when_its_table_is_captured(archived: Archived, table: str):
    assert f"public.{made(table)} {GENERATED[table][0]}" in archived.said
    for column in GENERATED[table]:
        assert column in archived.said


@EACH_READER
@pytest.mark.parametrize("table", ALIKE)
def test_rows_with_null_in_the_index_that_is_their_key_all_come(archived: Archived, table: str, reader: str):
    """Debezium keeps one of those that are alike in it, so none of its incremental snapshots reads them."""
    rows = sorted((row.op, row["note"]) for row in archived.rows(table, reader))
    by_snapshot = [("r", note) for note in ("four", "one", "three", "two")]
    five = "x five" if table == "partial_index_as_key" else "five"
    assert rows == sorted([("c", five), ("c", "six"), *by_snapshot, ("u", "FIVE")])


@pytest.mark.parametrize("table", ALIKE)
def test_what_does_not_tell_rows_apart_is_no_key_of_records(archived: Archived, table: str):
    with signed_in(archived.site.endpoints()["schema_registry"]) as registry:
        subjects = registry.get("/subjects").raise_for_status().json()
    topic = f"postgres.public.{made(table)}"
    assert f"{topic}-value" in subjects and f"{topic}-key" not in subjects
