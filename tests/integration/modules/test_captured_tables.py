# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the role postgresql sees of captured tables, on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

QUERY = Path(__file__).resolve().parents[3] / "roles/postgresql/files/captured.sql"
TABLES = """
CREATE SCHEMA s;
CREATE TABLE s.keyed (id int PRIMARY KEY, u int UNIQUE);
CREATE TABLE s.keyless (id int);
CREATE TABLE s.by_index (id int NOT NULL UNIQUE);
CREATE TABLE s.nullable (id int UNIQUE);
CREATE TABLE s.either (id int NOT NULL UNIQUE, u int UNIQUE);
CREATE TABLE s.partial (id int NOT NULL); CREATE UNIQUE INDEX ON s.partial (id) WHERE id > 0;
CREATE TABLE s.expression (id int NOT NULL); CREATE UNIQUE INDEX ON s.expression ((id + 1));
CREATE TABLE s.computed (id int PRIMARY KEY, "Net" numeric, twice numeric GENERATED ALWAYS AS ("Net" * 2) STORED,
    "Half" numeric GENERATED ALWAYS AS ("Net" / 2) STORED, gone int GENERATED ALWAYS AS (id) STORED);
ALTER TABLE s.computed DROP COLUMN gone;
ALTER TABLE s.computed REPLICA IDENTITY FULL;
CREATE TABLE s.parts (id int, d date, PRIMARY KEY (id, d)) PARTITION BY RANGE (d);
CREATE TABLE s."Part 1" PARTITION OF s.parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY RANGE (d);
CREATE TABLE s.leaf PARTITION OF s."Part 1" FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE s.full_leaf PARTITION OF s."Part 1" FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
ALTER TABLE s.full_leaf REPLICA IDENTITY FULL;
CREATE TYPE s.state AS ENUM ('a'); CREATE DOMAIN s.states AS s.state[]; CREATE DOMAIN s.named AS refcursor;
CREATE TABLE s.cursors (id int PRIMARY KEY, one refcursor, two refcursor[], three s.named, four text);
CREATE TABLE s.misplaced (id int PRIMARY KEY, g int GENERATED ALWAYS AS (id) STORED, state s.state);
CREATE TABLE s.misplaced_too (state s.states, g int GENERATED ALWAYS AS (id) STORED, id int PRIMARY KEY);
CREATE TABLE s.last (id int PRIMARY KEY, state s.state, g int GENERATED ALWAYS AS (id) STORED);
CREATE DOMAIN s.list AS int[]; CREATE TABLE s.by_list (id s.list PRIMARY KEY);
CREATE TABLE s.alike (id int PRIMARY KEY, "Note" text, note text, other int);
CREATE VIEW s.view AS SELECT 1;
"""


def captured(database: psycopg.Connection[Any]) -> dict[str, dict[str, Any]]:
    names = database.execute("SELECT relname FROM pg_class WHERE relnamespace = 's'::regnamespace").fetchall()
    cursor = database.cursor(row_factory=psycopg.rows.dict_row)
    cursor.execute(QUERY.read_text(), (" ".join(f"s.{name}" for (name,) in names),))
    return {row["table"]: row for row in cursor.fetchall()}


def test_keys_generated_columns_and_identities(database: psycopg.Connection[Any]):
    database.execute(TABLES)
    found = captured(database)
    assert {"view", "keyed_pkey"}.isdisjoint(found)
    keyed = {"keyed", "by_index", "computed", "parts", "Part 1", "leaf", "full_leaf"}
    keyed |= {"cursors", "misplaced", "misplaced_too", "last", "alike"}
    assert {name for name, row in found.items() if row["misplaced"]} == {"misplaced", "misplaced_too"}
    assert found["cursors"]["cursors"] == ["s.cursors.one", "s.cursors.two", "s.cursors.three"]
    # A name with a blank cannot be captured.
    assert {name for name, row in found.items() if row["keyed"]} == keyed - {"Part 1"}
    assert {name: row["alike"] for name, row in found.items() if row["alike"]} == {"alike": ["Note", "note"]}
    apart = {name for name, row in found.items() if row["tells_apart"]}
    assert apart == {name for name, row in found.items() if row["keyed"]} | {"by_list"}
    assert found["computed"]["generated"] == ["s.computed.twice", "s.computed.Half"]
    assert found["computed"]["not_full"] == []
    assert found["keyed"]["not_full"] == ["s.keyed"]
    assert found["parts"]["not_full"] == ['s."Part 1"', "s.leaf", "s.parts"]
    for table in found["parts"]["not_full"]:
        database.execute(f"ALTER TABLE {table} REPLICA IDENTITY FULL")
    assert captured(database)["parts"]["not_full"] == []
