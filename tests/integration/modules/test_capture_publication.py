# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The publication of the captured tables on a real server, and what a reader of it gets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from signed_in import database_login

Connection = psycopg.Connection[Any]
TABLES = """
CREATE SCHEMA "My Shop";
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY);
CREATE TABLE "My Shop"."Order ""Items" (id int PRIMARY KEY);
CREATE TABLE parts (id int, d date, PRIMARY KEY (id, d)) PARTITION BY RANGE (d);
CREATE TABLE part PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE child () INHERITS (a);
"""
A, B = {"schema": "public", "table": "a"}, {"schema": "public", "table": "b"}
ODD, PARTS = {"schema": "My Shop", "table": 'Order "Items'}, {"schema": "public", "table": "parts"}


@pytest.fixture
def login(database: Connection, endpoints: dict[str, Any]) -> dict[str, Any]:
    database.execute(TABLES)
    return database_login({**endpoints["postgresql"], "dbname": database.info.dbname})


@pytest.fixture
def publish(run_module: Callable[..., dict[str, Any]], login: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    def run(*tables: dict[str, str], **options: Any) -> dict[str, Any]:
        given = {"name": "pub", "slot": "own", "tables": list(tables), **options}
        result = run_module("capture_publication", **login, **given)
        assert login["login_password"] not in result["stdout"]
        return result

    return run


def published(database: Connection) -> list[tuple[str, str]]:
    return database.execute(
        "SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = 'pub' ORDER BY 1, 2"
    ).fetchall()


def test_it_follows_the_captured_tables(database: Connection, publish: Callable[..., dict[str, Any]]):
    checked = publish(A, ODD, PARTS, check=True)
    assert (checked["changed"], published(database)) == (True, [])
    created = publish(A, ODD, PARTS)
    assert (created["changed"], created["snapshots_due"], created["diff"]) == (True, [], checked["diff"])
    # Neither a partition nor what inherits, but the partitions' changes as of their root.
    assert published(database) == [("My Shop", 'Order "Items'), ("public", "a"), ("public", "parts")]
    assert not publish(PARTS, A, ODD)["changed"]
    checked = publish(A, B, check=True)
    added = publish(A, B)
    assert (added["added"], added["snapshots_due"], added["diff"]) == (["public.b"], ["public.b"], checked["diff"])
    assert len(published(database)) == 4
    # Each run says so, until the connector has been asked for it.
    assert publish(A, B)["snapshots_due"] == ["public.b"]
    assert publish(A, B, captured=True)["changed"]
    assert published(database) == [("public", "a"), ("public", "b")]
    settled = publish(A, B, captured=True)
    assert (settled["changed"], settled["snapshots_due"]) == (False, [])


def test_a_table_that_is_created_again_is_noticed(database: Connection, publish: Callable[..., dict[str, Any]]):
    publish(A, B)
    publish(A, B, captured=True)
    database.execute("DROP TABLE b; CREATE TABLE b (id int PRIMARY KEY)")
    assert publish(A, B)["snapshots_due"] == ["public.b"]


def test_a_filter_and_options_that_others_set_are_put_right(
    database: Connection, publish: Callable[..., dict[str, Any]]
):
    publish(A, B)
    database.execute('ALTER PUBLICATION pub SET TABLE a WHERE (id > 5), b, TABLES IN SCHEMA "My Shop"')
    database.execute("ALTER PUBLICATION pub SET (publish = 'insert', publish_via_partition_root = false)")
    assert publish(A, B, captured=True)["changed"]
    row = database.execute(
        "SELECT pubviaroot, pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_publication"
    ).fetchone()
    assert row == (True,) * 5
    assert published(database) == [("public", "a"), ("public", "b")]
    rows = database.execute("SELECT rowfilter FROM pg_publication_tables WHERE rowfilter IS NOT NULL").fetchall()
    assert rows == []


def test_what_a_user_made_is_neither_changed_nor_dropped(database: Connection, publish: Callable[..., dict[str, Any]]):
    database.execute("CREATE PUBLICATION pub FOR TABLE ONLY a WITH (publish_via_partition_root = true)")
    failed = publish(A, B)
    assert failed["failed"] and 'ADD TABLE ONLY "public"."b"' in failed["msg"]
    database.execute("ALTER PUBLICATION pub ADD TABLE b")
    for options in ({}, {"captured": True}, {"state": "absent"}):
        assert not publish(A, B, **options)["changed"]
    assert len(published(database)) == 2
    database.execute("CREATE PUBLICATION all_tables FOR ALL TABLES")
    assert "it has all tables" in publish(A, name="all_tables")["msg"]
    assert publish(A, name="other")["changed"]
    assert publish(state="absent", name="other")["changed"]
    names = [name for (name,) in database.execute("SELECT pubname FROM pg_publication ORDER BY 1").fetchall()]
    assert names == ["all_tables", "pub"]


def read(database: Connection, slot: str, publication: str) -> list[bytes]:
    """The messages of pgoutput that a reader gets from here on, and takes."""
    rows = database.execute(
        "SELECT data FROM pg_logical_slot_get_binary_changes("
        "%s, NULL, NULL, 'proto_version', '1', 'publication_names', %s)",
        (slot, publication),
    ).fetchall()
    return [bytes(data) for (data,) in rows]


def inserts(messages: list[bytes]) -> int:
    return sum(message[:1] == b"I" for message in messages)


@pytest.fixture
def slot(database: Connection, name: str) -> str:
    slot = name.replace("-", "_")
    database.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (slot,))
    return slot


