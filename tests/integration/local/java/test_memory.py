# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Large rows, and many of them, pass through the heap that a small worker has, by the settings that follow from it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._sizes import MIB, ConnectSizes, RecordSizes
from connector import Connector, Row
from waiting import until

ROW = 16 * MIB
# Of Kafka Connect itself the task alone runs here.
LIMIT = 576 * MIB
SIZES = ConnectSizes.of(LIMIT, ROW)
# As the role sets them.
SETTINGS: dict[str, Any] = {
    "max__queue__size__in__bytes": SIZES.queue,
    "snapshot__fetch__size": SIZES.snapshot_rows,
    "transforms__lossless__max__bytes": RecordSizes.of(ROW).row,
}
HEAP = SIZES.heap // MIB
TEXT = "repeat(md5(n::text), %s / 32)"


@pytest.fixture
def table(database: psycopg.Connection) -> psycopg.Connection:
    database.execute(
        "CREATE TABLE public.large (id int PRIMARY KEY, version int NOT NULL DEFAULT 0, note text, raw bytea)"
    )
    database.execute("ALTER TABLE public.large REPLICA IDENTITY FULL")
    return database


def start(connector: Connector, database: psycopg.Connection, rows: int, slow: int = 0, **more: Any) -> None:
    """What is inserted afterwards comes by the stream. `rows`: those that a snapshot brings."""
    connector.start(["public.large"], HEAP, sizes=True, slow=slow, **SETTINGS, **more)
    connector.wait(rows, 300)
    active = "SELECT count(*) FROM pg_replication_slots WHERE active"
    until(
        lambda: database.execute(active).fetchone(), lambda found: found == (1,), 300, "the slot to be read", pause=0.1
    )


def fill(database: psycopg.Connection, rows: int, size: int, first: int = 1) -> None:
    note = TEXT % size
    numbers = f"generate_series({first}, {first + rows - 1}) n"
    database.execute(f"INSERT INTO public.large (id, note) SELECT n, {note} FROM {numbers}".encode())


def judge(records: list[Row], count: int, size: int) -> None:
    wrong = [record for record in records if record["cut"] or not size <= record["bytes"] <= size + 1000]
    assert (len(records), wrong) == (count, [])


@pytest.mark.full
def test_one_transaction_of_many_large_rows(connector: Connector, table: psycopg.Connection):
    fill(table, 1, 480_000)
    start(connector, table, 1, slow=10)
    fill(table, 2_000, 480_000, first=2)
    judge(connector.wait(2_001, 300), 2_001, 480_000)


@pytest.mark.full
def test_old_and_new_rows_of_one_transaction(connector: Connector, table: psycopg.Connection):
    fill(table, 3_000, 25_600)
    start(connector, table, 3_000)
    for _time in range(4):
        table.execute("UPDATE public.large SET version = version + 1")
    judge(connector.wait(15_000, 300), 15_000, 25_600)


def test_rows_near_the_limit_and_above(connector: Connector, table: psycopg.Connection):
    fill(table, 1, 15 * 10**6)
    start(connector, table, 1)
    fill(table, 2, 15 * 10**6, first=2)
    fill(table, 1, 20 * 10**6, first=4)
    fill(table, 1, 32, first=5)
    table.execute("UPDATE public.large SET version = 1 WHERE id = 1")
    # Hexadecimal digits in the log, twice as many as bytes.
    table.execute("INSERT INTO public.large (id, raw) VALUES (6, decode(repeat('00ff', 7500000), 'hex'))")
    found = connector.wait(7, 300)
    assert [record["cut"] for record in found] == [False, False, False, True, False, False, False]
    assert [round(record["bytes"] / 10**6) for record in found] == [15, 15, 15, 0, 0, 15, 15]


def test_snapshots_of_large_rows(connector: Connector, table: psycopg.Connection):
    fill(table, 300, 3_000_000)
    start(connector, table, 300)
    connector.snapshot("public.large")
    judge(connector.wait(600, 300), 600, 3_000_000)


def test_the_snapshot_of_a_table_that_is_added_to_a_connector_that_begins_with_an_offset(
    connector: Connector, table: psycopg.Connection
):
    """Such a task has read no table yet, so that its connection is as it was opened."""
    start(connector, table, 0)
    fill(table, 1, 32)
    connector.wait(1, 300)
    connector.stop()
    # One chunk of Debezium's would not fit into the heap.
    fill(table, 1_000, 480_000, first=2)
    start(connector, table, 0, offset=connector.offset())
    connector.wait(1_000, 300)
    connector.snapshot("public.large")
    records = connector.wait(2_001, 300)
    judge(records[1_001:], 1_000, 480_000)


def test_small_rows_are_not_slowed_by_what_large_ones_need(connector: Connector, table: psycopg.Connection):
    fill(table, 1, 32)
    # On a server where nobody else does anything.
    start(connector, table, 1, heartbeat__interval__ms=30_000)
    table.execute("INSERT INTO public.large (id, note) SELECT n, md5(n::text) FROM generate_series(2, 20000) n")
    connector.wait(20_000)
    connector.snapshot("public.large")
    # 1,024 at a time, and none of these waits for the heartbeat.
    assert len(connector.wait(40_000, 300)) == 40_000
