# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables that are captured, let go and captured again: whoever owns them, all their rows come along."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from archived import context_of, current, objects_of, rows_of
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from conftest import Capture
from psycopg import sql
from site_runs import Site


@pytest.fixture
def foreign_table(running: Site) -> Iterator[str]:
    """A table with three rows, in a schema of its own, made and owned by an ordinary user."""
    name = f"trouble_{uuid.uuid4().hex[:6]}"
    user = sql.Identifier(name)
    with postgresql.connect(PostgresqlEndpoint(**running.endpoints()["postgresql"])) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(user))
        connection.execute(sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(user, user))
        # A role that pg_hba.conf does not let in.
        connection.execute(sql.SQL("SET ROLE {}").format(user))
        connection.execute(f"CREATE TABLE {name}.items (id int PRIMARY KEY, note text)")
        connection.execute(f"CREATE TABLE {name}.secrets (id int PRIMARY KEY)")
        connection.execute(f"INSERT INTO {name}.items SELECT n, 'first' FROM generate_series(1, 3) n")
        connection.execute("RESET ROLE")
        yield f"{name}.items"
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(user))
        connection.execute(sql.SQL("DROP ROLE {}").format(user))


@pytest.mark.full
def test_a_foreign_table_is_captured_let_go_and_captured_again(
    running: Site, foreign_table: str, capture: Capture, tmp_path: Path
):
    context = context_of(running)
    capture(foreign_table)
    # Though that run has verified nothing.
    assert foreign_table in running.context().plan.expected.connectors.tables
    rows = rows_of(objects_of(context, foreign_table, 3))
    assert sorted((row["id"], row["__op"]) for row in rows) == [(1, "r"), (2, "r"), (3, "r")]
    with context.postgresql() as connection:
        connection.execute(f"INSERT INTO {foreign_table} VALUES (4, 'captured')")
        secrets = foreign_table.replace("items", "secrets")
        right = f"SELECT has_table_privilege('debezium', '{secrets}', 'SELECT')"
        assert connection.execute(right).fetchone() == (False,)
    objects_of(context, foreign_table, 4)

    capture()
    with context.postgresql() as connection:
        connection.execute(f"UPDATE {foreign_table} SET note = 'missed' WHERE id IN (1, 4)")
        connection.execute(f"INSERT INTO {foreign_table} VALUES (5, 'missed')")
    capture(foreign_table)
    objects = objects_of(context, foreign_table, 9)
    events = sorted((row["id"], row["__op"]) for row in rows_of(objects))
    assert events == [*[(id, "r") for id in (1, 1, 2, 2, 3, 3)], (4, "c"), (4, "r"), (5, "r")]
    now = [(1, "missed"), (2, "first"), (3, "first"), (4, "missed"), (5, "missed")]
    assert current(objects, "id", tmp_path) == now
