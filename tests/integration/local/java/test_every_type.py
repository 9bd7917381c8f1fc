# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every type that PostgreSQL and its extensions have, with its extremes: what arrives is what PostgreSQL has."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
from connector import BEFORE, Connector, Java, Row
from expected import same
from values import INTERNAL, MODIFIED, SETUP, values

TYPES = """
SELECT format_type(t.oid, NULL) FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem
WHERE t.typisdefined AND t.typtype IN ('b', 'r', 'm', 'e', 'd') AND t.typrelid = 0
  AND t.typnamespace IN ('pg_catalog'::regnamespace, 'public'::regnamespace)
  AND t.typname <> ALL (%(internal)s) AND coalesce(e.typname, '') <> ALL (%(internal)s)
  AND (e.oid IS NULL OR e.typtype <> 'p' AND (e.typrelid = 0 OR e.typname = 'pair'))
UNION ALL SELECT 'pair' ORDER BY 1
"""
# All that alters what PostgreSQL prints, set as it is hardest for a client to see.
HOSTILE = {
    "bytea_output": "escape",
    "intervalstyle": "sql_standard",
    "extra_float_digits": "-15",
    "datestyle": "German",
    "timezone": "Asia/Tokyo",
    "search_path": "public",
    "quote_all_identifiers": "on",
}
OURS = {"id", "__op", "__lsn", "__txId", "__ts_us", "__source_ts_us", "__commit_order"}


def declared(columns: list[str]) -> str:
    return ", ".join(f"c{number} {name}" for number, name in enumerate(columns))


def insert(database: psycopg.Connection, table: str, columns: list[str], first: int) -> int:
    """A row for each value of the type that has most; how many."""
    inputs = [values(name) for name in columns]
    count = max(map(len, inputs))
    for row in range(count):
        cells = [
            "NULL" if row >= len(texts) else psycopg.sql.Literal(texts[row]).as_string(database) + f"::{name}"
            for texts, name in zip(inputs, columns, strict=True)
        ]
        database.execute(f"INSERT INTO {table} VALUES ({first + row}, {', '.join(cells)})".encode())
    return count


def printed(database: psycopg.Connection, columns: list[str], ids: range) -> dict[int, list[str | None]]:
    """What PostgreSQL's output functions print, by id; a cast to text would alter some."""
    database.execute("SET search_path = ''; SET timezone = 'UTC'; SET extra_float_digits = 1; SET bytea_output = hex")
    cells = ", ".join(f"CASE num_nulls(c{n}) WHEN 0 THEN format('%s', c{n}) END" for n in range(len(columns)))
    query = f"SELECT id, {cells} FROM public.many WHERE id >= {ids.start} AND id < {ids.stop}"
    return {row[0]: list(row[1:]) for row in database.execute(query.encode())}


def test_every_type_by_snapshots_and_stream(database: psycopg.Connection, connector: Connector, tmp_path: Path):
    database.execute(SETUP)
    found = database.execute(TYPES, {"internal": list(INTERNAL)}).fetchall()
    columns = [name for (name,) in found] + list(MODIFIED)
    database.execute(f"CREATE TABLE many (id int PRIMARY KEY, {declared(columns)})".encode())
    database.execute(f"CREATE TABLE added (id int PRIMARY KEY, {declared(columns)})".encode())
    count = insert(database, "many", columns, 0)
    insert(database, "added", columns, 0)
    for name, value in HOSTILE.items():
        database.execute(f"ALTER ROLE postgres IN DATABASE {database.info.dbname} SET {name} = '{value}'")

    connector.start(["public.many", "public.added"], snapshot__include__collection__list="public.many")
    connector.wait(count)
    insert(database, "many", columns, 100)
    connector.wait(2 * count)
    connector.snapshot("public.added")
    connector.wait(3 * count)
    database.execute("UPDATE many SET id = id + 1000 WHERE id < 100; DELETE FROM many WHERE id >= 1000")
    database.execute("TRUNCATE added")
    records = connector.wait(3 * count + 3 * count + 1)
    connector.stop()
    assert "ERROR" not in connector.log()

    initial = by_id(records, "postgres.public.many", "r", 0)
    stream = by_id(records[: 2 * count], "postgres.public.many", "c", 100)
    incremental = by_id(records, "postgres.public.added", "r", 0)
    assert len(initial) == len(stream) == len(incremental) == count
    types = {field["name"]: field["type"] for field in records[0]["value_schema"]["fields"]}
    texts = printed(database, columns, range(100, 100 + count))
    wrong = []
    for number, name in enumerate(columns):
        column = f"c{number}"
        for row in range(count):
            cells = [cell(rows[row], column) for rows in (initial, incremental, stream)]
            text = texts[100 + row][number]
            if not cells[0] == cells[1] == cells[2]:
                wrong.append((name, row, cells))
            value, beside = cells[2]
            right = value is None and beside is None if text is None else (
                same(value, types[column], text) if value is not None else beside == text
            )  # fmt: skip
            if not right:
                wrong.append((name, text, value, beside))
    assert wrong == []
    assert len({json.dumps(record["value_schema"]).replace("added", "many") for record in records}) == 1
    assert all(field["default"] is None for field in records[0]["value_schema"]["fields"])

    truncated = records[-1]["value"]
    assert (truncated["__op"], truncated["__deleted"], truncated["id"]) == ("t", "true", None)
    assert truncated["__commit_order"] is not None and truncated["__unsent"] is None
    deleted = [record["value"] for record in records if record["value"]["__op"] == "d"]
    assert all(row["__unsent"] == [f"c{n}" for n in range(len(columns))] for row in deleted)


