# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What others do in the database beside the captured tables, and how the connector's publication changes under it.

Every test runs while rows are written, and each of them must arrive once.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from archived import SECONDS, context_of, objects_of, rows_of
from cdc_pipeline.instance.context import Context
from conftest import Capture
from flow import Flow
from site_runs import Site, shared_tables
from waiting import until

PUBLICATIONS = "SELECT pubname FROM pg_publication ORDER BY 1"


@pytest.fixture
def context(running: Site) -> Context:
    return context_of(running)


@pytest.fixture
def schema(context: Context) -> Iterator[str]:
    """A schema of the test's own."""
    name = f"trouble_{uuid.uuid4().hex[:6]}"
    execute(context, f"CREATE SCHEMA {name}")
    yield name
    execute(context, f"DROP SCHEMA {name} CASCADE")


def execute(context: Context, *statements: str) -> None:
    with context.postgresql() as connection:
        for statement in statements:
            connection.execute(statement)


def names(context: Context) -> set[str]:
    with context.postgresql() as connection:
        return {name for (name,) in connection.execute(PUBLICATIONS).fetchall()}


def past(context: Context) -> bool:
    """The connector has got past all that is written by now."""
    slot = context.plan.expected.postgresql.slot
    with context.postgresql() as connection:
        (lsn,) = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
        query = "SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots WHERE slot_name = %s"
        return until(
            lambda: connection.execute(query, (lsn, slot)).fetchone(),
            lambda row: row == (True,),
            SECONDS,
            "the slot moves",
        ) == (True,)


def operations(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return sorted((row["__op"], row["id"]) for row in rows)


@pytest.mark.full
def test_a_partitioned_table_comes_as_itself(context: Context, schema: str, capture: Capture, flow: Flow):
    """C1"""
    root = f"{schema}.ev"
    execute(
        context,
        f"CREATE TABLE {root} (id int, d date, note text, PRIMARY KEY (id, d)) PARTITION BY RANGE (d)",
        f"CREATE TABLE {root}_a PARTITION OF {root} FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')"
        " PARTITION BY RANGE (d)",
        f"CREATE TABLE {root}_a1 PARTITION OF {root}_a FOR VALUES FROM ('2024-01-01') TO ('2024-07-01')",
        f"CREATE TABLE {root}_b (note text, d date NOT NULL, id int NOT NULL, PRIMARY KEY (id, d))",
        f"ALTER TABLE {root} ATTACH PARTITION {root}_b FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')",
        f"INSERT INTO {root} VALUES (1, '2024-05-05', 'there'), (2, '2023-05-05', 'there')",
    )
    capture(root)
    execute(
        context,
        f"INSERT INTO {root} VALUES (3, '2024-05-06', 'new'), (4, '2023-05-06', 'new')",
        f"UPDATE {root} SET note = 'changed' WHERE id = 2",
        f"DELETE FROM {root} WHERE id = 1",
        f"CREATE TABLE {root}_c PARTITION OF {root} FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
        f"INSERT INTO {root} VALUES (5, '2025-05-06', 'later')",
    )
    rows = rows_of(objects_of(context, root, 7))
    assert operations(rows) == [("c", 3), ("c", 4), ("c", 5), ("d", 1), ("r", 1), ("r", 2), ("u", 2)]
    capture()
    flow.arrived()


def test_messages_of_others_are_ignored(context: Context, flow: Flow):
    """B2"""
    execute(context, "SELECT pg_logical_emit_message(true, 'outbox', 'x'), pg_logical_emit_message(false, 'o', '')")
    assert past(context)
    flow.arrived()


def test_a_table_that_is_not_captured_does_no_harm(context: Context, schema: str, flow: Flow):
    """B3"""
    execute(
        context,
        f'CREATE TABLE {schema}.unrelated (id int PRIMARY KEY, "Id" int)',
        f"INSERT INTO {schema}.unrelated VALUES (1, 2)",
        f"CREATE TABLE {schema}.users (user_id bigint PRIMARY KEY)",
        f"INSERT INTO {schema}.users VALUES (1)",
    )
    assert past(context)
    flow.arrived()


def test_a_table_without_a_key_can_be_changed(context: Context, schema: str, flow: Flow):
    """C6"""
    execute(
        context,
        f"CREATE TABLE {schema}.log (id int)",
        f"INSERT INTO {schema}.log VALUES (1), (2)",
        f"UPDATE {schema}.log SET id = 3 WHERE id = 1",
        f"DELETE FROM {schema}.log",
    )
    assert past(context)
    flow.arrived()


@pytest.mark.full
def test_a_table_that_is_created_again(running: Site, context: Context, schema: str, capture: Capture, flow: Flow):
    table = f"{schema}.again"
    execute(context, f"CREATE TABLE {table} (id int PRIMARY KEY)", f"INSERT INTO {table} VALUES (1)")
    capture(table)
    objects_of(context, table, 1)
    # What comes before the next run is in no stream, so that the run's snapshot brings it.
    execute(
        context, f"DROP TABLE {table}", f"CREATE TABLE {table} (id int PRIMARY KEY)", f"INSERT INTO {table} VALUES (2)"
    )
    run = running.run(playbook="playbooks/verify.yml", cdc_tables=[*shared_tables(), table])
    run.must_fail_with("postgresql.capture_publication", f"without {table}")
    capture(table)
    execute(context, f"INSERT INTO {table} VALUES (3)")
    rows = rows_of(objects_of(context, table, 3))
    assert operations(rows) == [("c", 3), ("r", 1), ("r", 2)]
    capture()
    flow.arrived()


@pytest.mark.full
def test_the_publication_gets_another_name(running: Site, context: Context, flow: Flow):
    before = names(context)
    old = context.plan.expected.postgresql.capture_publication
    new = f"moved_{uuid.uuid4().hex[:6]}"
    running.run("--tags", "connectors", cdc_publication=new).must_succeed()
    assert names(context) == before - {old} | {new}
    assert running.run("--tags", "connectors", cdc_publication=new).must_succeed().changed == 0
    running.run("--tags", "connectors").must_succeed()
    assert names(context) == before
    flow.arrived()


@pytest.mark.full
def test_messages_that_are_asked_for_are_archived(running: Site, context: Context, flow: Flow):
    prefix = f"Out,box {uuid.uuid4().hex[:6]}"
    given = {"cdc_message_prefixes": [prefix]}
    running.run("--tags", "connectors,archive", **given).must_succeed()
    with context.postgresql() as connection:
        for number in range(3):
            connection.execute(
                "SELECT pg_logical_emit_message(%s, %s, %s::bytea)", (number < 2, prefix, bytes([0, 255, number]))
            )
        connection.execute("SELECT pg_logical_emit_message(true, 'other', 'no')")
    rows = until(
        lambda: [row for row in rows_of(objects_of(context, "message", 3)) if row["prefix"] in (prefix, "other")],
        lambda rows: len(rows) >= 3,
        SECONDS,
        "the messages are archived",
    )
    found = sorted((row["prefix"], row["content"], row["__op"]) for row in rows)
    assert found == [(prefix, bytes([0, 255, number]), "m") for number in range(3)]
    running.run("--tags", "connectors,archive").must_succeed()
    flow.arrived()
