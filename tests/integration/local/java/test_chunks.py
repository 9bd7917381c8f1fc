# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Chunks of an incremental snapshot, beside transactions of other databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from ansible_collections.cdc.pipeline.plugins.module_utils._connect.debezium_offsets import pending, with_pending
from connector import Connector


@contextmanager
def busy(server: dict[str, str]) -> Iterator[None]:
    """Transactions of another database: one that does not end, and many short ones."""
    ended = threading.Event()

    def short() -> None:
        with psycopg.connect(**server, dbname="postgres", autocommit=True) as other:
            while not ended.wait(0.001):
                other.execute("SELECT pg_current_xact_id()")

    with psycopg.connect(**server, dbname="postgres") as open_one:
        open_one.execute("SELECT pg_current_xact_id()")
        threads = [threading.Thread(target=short), threading.Thread(target=short)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()


def test_chunks_are_read_while_other_databases_are_busy(
    server: dict[str, str], database: psycopg.Connection, connector: Connector
):
    """The next transaction after a chunk is seldom one of this database, and an older one stays open."""
    for table, rows in (("first", 1), ("added", 5_000)):
        database.execute(f"CREATE TABLE public.{table} AS SELECT n AS id FROM generate_series(1, {rows}) n".encode())
        database.execute(f"ALTER TABLE public.{table} ADD PRIMARY KEY (id)".encode())
    connector.start(["public.first"])
    connector.wait(1)
    database.execute("INSERT INTO public.first VALUES (2)")
    connector.wait(2)
    connector.stop()
    offset = with_pending(connector.offset(), ["public.added"])
    with busy(server):
        connector.start(["public.first", "public.added"], offset=offset)
        connector.until(lambda: not pending(connector.offset()), 300)
    records = connector.stop()
    assert [row["value"]["id"] for row in records] == list(range(1, 5_001))