def test_a_reader_that_does_not_wait_fails_for_a_transaction_from_before(
    database: Connection, publish: Callable[..., dict[str, Any]], slot: str
):
    """What the waiting is for: the publication is not there where the transaction began."""
    database.execute("CREATE PUBLICATION all_tables FOR ALL TABLES")
    with psycopg.connect(database.info.dsn, password=database.info.password) as other:
        other.execute("INSERT INTO a VALUES (1)")
        publish(A, B)
        other.execute("INSERT INTO b VALUES (1)")
        other.commit()
    with pytest.raises(psycopg.errors.UndefinedObject, match='publication "pub" does not exist'):
        read(database, slot, "pub")
    assert inserts(read(database, slot, "all_tables")) == 2


def test_a_reader_that_waits_misses_nothing(
    database: Connection,
    publish: Callable[..., dict[str, Any]],
    run_module: Callable[..., dict[str, Any]],
    login: dict[str, Any],
    slot: str,
):
    database.execute("CREATE PUBLICATION all_tables FOR ALL TABLES")
    results: list[dict[str, Any]] = []

    def wait() -> None:
        results.append(run_module("replication_slot_wait", **login, slot=slot, new=True, wait_timeout=60))

    with psycopg.connect(database.info.dsn, password=database.info.password) as other:
        other.execute("INSERT INTO a VALUES (1)")
        publish(A, B)
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(4)
        database.execute("INSERT INTO a VALUES (2)")
        messages = read(database, slot, "all_tables")
        # The slot is past the publication, but this transaction has not ended.
        time.sleep(4)
        assert waiting.is_alive(), results
        other.execute("INSERT INTO b VALUES (1)")
        other.commit()
    deadline = time.monotonic() + 60
    while waiting.is_alive() and time.monotonic() < deadline:
        # The connector goes on, with its heartbeat.
        database.execute("INSERT INTO a SELECT max(id) + 1 FROM a")
        messages += read(database, slot, "all_tables")
        time.sleep(0.2)
    waiting.join()
    assert not results[0]["failed"], results[0]
    database.execute("INSERT INTO b VALUES (2)")
    messages += read(database, slot, "pub")
    rows = database.execute("SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b)").fetchone()
    assert inserts(messages) == rows[0]


def test_what_is_waited_for_is_named(
    database: Connection, run_module: Callable[..., dict[str, Any]], login: dict[str, Any], slot: str
):
    with psycopg.connect(database.info.dsn, password=database.info.password, application_name="nightly") as other:
        other.execute("INSERT INTO a VALUES (1)")
        failed = run_module("replication_slot_wait", **login, slot=slot, wait_timeout=1)
        assert failed["failed"] and "nightly" in failed["msg"] and str(other.info.backend_pid) in failed["msg"]
    assert not run_module("replication_slot_wait", **login, slot=slot, wait_timeout=5)["failed"]
    failed = run_module("replication_slot_wait", **login, slot=slot, new=True, wait_timeout=1)
    assert failed["failed"] and "is not read" in failed["msg"]
    assert not run_module("replication_slot_wait", **login, slot="none", new=True, wait_timeout=1)["failed"]


def test_partitions_come_as_of_their_root(database: Connection, publish: Callable[..., dict[str, Any]], slot: str):
    publish(PARTS)
    database.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
    database.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (slot,))
    database.execute("INSERT INTO parts VALUES (1, '2024-05-05')")
    # A row names its relation by its number. The partition is announced as well.
    (root,) = database.execute("SELECT 'parts'::regclass::oid").fetchone()
    (row,) = [message for message in read(database, slot, "pub") if message[:1] == b"I"]
    assert int.from_bytes(row[1:5], "big") == root
