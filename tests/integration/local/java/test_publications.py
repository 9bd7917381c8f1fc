# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the connector reads through a publication of the captured tables alone, and what it makes of messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
import pytest
from connector import Connector, Row
from role_defaults import message_patterns

ROOTS = """
CREATE SCHEMA old;
CREATE TABLE ev (id int, d date, note text, PRIMARY KEY (id, d)) PARTITION BY RANGE (d);
CREATE TABLE ev_2024 PARTITION OF ev FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY RANGE (d);
CREATE TABLE ev_2024_a PARTITION OF ev_2024 FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE old.ev_2023 (note text, gone int, d date NOT NULL, id int NOT NULL, PRIMARY KEY (id, d));
ALTER TABLE old.ev_2023 DROP COLUMN gone;
ALTER TABLE ev ATTACH PARTITION old.ev_2023 FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE rest PARTITION OF ev DEFAULT;
CREATE TABLE plain (id int PRIMARY KEY);
INSERT INTO ev VALUES (1, '2023-05-05', 'old'), (2, '2024-05-05', 'leaf'), (3, '2030-01-01', 'default');
"""


def publish(database: psycopg.Connection[Any], *tables: str) -> None:
    named = f" FOR TABLE {', '.join(f'ONLY {table}' for table in tables)}" if tables else ""
    database.execute(f"CREATE PUBLICATION own{named} WITH (publish_via_partition_root = true)".encode())


def streams(database: psycopg.Connection[Any], connector: Connector) -> None:
    """Wait until the connector streams, so that what follows is in no snapshot."""
    query = "SELECT active FROM pg_replication_slots WHERE slot_name = 'cdc' AND database = current_database()"
    connector.until(lambda: database.execute(query).fetchone() == (True,), 90)


def rows(records: Iterable[Row], topic: str) -> list[tuple[Any, ...]]:
    return [
        (row["__op"], row["id"], row.get("note"))
        for record in records
        for row in [record["value"]]
        if record["topic"] == f"postgres.public.{topic}"
    ]


def test_partitions_come_as_of_their_root(database: psycopg.Connection[Any], connector: Connector):
    database.execute(ROOTS)
    publish(database, "ev", "plain")
    connector.start(["public.ev", "public.plain"], publication__name="own")
    assert sorted(rows(connector.wait(3), "ev")) == [("r", 1, "old"), ("r", 2, "leaf"), ("r", 3, "default")]
    database.execute(
        "INSERT INTO ev VALUES (4, '2023-06-06', 'new'), (5, '2024-06-06', 'new'), (6, '2031-01-01', 'new')"
    )
    database.execute("UPDATE ev SET note = 'changed' WHERE id = 4")
    database.execute("DELETE FROM ev WHERE id = 2")
    database.execute("CREATE TABLE late (LIKE ev INCLUDING ALL); INSERT INTO late VALUES (7, '2026-01-01', 'before')")
    database.execute("ALTER TABLE ev ATTACH PARTITION late FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')")
    database.execute(
        "INSERT INTO ev VALUES (8, '2026-02-02', 'attached'); INSERT INTO late VALUES (9, '2026-03-03', 'direct')"
    )
    # From one partition to another.
    database.execute("UPDATE ev SET d = '2026-04-04' WHERE id = 5")
    records = connector.wait(3 + 3 + 1 + 1 + 2 + 2)
    assert rows(records[3:], "ev") == [
        ("c", 4, "new"),
        ("c", 5, "new"),
        ("c", 6, "new"),
        ("u", 4, "changed"),
        ("d", 2, None),
        ("c", 8, "attached"),
        ("c", 9, "direct"),
        ("d", 5, None),
        ("c", 5, "new"),
    ]
    assert all(record["key"]["d"] is not None for record in records)
    database.execute("TRUNCATE ev")
    database.execute("INSERT INTO plain VALUES (1)")
    assert rows(connector.wait(len(records) + 2)[len(records) :], "ev") == [("t", None, None)]
    connector.stop()


def test_the_rows_of_a_root_that_is_added(database: psycopg.Connection[Any], connector: Connector):
    database.execute(ROOTS)
    publish(database, "ev", "plain")
    connector.start(["public.plain", "public.ev"], publication__name="own", snapshot__mode="no_data")
    streams(database, connector)
    database.execute("INSERT INTO plain VALUES (1)")
    connector.wait(1)
    connector.snapshot("public.ev")
    assert sorted(rows(connector.wait(4), "ev")) == [("r", 1, "old"), ("r", 2, "leaf"), ("r", 3, "default")]
    connector.stop()


# Each is in the stream of a publication of all tables, and harms there, or is for a topic that there is not.
UNCAPTURED = [
    'CREATE TABLE unrelated (id int PRIMARY KEY, "Id" int); INSERT INTO unrelated VALUES (1, 2)',
    "CREATE SCHEMA x; CREATE TABLE x.plain (id int PRIMARY KEY); INSERT INTO x.plain VALUES (1)",
    'CREATE TABLE "Plain" (id int PRIMARY KEY); INSERT INTO "Plain" VALUES (1)',
    "CREATE TEMP TABLE plain (id int PRIMARY KEY); INSERT INTO pg_temp.plain VALUES (1)",
    "CREATE UNLOGGED TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1); ALTER TABLE u SET LOGGED",
    "CREATE MATERIALIZED VIEW m AS SELECT 1 AS id; REFRESH MATERIALIZED VIEW m",
    "CREATE TYPE pair AS (a int); CREATE TABLE t (id int PRIMARY KEY, p pair); INSERT INTO t VALUES (1, '(1)')",
    "CREATE EXTENSION lo; CREATE TABLE l (id int PRIMARY KEY, o lo); INSERT INTO l VALUES (1, 5)",
    "SELECT pg_logical_emit_message(true, 'outbox', 'x'), pg_logical_emit_message(false, 'outbox', 'x')",
    "SELECT pg_logical_emit_message(true, '', 'x'), pg_logical_emit_message(true, 'Heartbeat', '')",
]


