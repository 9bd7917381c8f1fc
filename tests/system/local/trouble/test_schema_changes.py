# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Columns that are added or altered while a table is captured: no change is lost, whatever the registry says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from added import Added
from archived import context_of, current, objects_of, rows_of
from cdc_pipeline.instance.context import Context
from cdc_pipeline.verify.checks.connectors import STEPS
from cdc_pipeline.wait import wait_for
from signed_in import options_of
from site_runs import Site

# From a change to the failure, and from its mending to the next restart, which growing pauses put off by a minute.
FAILS_SECONDS, RESTARTS_SECONDS = 30, 90
NAME = "postgres-cdc"


@pytest.fixture(scope="module")
def tables(running: Site, added: Added) -> list[str]:
    """Those of one row each; a test takes one.

    Their snapshot is over when that row has come: rows that are inserted before would be read by it, too.
    """
    for name in added.single:
        assert [(row["id"], row["__op"]) for row in rows_of(objects_of(context_of(running), name, 1))] == [(0, "r")]
    return [*added.single]


@pytest.fixture
def table(tables: list[str]) -> str:
    return tables.pop()


def failures(context: Context) -> list[str]:
    """What verification says of the connector, where it does not run."""
    found = next(step for step in STEPS if step.id == "connectors.status").run(context)
    return [str(each.found) for each in found if each.id == f"connectors.connector.{NAME}" and not each.ok]


def test_a_column_that_old_rows_lack(running: Site, table: str, tmp_path: Path):
    """Though no row may lack it: to readers every column may be null."""
    context = context_of(running)
    with context.postgresql() as connection:
        connection.execute(f"INSERT INTO {table} SELECT n, 'before' FROM generate_series(1, 19) n")
        # With a default for the rows that are there alone.
        connection.execute(f"ALTER TABLE {table} ADD COLUMN code text NOT NULL DEFAULT '-'")
        connection.execute(f"ALTER TABLE {table} ALTER COLUMN code DROP DEFAULT")
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
def test_a_type_that_cannot_be_read_as_the_new_one(running: Site, table: str, tmp_path: Path):
    """The registry refuses it. All tables wait until the schema is allowed, then capture continues by itself."""
    context = context_of(running)
    subject = f"{context.plan.topic(table)}-value"
    endpoints = running.endpoints()
    writer = options_of(endpoints["schema_registry"], "writer")

    def play(name: str, module: str, arguments: dict[str, object]) -> str:
        file = tmp_path / f"{name}.yml"
        tasks = [{"name": "Do it", f"cdc.pipeline.{module}": arguments}]
        file.write_text(json.dumps([{"hosts": "cdc", "gather_facts": False, "tasks": tasks}]))
        return str(file)

    with context.postgresql() as connection:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN code int")
        connection.execute(f"INSERT INTO {table} SELECT n, 'before', n FROM generate_series(1, 3) n")
        objects_of(context, table, 4)
        connection.execute(f"ALTER TABLE {table} ALTER COLUMN code TYPE text")
        connection.execute(f"INSERT INTO {table} SELECT n, 'after', 'c' || n FROM generate_series(4, 6) n")
        found = wait_for(lambda: failures(context), lambda each: subject in str(each), FAILS_SECONDS)
        assert subject in str(found)

        worker = options_of(endpoints["kafka_connect"], "writer")
        connector = play("connector", "connect_connector", {**worker, "name": NAME})
        # The service's restarts go on meanwhile, and what was just restarted shows as running until it fails again.
        run = wait_for(lambda: running.run(playbook=connector), lambda each: each.code != 0, RESTARTS_SECONDS)
        run.must_fail_with(subject, "column 3 of the table", "a new type", "INT")

        connection.execute(f"UPDATE {table} SET note = 'meanwhile' WHERE id = 5")
        level = {**writer, "subject": subject, "level": "NONE"}
        running.run(playbook=play("none", "schema_registry_compatibility", level)).must_succeed()
    objects = objects_of(context, table, 8, RESTARTS_SECONDS)
    running.run(playbook=play("back", "schema_registry_compatibility", {**level, "level": "BACKWARD"})).must_succeed()
    events = sorted((row["id"], row["__op"]) for row in rows_of(objects))
    assert events == [(0, "r"), (1, "c"), (2, "c"), (3, "c"), (4, "c"), (5, "c"), (5, "u"), (6, "c")]
    (tmp_path / "objects").mkdir()
    assert [row[:2] for row in current(objects, "id", tmp_path / "objects")][4:] == [
        (4, "after"),
        (5, "meanwhile"),
        (6, "after"),
    ]
    assert failures(context) == []
