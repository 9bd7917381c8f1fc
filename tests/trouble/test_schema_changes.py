# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Columns that are added while a table is captured: none of its changes is lost, whatever the registry says."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from archived import context_of, current, objects_of, rows_of
from cdc_pipeline.verify.checks.connectors import STEPS
from cdc_pipeline.verify.context import Context
from cdc_pipeline.verify.wait import wait_for
from site_runs import Site

# From a change to the failure, and from its mending to the next restart, which growing pauses put off by a minute.
FAILS_SECONDS, RESTARTS_SECONDS = 30, 90


@pytest.fixture(scope="module")
def tables(running: Site, capture: Callable[..., None]) -> Iterator[list[str]]:
    """Tables of their own, captured, of one row each; a test takes one.

    Their snapshot is over when that row has come: rows that are inserted before would be read by it, too.
    """
    names = [f"public.trouble_{uuid.uuid4().hex[:6]}" for _test in range(2)]
    with context_of(running).postgresql() as connection:
        for name in names:
            connection.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, note text NOT NULL)")
            connection.execute(f"INSERT INTO {name} VALUES (0, 'before')")
    capture(*names)
    for name in names:
        assert [(row["id"], row["__op"]) for row in rows_of(objects_of(context_of(running), name, 1))] == [(0, "r")]
    yield list(names)
    with context_of(running).postgresql() as connection:
        for name in names:
            connection.execute(f"DROP TABLE {name}")


@pytest.fixture
def table(tables: list[str]) -> str:
    return tables.pop()


def failures(context: Context) -> list[str]:
    """What verification says of the connector, where it does not run."""
    found = next(step for step in STEPS if step.id == "T9.connectors").run(context)
    return [str(each.found) for each in found if each.id == "T9.connector.postgres-cdc" and not each.ok]


def test_a_column_that_may_be_null(running: Site, table: str, tmp_path: Path):
    context = context_of(running)
    with context.postgresql() as connection:
        connection.execute(f"INSERT INTO {table} SELECT n, 'before' FROM generate_series(1, 19) n")
        connection.execute(f"ALTER TABLE {table} ADD COLUMN code text")
        connection.execute(f"INSERT INTO {table} SELECT n, 'after', 'c' || n FROM generate_series(20, 39) n")
    objects = objects_of(context, table, 40)
    assert sorted(row["id"] for row in rows_of(objects)) == list(range(40))
    schemas = {each.schema_id: {name for row in each.rows for name in row} for each in objects}
    assert sorted("code" in names for names in schemas.values()) == [False, True]
    for row in rows_of(objects):
        assert row.get("code") == (None if row["note"] == "before" else f"c{row['id']}"), row
    # Across both schemas.
    assert current(objects, "id", tmp_path) == [
        *((n, "before", None) for n in range(20)),
        *((n, "after", f"c{n}") for n in range(20, 40)),
    ]


# It waits for two of the restarts, each of which growing pauses put off.
@pytest.mark.full
def test_a_column_that_old_rows_lack(running: Site, table: str, tmp_path: Path):
    """The registry refuses it: all waits until the column is mended, and then goes on by itself."""
    context = context_of(running)
    with context.postgresql() as connection:
        connection.execute(f"INSERT INTO {table} SELECT n, 'before' FROM generate_series(1, 3) n")
        objects_of(context, table, 4)
        connection.execute(f"DELETE FROM {table}")
        connection.execute(f"ALTER TABLE {table} ADD COLUMN code text NOT NULL")
        connection.execute(f"INSERT INTO {table} SELECT n, 'after', 'c' || n FROM generate_series(4, 6) n")
        found = wait_for(lambda: failures(context), lambda each: "code at" in str(each), FAILS_SECONDS)
        assert f"{table}-value" in str(found)

        play = tmp_path / "connector.yml"
        module = {"url": context.plan.endpoints.kafka_connect.url, "name": "postgres-cdc"}
        task = {"name": "Have it run", "cdc.pipeline.connect_connector": module}
        play.write_text(json.dumps([{"hosts": "cdc", "gather_facts": False, "tasks": [task]}]))
        # The service's restarts go on meanwhile, and what was just restarted shows as running until it fails again.
        run = wait_for(lambda: running.run(playbook=str(play)), lambda each: each.code != 0, RESTARTS_SECONDS)
        run.must_fail_with(f"{table}-value", "code", "SET DEFAULT", "within a minute")

        connection.execute(f"UPDATE {table} SET note = 'meanwhile' WHERE id = 5")
        connection.execute(f"ALTER TABLE {table} ALTER COLUMN code SET DEFAULT ''")
    objects = objects_of(context, table, 12, RESTARTS_SECONDS)
    events = sorted((row["id"], row["__op"]) for row in rows_of(objects))
    before = [(0, "d"), (0, "r"), *((id, op) for id in (1, 2, 3) for op in "cd")]
    assert events == [*before, (4, "c"), (5, "c"), (5, "u"), (6, "c")]
    (tmp_path / "objects").mkdir()
    assert current(objects, "id", tmp_path / "objects") == [
        (4, "after", "c4"),
        (5, "meanwhile", "c5"),
        (6, "after", "c6"),
    ]
    assert failures(context) == []