def test_what_is_not_captured_does_no_harm(database: psycopg.Connection[Any], connector: Connector):
    database.execute("CREATE TABLE plain (id int PRIMARY KEY)")
    publish(database, "plain")
    connector.start(["public.plain"], publication__name="own")
    streams(database, connector)
    for number, statement in enumerate(UNCAPTURED):
        database.execute(statement.encode())
        database.execute("INSERT INTO public.plain VALUES (%s)", (number,))
        assert rows(connector.wait(number + 1), "plain")[number:] == [("c", number, None)], statement
    assert len(connector.stop()) == len(UNCAPTURED)


def test_records_for_no_topic_are_dropped_and_said(database: psycopg.Connection[Any], connector: Connector):
    database.execute("CREATE TABLE plain (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
    publish(database, "plain", "other")
    topics = {"transforms__known__topics": "postgres.public.plain"}
    connector.start(["public.plain", "public.other"], publication__name="own", **topics)
    streams(database, connector)
    database.execute("INSERT INTO other VALUES (1), (2); INSERT INTO plain VALUES (1)")
    assert [record["topic"] for record in connector.wait(1)] == ["postgres.public.plain"]
    connector.stop()
    assert connector.log().count("Records for the topic postgres.public.other are dropped") == 1


PREFIXES = ["outbox", "Out,Box", " a b ", "x.*[(|\\", "übung😀", "O'Neil", "a-b#c&d~e"]


def test_messages_are_rows_of_a_topic(database: psycopg.Connection[Any], connector: Connector):
    database.execute("CREATE TABLE plain (id int PRIMARY KEY)")
    publish(database, "plain")
    patterns = {"message__prefix__include__list": message_patterns(PREFIXES)}
    connector.start(["public.plain"], publication__name="own", **patterns)
    streams(database, connector)
    database.execute("INSERT INTO plain VALUES (1)")
    connector.wait(1)
    content = bytes(range(256))
    for prefix in PREFIXES:
        database.execute("SELECT pg_logical_emit_message(true, %s, %s::bytea)", (prefix, content))
    for other in ("OUTBOX", "outbox2", "heartbeat", "x", ""):
        database.execute("SELECT pg_logical_emit_message(true, %s, 'no')", (other,))
    with database.transaction():
        database.execute("INSERT INTO plain VALUES (2)")
        database.execute("SELECT pg_logical_emit_message(true, 'outbox', 'within')")
        database.execute("INSERT INTO plain VALUES (3)")
    with pytest.raises(psycopg.errors.DivisionByZero), database.transaction():
        database.execute("SELECT pg_logical_emit_message(true, 'outbox', 'rolled back')")
        database.execute("SELECT pg_logical_emit_message(false, 'outbox', 'not part of it')")
        database.execute("SELECT 1 / 0")
    database.execute("SELECT pg_logical_emit_message(true, 'outbox', '')")
    database.execute("INSERT INTO plain VALUES (4)")
    records = connector.wait(1 + len(PREFIXES) + 3 + 1 + 1 + 1)
    connector.stop()
    messages = [record for record in records if record["topic"] == "postgres.message"]
    rows = [record["value"] for record in messages]
    found = [(row["prefix"], bytes.fromhex(row["content"]["hex"])) for row in rows]
    assert found == [
        *((prefix, content) for prefix in PREFIXES),
        ("outbox", b"within"),
        ("outbox", b"not part of it"),
        ("outbox", b""),
    ]
    assert {row["__op"] for row in rows} == {"m"}
    assert {record["key"] for record in messages} == {None}
    assert all(row["__lsn"] and row["__commit_order"] and row["__source_ts_us"] for row in rows)
    assert rows[-2]["__txId"] is None and all(row["__txId"] for row in [*rows[:-2], rows[-1]])
    # In their place among the changes.
    inside = [record["value"] for record in records if record["value"]["__txId"] == rows[-3]["__txId"]]
    assert [row.get("id", row.get("prefix")) for row in inside] == [2, "outbox", 3]
    # All topics have the same columns after those of the table.
    (plain, *_rest) = [record["value"] for record in records if record["topic"] == "postgres.public.plain"]
    assert list(rows[0])[2:] == list(plain)[1:]


def test_a_table_that_is_created_again_is_not_read_until_it_is_published(
    database: psycopg.Connection[Any], connector: Connector
):
    database.execute("CREATE TABLE plain (id int PRIMARY KEY); CREATE TABLE again (id int PRIMARY KEY)")
    publish(database, "plain", "again")
    connector.start(["public.plain", "public.again"], publication__name="own")
    streams(database, connector)
    database.execute("INSERT INTO again VALUES (1)")
    connector.wait(1)
    database.execute(
        "DROP TABLE again; CREATE TABLE again (id int PRIMARY KEY, note text); INSERT INTO again VALUES (2)"
    )
    database.execute("ALTER PUBLICATION own ADD TABLE ONLY again")
    database.execute("INSERT INTO again VALUES (3, 'new')")
    database.execute("INSERT INTO plain VALUES (1)")
    records = connector.wait(3)
    connector.stop()
    assert rows(records, "again") == [("c", 1, None), ("c", 3, "new")]
