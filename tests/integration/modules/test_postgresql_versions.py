# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What differs between versions of PostgreSQL, on real servers: generated columns, and slots that standbys copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from cdc_pipeline.capture.facts import Settings
from cdc_pipeline.capture.report import document, examine
from postgresql_servers import PASSWORD, Server

Connection = psycopg.Connection[Any]
Run = Callable[..., dict[str, Any]]
TABLE = "CREATE TABLE t (id int PRIMARY KEY, net int, stored_one int GENERATED ALWAYS AS (net * 2) STORED"


@pytest.fixture
def published(server: Server, own_database: Connection, run_module: Run) -> list[str]:
    """The generated columns of a captured table, which is published."""
    columns = ["stored_one"]
    if server.version >= 18:
        own_database.execute(f"{TABLE}, virtual_one int GENERATED ALWAYS AS (net * 3) VIRTUAL)")
        columns.append("virtual_one")
    else:
        own_database.execute(f"{TABLE})")
    given = {"name": "pub", "slot": "s", "tables": [{"schema": "public", "table": "t"}]}
    assert run_module("capture_publication", **server.login(own_database.info.dbname), **given)["changed"]
    return columns


def test_generated_columns_are_named_and_not_sent(own_database: Connection, published: list[str]):
    settings = Settings(tables=("public.t",), slot="s")
    facts, findings = examine(own_database, settings)
    (table,) = document(facts, findings, settings)["tables"]
    assert table["generated"] == table["left_out"] == [f"public.t.{name}" for name in published]
    assert f"{', '.join(published)}: generated, so not captured" in [each.what for each in findings]

    own_database.execute("SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
    own_database.execute("INSERT INTO t VALUES (1, 7); UPDATE t SET net = 8")
    options = "'proto_version', '1', 'publication_names', 'pub'"
    query = f"SELECT data FROM pg_logical_slot_get_binary_changes('s', NULL, NULL, {options})"
    messages = b"".join(bytes(data) for (data,) in own_database.execute(query).fetchall())
    assert b"\0net\0" in messages
    assert not any(name.encode() in messages for name in published)


def test_the_connectors_role_may_make_a_slot_that_standbys_copy(server: Server, own_database: Connection):
    """What the connector's setting `slot.failover` asks for."""
    if server.version < 17:
        pytest.skip("there are none before version 17")
    name = f"{own_database.info.dbname}_reads"
    own_database.execute(f"CREATE ROLE {name} LOGIN REPLICATION PASSWORD '{PASSWORD}'")
    with server.connect(name, own_database.info.dbname) as reader:
        reader.execute("SELECT pg_create_logical_replication_slot('s', 'pgoutput', failover => true)")
        row = reader.execute("SELECT failover FROM pg_replication_slots WHERE slot_name = 's'").fetchone()
    assert row == (True,)
