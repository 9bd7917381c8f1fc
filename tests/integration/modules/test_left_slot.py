# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The slot on a server of a user's own, when nothing reads it: what is said of it, and that it can be dropped."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.connect import PLUGIN, FakeConnect
from postgresql_servers import PASSWORD, Server

Connection = psycopg.Connection[Any]
Play = Callable[..., str]


@pytest.fixture
def slot(server: Server, own_database: Connection) -> str:
    name = own_database.info.dbname
    own_database.execute(f"CREATE ROLE {name}_owner LOGIN PASSWORD '{PASSWORD}'")
    own_database.execute(f"CREATE ROLE {name}_reads LOGIN REPLICATION PASSWORD '{PASSWORD}'")
    own_database.execute(f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')")
    return name


@pytest.fixture
def connect_server() -> Iterator[FakeConnect]:
    with FakeConnect() as found:
        yield found


def there(database: Connection, slot: str) -> bool:
    query = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s"
    return database.execute(query, (slot,)).fetchone() == (1,)


@pytest.fixture
def play(server: Server, slot: str, environment: dict[str, str], tmp_path: Path, connect_server: FakeConnect) -> Play:
    """Run a task file of the role, as the user who owns the tables and may not drop a slot."""
    reader = {"username": f"{slot}_reads", "password": PASSWORD}
    endpoints = {"postgresql": {"cdc": reader}, "kafka_connect": {"url": connect_server.url}}
    (tmp_path / "endpoints.json").write_text(json.dumps(endpoints))
    variables = {
        "ansible_python_interpreter": sys.executable,
        "cdc_home": str(tmp_path),
        "cdc_security": False,
        "postgresql_managed": False,
        "postgresql_host": "127.0.0.1",
        "postgresql_port": server.port,
        "postgresql_superuser": f"{slot}_owner",
        "postgresql_superuser_password": PASSWORD,
        "cdc_database": slot,
        "cdc_slot": slot,
    }

    def run(tasks: str, role: str = "postgresql", **more: Any) -> str:
        (tmp_path / "variables.json").write_text(json.dumps({**variables, **more}))
        included = {"ansible.builtin.include_role": {"name": f"cdc.pipeline.{role}", "tasks_from": tasks}}
        shown = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [included]}
        (tmp_path / "play.yml").write_text(json.dumps([{**shown, "roles": ["cdc.pipeline.common"]}]))
        command = [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "play.yml"]
        given = {"env": environment, "cwd": tmp_path, "capture_output": True, "text": True, "timeout": 300}
        done = subprocess.run([*command, "-e", "@variables.json"], check=False, **given)
        assert done.returncode == 0 and PASSWORD not in done.stdout, done.stdout + done.stderr
        return done.stdout

    return run


def test_what_it_does_is_said(server: Server, own_database: Connection, slot: str, run_module: Any):
    login = server.login(slot, f"{slot}_owner")
    found = run_module("replication_slot_info", **login, slot=slot)
    assert (found["present"], found["active"], found["limit_bytes"]) == (True, False, None)
    assert "has no bound, so that WAL grows" in found["message"]
    own_database.execute("SELECT pg_logical_emit_message(false, 'x', repeat('x', 3000000))")
    with server.connect() as admin:
        admin.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '64MB'")
        admin.execute("SELECT pg_reload_conf()")
        try:
            found = run_module("replication_slot_info", **login, slot=slot)
            assert found["limit_bytes"] == 64 * 1024**2 and 0 < found["safe_bytes"] < 81 * 1024**2
            assert found["retained_bytes"] > 3_000_000 and "max_slot_wal_keep_size is 64 MiB" in found["message"]
        finally:
            admin.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
            admin.execute("SELECT pg_reload_conf()")
    assert run_module("replication_slot_info", **login, slot="none")["present"] is False


def test_a_timeout_of_version_18(server: Server, own_database: Connection, slot: str, run_module: Any):
    if server.version < 18:
        pytest.skip("slots have no timeout before version 18")
    with server.connect() as admin:
        admin.execute("ALTER SYSTEM SET idle_replication_slot_timeout = '1d'")
        admin.execute("SELECT pg_reload_conf()")
        try:
            found = run_module("replication_slot_info", **server.login(slot), slot=slot)
        finally:
            admin.execute("ALTER SYSTEM RESET idle_replication_slot_timeout")
            admin.execute("SELECT pg_reload_conf()")
    assert found["idle_timeout"] == "1d" and "idle_replication_slot_timeout is 1d" in found["message"]


def test_a_user_without_replication_drops_it_by_the_connectors_role(own_database: Connection, slot: str, play: Play):
    assert "It is read on from there after make start" in play("left")
    play("drop")
    assert not there(own_database, slot)
    assert "There is no slot" in play("left")
    play("drop")


def test_a_server_that_does_not_answer_keeps_nothing_up(slot: str, play: Play):
    assert "could not be read" in play("left", postgresql_port=1)


def test_the_connector_forgets_its_position_before_that(play: Play, connect_server: FakeConnect):
    config = {"connector.class": PLUGIN, "topic.prefix": "t"}
    connect_server.add("postgres-cdc", config)
    connect_server.offsets["postgres-cdc"] = {"lsn": 7}
    play("forgotten", role="connectors")
    assert (connect_server.connectors, connect_server.offsets.get("postgres-cdc")) == ({}, None)
    # Again, when it is gone.
    play("forgotten", role="connectors")
