# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables that are altered while their changes are read: each change is read as its table was by then."""

from __future__ import annotations

import psycopg
from connector import Connector


def test_a_renamed_table_is_no_longer_the_captured_one(database: psycopg.Connection, connector: Connector):
    database.execute("CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE next (id int PRIMARY KEY)")
    database.execute("CREATE TABLE last (id int PRIMARY KEY); INSERT INTO last VALUES (0)")
    connector.start(["public.orders", "public.last"])
    connector.wait(1)
    database.execute("INSERT INTO orders VALUES (1)")
    connector.wait(2)
    # As tables are exchanged.
    database.execute(
        "BEGIN; INSERT INTO next VALUES (2); ALTER TABLE orders RENAME TO old; ALTER TABLE next RENAME TO orders;"
        "INSERT INTO old VALUES (3); INSERT INTO orders VALUES (4); COMMIT"
    )
    database.execute("INSERT INTO old VALUES (5); UPDATE old SET id = 6 WHERE id = 5; DELETE FROM old WHERE id = 6")
    database.execute("TRUNCATE old; INSERT INTO orders VALUES (7)")
    # And back.
    database.execute("ALTER TABLE orders RENAME TO next; ALTER TABLE old RENAME TO orders")
    database.execute("INSERT INTO next VALUES (8); INSERT INTO orders VALUES (9); INSERT INTO last VALUES (1)")
    records = connector.wait(6)
    connector.stop()
    rows = [row["value"] for row in records if row["topic"] == "postgres.public.orders"]
    assert [(row["__op"], row["id"]) for row in rows] == [("c", 1), ("c", 4), ("c", 7), ("c", 9)]


def test_columns_that_change_behind_a_new_enum_value(database: psycopg.Connection, connector: Connector):
    database.execute("CREATE TYPE state AS ENUM ('old')")
    database.execute("CREATE TABLE t (id int PRIMARY KEY, gone text, state state, a text, b text)")
    database.execute("INSERT INTO t VALUES (1, 'gone', 'old', 'a', 'b')")
    connector.start(["public.t"])
    connector.wait(1)
    database.execute("ALTER TYPE state ADD VALUE 'new'")
    database.execute(
        "BEGIN; INSERT INTO t VALUES (2, 'gone', 'new', 'a', 'b'); ALTER TABLE t DROP COLUMN gone;"
        "ALTER TABLE t RENAME COLUMN a TO c; ALTER TABLE t RENAME COLUMN b TO a;"
        "INSERT INTO t VALUES (3, 'new', 'a', 'b'); COMMIT"
    )
    records = connector.wait(3)
    connector.stop()
    first, before, after = (
        {name: value for name, value in row["value"].items() if not name.startswith("__")} for row in records
    )
    assert first == {"id": 1, "gone": "gone", "state": "old", "a": "a", "b": "b"}
    assert before == {"id": 2, "gone": "gone", "state": "new", "a": "a", "b": "b"}
    assert after == {"id": 3, "state": "new", "c": "a", "a": "b"}


def test_a_generated_column_before_a_new_enum_value(database: psycopg.Connection, connector: Connector):
    database.execute("CREATE TYPE state AS ENUM ('old')")
    database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, state state, a text)"
    )
    database.execute("INSERT INTO t (id, state, a) VALUES (1, 'old', 'a')")
    connector.start(["public.t"], column__exclude__list="public.t.twice")
    connector.wait(1)
    database.execute("ALTER TYPE state ADD VALUE 'new'")
    database.execute("INSERT INTO t (id, state, a) VALUES (2, 'new', 'b'), (3, 'old', 'c')")
    records = connector.wait(3)
    connector.stop()
    rows = [(row["value"]["id"], row["value"]["state"], row["value"]["a"]) for row in records]
    assert rows == [(1, "old", "a"), (2, "new", "b"), (3, "old", "c")]
