# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables that one run adds to a running pipeline, of which some are written meanwhile."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from archived import context_of
from site_runs import Site

# A table that one chunk of a snapshot holds, and one of several. At 39700d6, of two small ones that were added together
# in two of seven runs all rows of one came in the topic of the other.
FEW, MANY = 5, 5_000
# Changes.
A_SECOND = 300


@dataclass(frozen=True)
class Added:
    """Names with their schemas.

    Attributes:
        written: two of each size, with their rows.
        large: without rows; updates bring the old row as well.
        single: of one row each.
    """

    written: Mapping[str, int]
    large: str
    single: tuple[str, str]

    @property
    def tables(self) -> list[str]:
        return [*self.written, self.large, *self.single]


def pair(connection: Any, rows: int) -> dict[str, int]:
    """Makes two tables of so many rows; each row names its table."""
    name = f"public.added_{uuid.uuid4().hex[:6]}"
    tables = {f"{name}_a": rows, f"{name}_b": rows}
    for table in tables:
        connection.execute(
            f"CREATE TABLE {table} (id int PRIMARY KEY, home text NOT NULL, version int NOT NULL DEFAULT 0)"
        )
        connection.execute(f"INSERT INTO {table} (id, home) SELECT n, '{table}' FROM generate_series(1, {rows}) n")
    return tables


def made(connection: Any) -> Added:
    part = uuid.uuid4().hex[:6]
    large, single = f"public.large_{part}", (f"public.single_{part}_a", f"public.single_{part}_b")
    connection.execute(
        f"CREATE TABLE {large} (id int PRIMARY KEY, version int NOT NULL DEFAULT 0, note text, raw bytea)"
    )
    connection.execute(f"ALTER TABLE {large} REPLICA IDENTITY FULL")
    for table in single:
        connection.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, note text NOT NULL)")
        connection.execute(f"INSERT INTO {table} VALUES (0, 'before')")
    return Added(pair(connection, FEW) | pair(connection, MANY), large, single)


@contextmanager
def written(site: Site, tables: Mapping[str, int]) -> Iterator[None]:
    """Changes of the even rows of tables with so many rows, all the while.

    Raises:
        AssertionError: they were too few to prove anything.
    """
    done = threading.Event()
    rate: list[float] = []
    names = [*tables]

    def write() -> None:
        chance = random.Random(1)
        with context_of(site).postgresql() as connection:
            connection.execute("SET synchronous_commit = off")
            begin, number = time.monotonic(), 0
            while not done.is_set():
                table = names[number % len(names)]
                row = 2 * chance.randint(1, tables[table] // 2)
                connection.execute(f"UPDATE {table} SET version = version + 1 WHERE id = {row}")
                number += 1
                time.sleep(max(0.0, begin + number / A_SECOND - time.monotonic()))
            rate.append(number / (time.monotonic() - begin))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    # A busy machine makes fewer of them.
    assert rate and rate[0] > A_SECOND / 6, f"{rate} changes a second are too few to prove anything"
