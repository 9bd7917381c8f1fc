# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables that are added to a running pipeline while they are written: every row comes once, and in its own topic."""

from __future__ import annotations

import collections
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from archived import SECONDS, context_of, objects_of, rows_of
from cdc_pipeline.instance.context import Context
from site_runs import Site
from waiting import until

ROWS = 5_000
# A table that one chunk holds: at 39700d6, two of seven pairs had all rows of one in the topic of the other.
FEW = 5
A_SECOND = 300


@pytest.fixture(scope="module")
def tables(running: Site) -> Iterator[Callable[[int], tuple[str, str]]]:
    """Makes two tables of so many rows; each row names its table. They are there until the end."""
    context = context_of(running)
    made: list[str] = []

    def make(rows: int) -> tuple[str, str]:
        name = f"public.added_{uuid.uuid4().hex[:6]}"
        pair = (f"{name}_a", f"{name}_b")
        with context.postgresql() as connection:
            for table in pair:
                connection.execute(
                    f"CREATE TABLE {table} (id int PRIMARY KEY, home text NOT NULL, version int NOT NULL DEFAULT 0)"
                )
                made.append(table)
                connection.execute(
                    f"INSERT INTO {table} (id, home) SELECT n, '{table}' FROM generate_series(1, {rows}) n"
                )
        return pair

    yield make
    with context.postgresql() as connection:
        for table in made:
            connection.execute(f"DROP TABLE {table}")


@contextmanager
def written(context: Context, tables: tuple[str, ...], rows: int) -> Iterator[list[float]]:
    """Transactions on even rows of the tables, so many a second, until the end; gives the rate that was reached."""
    done = threading.Event()
    rate: list[float] = []

    def write() -> None:
        chance = random.Random(1)
        with context.postgresql() as connection:
            connection.execute("SET synchronous_commit = off")
            begin, number = time.monotonic(), 0
            while not done.is_set():
                table, row = tables[number % len(tables)], 2 * chance.randint(1, rows // 2)
                connection.execute(f"UPDATE {table} SET version = version + 1 WHERE id = {row}")
                number += 1
                time.sleep(max(0.0, begin + number / A_SECOND - time.monotonic()))
            rate.append(number / (time.monotonic() - begin))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield rate
    finally:
        done.set()
        thread.join()


def added_under_load(running: Site, capture: Callable[..., None], tables: list[str], rows: int) -> None:
    """Captures the tables, of which the last two are new and have so many rows."""
    context = context_of(running)
    pair = (tables[-2], tables[-1])
    with written(context, pair, rows) as rate:
        capture(*tables)
    # A busy machine makes fewer of them.
    assert rate[0] > A_SECOND / 6, "the load was too small to prove anything"
    for table in pair:
        with context.postgresql() as connection:
            versions = dict(connection.execute(f"SELECT id, version FROM {table}").fetchall())
        # The last changes may not be in Kafka yet when all rows of the snapshot are archived.
        archived = until(
            lambda table=table: rows_of(objects_of(context, table, rows)),
            lambda found, versions=versions: latest(found) == versions,
            SECONDS,
            f"the last changes of {table}",
        )
        assert {row["home"] for row in archived} == {table}
        snapshots = collections.Counter(row["id"] for row in archived if row["__op"] == "r")
        assert set(snapshots.values()) == {1}
        # A row that is changed while its part of the snapshot is read comes by that change alone.
        assert set(range(1, rows, 2)) <= set(snapshots)


def latest(rows: Iterable[dict[str, Any]]) -> dict[int, int]:
    """The highest version of each row."""
    found: dict[int, int] = {}
    for row in rows:
        found[row["id"]] = max(found.get(row["id"], 0), row["version"])
    return found


def test_two_tables_that_are_added_under_load(
    running: Site, tables: Callable[[int], tuple[str, str]], capture: Callable[..., None]
):
    small = tables(FEW)
    added_under_load(running, capture, [*small], FEW)
    added_under_load(running, capture, [*small, *tables(ROWS)], ROWS)


@pytest.mark.full
@pytest.mark.parametrize("rows", [FEW, ROWS])
def test_two_tables_that_are_added_under_load_ten_times(
    running: Site, tables: Callable[[int], tuple[str, str]], capture: Callable[..., None], rows: int
):
    added: list[str] = []
    for _index in range(10):
        added += tables(rows)
        added_under_load(running, capture, added, rows)
