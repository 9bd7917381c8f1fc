# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables of any name, and without a key, as the real connector takes them: topics, snapshots, streams."""

from __future__ import annotations

import json

import psycopg
from ansible_collections.cdc.pipeline.plugins.module_utils._connect.debezium_offsets import (
    begins_with_snapshot,
    pending,
    with_pending,
)
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.table_names import Column, Table, parse_table
from collection_path import ROOT
from connector import Connector, Row
from waiting import until

# A schema's name of a blank alone, a name at which Debezium stops, and what it takes for a pattern are among them.
TABLES = [parse_table(case["text"]) for case in json.loads((ROOT / "tests/support/names.json").read_text())["tables"]]
SLOTS = "SELECT count(*) FROM pg_replication_slots"


def create(database: psycopg.Connection, *tables: Table) -> None:
    for table in tables:
        database.execute(f'CREATE SCHEMA IF NOT EXISTS "{table.schema}"'.encode())
        database.execute(f"CREATE TABLE {table.sql} (id int PRIMARY KEY)".encode())
        database.execute(f"INSERT INTO {table.sql} VALUES (1), (2)".encode())


def seen(records: list[Row]) -> set[tuple[str, int, str]]:
    return {(row["topic"], row["value"]["id"], row["value"]["__op"]) for row in records}


def expected(tables: list[Table], *rows: tuple[int, str]) -> set[tuple[str, int, str]]:
    return {(table.topic("postgres"), *row) for table in tables for row in rows}


def included(tables: list[Table]) -> str:
    return ",".join(table.regex for table in tables)


def until_finished(connector: Connector, seconds: float = 300) -> None:
    connector.until(lambda: not (begins_with_snapshot(connector.offset()) or pending(connector.offset())), seconds)


def test_the_topics_of_any_names_by_snapshot_and_stream(database: psycopg.Connection, connector: Connector):
    near = Table("public", "Order_Items2")
    create(database, *TABLES, near)
    connector.start([], table__include__list=included(TABLES))
    connector.wait(2 * len(TABLES))
    for table in [*TABLES, near]:
        database.execute(f"INSERT INTO {table.sql} VALUES (3)".encode())
    connector.wait(3 * len(TABLES))
    assert seen(connector.stop()) == expected(TABLES, (1, "r"), (2, "r"), (3, "c"))


def test_an_added_table_with_any_name_that_is_read_in_chunks(database: psycopg.Connection, connector: Connector):
    chunked = [table for table in TABLES if table.chunked and table.id != "public.users"]
    create(database, Table("public", "users"), *chunked)
    connector.start([], table__include__list=r"(?-i)public\.users")
    connector.wait(2)
    until_finished(connector)
    database.execute("INSERT INTO public.users VALUES (3)")
    connector.wait(3)
    connector.stop()
    offset = with_pending(connector.offset(), [table.id for table in chunked])
    more = {"table__include__list": included([Table("public", "users"), *chunked])}
    connector.start([], offset=offset, **more)
    connector.wait(4)
    # Debezium has written the names itself by now.
    connector.kill()
    before = connector.records()
    connector.start([], offset=connector.offset(), **more)
    database.execute("INSERT INTO public.users VALUES (4)")
    until_finished(connector)
    until(connector.records, lambda rows: ("postgres.public.users", 4, "c") in seen(rows), 300, "the change is there")
    records = seen([*before, *connector.stop()])
    assert {row for row in records if row[2] == "r"} == expected(chunked, (1, "r"), (2, "r"))


def test_rows_without_a_key_and_of_odd_names_by_a_connector_of_their_own(
    database: psycopg.Connection, connector: Connector
):
    odd = [table for table in TABLES if not table.chunked]
    create(database, *odd)
    database.execute("CREATE TABLE public.keyless (id int, note text)")
    database.execute("INSERT INTO public.keyless VALUES (1, 'a'), (1, 'a'), (2, NULL)")
    tables = [*odd, Table("public", "keyless")]
    own = {"snapshot__mode": "initial_only", "heartbeat__action__query": ""}
    connector.start([], table__include__list=included(tables), **own)
    connector.wait(2 * len(odd) + 3)
    until_finished(connector)
    records = connector.stop()
    assert seen(records) == expected(odd, (1, "r"), (2, "r")) | {("postgres.public.keyless", n, "r") for n in (1, 2)}
    assert [row["key"] for row in records if row["topic"] == "postgres.public.keyless"] == [None] * 3
    assert database.execute(SLOTS).fetchone() == (0,)


def test_rows_without_a_key_are_read_anew_when_the_worker_has_ended(database: psycopg.Connection, connector: Connector):
    """What came until then comes again. The rows of one reading have one LSN."""
    count = 3_000
    database.execute("CREATE TABLE public.keyless (id int)")
    database.execute(f"INSERT INTO public.keyless SELECT n FROM generate_series(1, {count}) n".encode())
    own = {"snapshot__mode": "initial_only", "heartbeat__action__query": "", "max__batch__size": 100}
    own |= {"max__queue__size": 200, "snapshot__fetch__size": 100}
    connector.start(["public.keyless"], slow=5, **own)
    first = connector.wait(500)
    connector.kill()
    assert len(connector.records()) < count
    database.execute("CREATE TABLE public.other (id int)")
    connector.start(["public.keyless"], offset=connector.offset(), **own)
    second = connector.wait(count)
    until_finished(connector)
    connector.stop()
    assert sorted(row["value"]["id"] for row in second) == list(range(1, count + 1))
    (before,), (after,) = ({row["value"]["__lsn"] for row in each} for each in (first, second))
    assert before < after


def test_an_empty_table_by_a_connector_of_its_own(database: psycopg.Connection, connector: Connector):
    database.execute("CREATE TABLE public.keyless (id int)")
    connector.start(["public.keyless"], snapshot__mode="initial_only", heartbeat__action__query="")
    until_finished(connector)
    assert connector.stop() == []


def test_columns_and_unkeyed_tables_of_any_name(database: psycopg.Connection, connector: Connector):
    table, columns = Table("public", "a, b"), ["a,b c", "x.y", " edge ", "Übrig"]
    declared = ", ".join(f'"{name}" text' for name in [*columns, "A;b c", "kept"])
    database.execute(f"CREATE TABLE {table.sql} (id int UNIQUE, {declared})".encode())
    database.execute(f"ALTER TABLE {table.sql} REPLICA IDENTITY FULL".encode())
    insert = f"INSERT INTO {table.sql} VALUES (1, 'a', 'b', 'c', 'd', 'other', 'kept')".encode()
    database.execute(insert)
    connector.start(
        [],
        table__include__list=table.regex,
        column__exclude__list=",".join(Column(table, name).regex for name in columns),
        transforms__lossless__unkeyed=f"(?-i)public\\.other|{table.regex}",
    )
    connector.wait(1)
    database.execute(insert.replace(b"(1", b"(2"))
    connector.wait(2)
    for row in connector.stop():
        assert row["key"] is None
        assert [name for name in row["value"] if not name.startswith("__")] == ["id", "A_b_c", "kept"]
