# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables that are added to a running pipeline while they are written: every row comes once, and in its own topic."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Any

import pytest
from added import FEW, MANY, Added, pair, written
from archived import SECONDS, context_of, objects_of, rows_of
from conftest import Capture
from site_runs import Site
from waiting import until


def arrived(site: Site, table: str, rows: int) -> None:
    """All rows of the table and of its changes, and each row of its snapshot at most once."""
    context = context_of(site)
    with context.postgresql() as connection:
        versions = dict(connection.execute(f"SELECT id, version FROM {table}").fetchall())
    # The last changes may not be in Kafka yet when all rows of the snapshot are archived.
    archived = until(
        lambda: rows_of(objects_of(context, table, rows)),
        lambda found: latest(found) == versions,
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


def test_tables_that_are_added_under_load(running: Site, added: Added):
    for table, rows in added.written.items():
        arrived(running, table, rows)


@pytest.mark.full
@pytest.mark.parametrize("rows", [FEW, MANY])
def test_two_tables_that_are_added_under_load_ten_times(running: Site, capture: Capture, rows: int):
    tables: dict[str, int] = {}
    context = context_of(running)
    try:
        for _time in range(10):
            with context.postgresql() as connection:
                new = pair(connection, rows)
            tables |= new
            with written(running, new):
                capture(*tables)
            for table in new:
                arrived(running, table, rows)
    finally:
        with context.postgresql() as connection:
            for table in tables:
                connection.execute(f"DROP TABLE {table}")