def test_every_byte_of_char(database: psycopg.Connection, connector: Connector):
    every = 'SELECT n & 255, n::"char" FROM generate_series(-128, 127) n'
    for table in ("first", "added"):
        database.execute(f'CREATE TABLE {table} (id int PRIMARY KEY, c "char")'.encode())
        database.execute(f"INSERT INTO {table} {every}".encode())
    connector.start(["public.first", "public.added"], snapshot__include__collection__list="public.first")
    connector.wait(256)
    connector.snapshot("public.added")
    connector.wait(512)
    database.execute(f"DELETE FROM first; INSERT INTO first {every}".encode())
    connector.wait(4 * 256)
    records = connector.stop()
    right = {n: "" if n == 0 else chr(n) if n < 128 else f"\\{n:o}" for n in range(256)}
    for table, operation in (("first", "r"), ("added", "r"), ("first", "c")):
        rows = by_id(records, f"postgres.public.{table}", operation, 0)
        assert {n: row["c"] for n, row in rows.items()} == right


def by_id(records: list[Row], topic: str, operation: str, first: int) -> dict[int, Row]:
    rows = [record["value"] for record in records if record["topic"] == topic]
    return {row["id"] - first: row for row in rows if row["__op"] == operation}


def cell(row: Row, column: str) -> tuple[object, str | None]:
    return row[column], (row["__text"] or {}).get(column)


def test_subjects_of_before_stay_compatible(
    database: psycopg.Connection, connector: Connector, java: Java, tmp_path: Path
):
    database.execute(SETUP)
    found = database.execute(TYPES, {"internal": list(INTERNAL)}).fetchall()
    columns = [name for (name,) in found] + list(MODIFIED)
    required = [f"n{n} {name} NOT NULL" for n, name in enumerate(("int", "text", "numeric", "timestamptz", "mood"))]
    defaults = ["d0 int DEFAULT 5", "d1 text DEFAULT 'x'", "d2 timestamptz DEFAULT now()", "d3 numeric(5,2) DEFAULT 1"]
    rest = [*required, *defaults, "PRIMARY KEY (id, at, price)"]
    key = "id int, at timestamp, price numeric"
    database.execute(f"CREATE TABLE many ({key}, {declared(columns)}, {', '.join(rest)})".encode())
    database.execute(
        "INSERT INTO many (id, at, price, n0, n1, n2, n3, n4, d0, d1, d2, d3)"
        " VALUES (1, 'infinity', 'NaN', 1, '', 1, now(), 'ok', NULL, NULL, NULL, NULL)"
    )
    schemas = {}
    for version, settings in {"before": {**BEFORE, "slot.name": "before"}, "now": {}}.items():
        connector.start(["public.many"], **settings)
        if version == "before":
            # A NaN in a required column ends a task of before; its schema is all that is asked for.
            database.execute("UPDATE many SET price = 1, at = now()")
        schemas[version] = connector.wait(1)[0]
        connector.stop()
    for part in ("key_schema", "value_schema"):
        files = []
        for version, record in schemas.items():
            files.append(tmp_path / f"{version}.avsc")
            files[-1].write_text(json.dumps(record[part]))
        assert java.run("Compatibility", *files) == ""
    # What would not be: the same question with the parts exchanged.
    assert java.run("Compatibility", *reversed(files)) != ""
    row = schemas["now"]["value"]
    assert [row[f"d{n}"] for n in range(4)] == [None] * 4
