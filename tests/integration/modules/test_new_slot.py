# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What holds up a new slot is named, on real servers, also to a user who may see nothing of others."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from postgresql_servers import PASSWORD, Server

Connection = psycopg.Connection[Any]
Run = Callable[..., dict[str, Any]]
SLOT = "SELECT pg_create_logical_replication_slot('new', 'pgoutput')"


@pytest.fixture
def waited(server: Server, own_database: Connection, run_module: Run) -> Run:
    """Run the module, as a user who is nobody unless it is said."""
    name = f"{own_database.info.dbname}_nobody"
    own_database.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'; CREATE TABLE t (id int)")

    def call(user: str = name, **options: Any) -> dict[str, Any]:
        login = server.login(own_database.info.dbname, user)
        return run_module("replication_slot_wait", **login, slot="new", **{"first": True, "wait_timeout": 1, **options})

    return call


def test_an_open_transaction_is_named_before_and_after_it_is_waited_for(
    server: Server, own_database: Connection, waited: Run
):
    with server.connect(database=own_database.info.dbname, application_name="the app") as other:
        with other.transaction():
            other.execute("INSERT INTO t VALUES (1)")
            with other.transaction():
                other.execute("INSERT INTO t VALUES (2)")
            time.sleep(1.1)
            begun = f"process {other.info.backend_pid} of postgres (the app) in {own_database.info.dbname}, "
            looked = waited("postgres", check=True)
            (said,) = looked["running"]
            assert re.match(
                rf"{re.escape(begun)}open for [1-9]\d* s, its last statement began [1-9]\d* s ago; ", said
            ), said
            # Nothing is told of the statement itself.
            assert "INSERT" not in looked["stdout"]
            (said,) = waited(check=True)["running"]
            assert said.startswith(f"{begun}since when, members of pg_monitor see"), said
            failed = waited("postgres")
            assert failed["failed"] and begun in failed["msg"] and "slot can be created" in failed["msg"]
            assert f"pg_terminate_backend({other.info.backend_pid})" in failed["msg"]
            # It is no more than what the server itself waits for.
            own_database.execute("SET statement_timeout = '1s'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                own_database.execute(SLOT)
            own_database.execute("RESET statement_timeout")
        assert not waited()["failed"]
    own_database.execute(SLOT)
    # It is there, and there is nothing to wait for.
    assert waited(check=True)["running"] == []


def test_those_of_other_databases_and_prepared_ones_hold_it_up_too(
    server: Server, own_database: Connection, waited: Run
):
    with server.connect() as other, other.transaction():
        other.execute("SELECT pg_current_xact_id()")
        (said,) = waited(check=True)["running"]
        assert f"process {other.info.backend_pid} of postgres in postgres" in said
    own_database.execute("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'left alone'")
    try:
        assert "prepared transaction left alone of postgres" in waited()["msg"]
    finally:
        own_database.execute("ROLLBACK PREPARED 'left alone'")
    assert not waited()["failed"]


def test_it_ends_when_they_have_ended(server: Server, own_database: Connection, waited: Run):
    with server.connect(database=own_database.info.dbname) as other:
        other.execute("BEGIN; INSERT INTO t VALUES (1)")
        threading.Timer(10, other.execute, ["COMMIT"]).start()
        found = waited(wait_timeout=60)
    assert not found["failed"] and len(found["running"]) == 1


def test_readers_are_not_waited_for(server: Server, own_database: Connection, waited: Run):
    with server.connect(database=own_database.info.dbname) as other, other.transaction():
        other.execute("SELECT * FROM t")
        assert waited(check=True)["running"] == []
        assert not waited()["failed"]
