# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A pipeline without progress although every process runs: it is said, with a reason, until it is over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from archived import objects_of, rows_of
from cdc_pipeline.verify.checks.connectors import STEPS
from flow import Flow
from occupied_slot import occupied
from signed_in import signed_in
from site_runs import Site
from waiting import until

# From what somebody has done by hand until it is said, and until it is no longer.
SAID = 75
OVER = 60
# After Connect was killed, it first has to come back, and the connector gives up waiting for a slot after a minute.
COMES_BACK = 180


def status(site: Site) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    """The exit code of `cdc status`, and what it says is stuck."""
    done = subprocess.run(
        [site.home / "bin" / "cdc", "status", "--json", "--home", site.home],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, {(each["what"], each["state"]): each for each in json.loads(done.stdout)["stuck"]}


def is_said(site: Site, what: str, state: str, seconds: float = SAID) -> dict[str, Any]:
    """What is said of it, with all that belongs to it; the command then ends with 1."""
    wanted = f"{what} is said to be {state}"
    code, found = until(lambda: status(site), lambda now: (what, state) in now[1], seconds, wanted, pause=2)
    each = found[what, state]
    assert code == 1 and each["reason"] and each["remedy"] and each["since"], each
    return each


def is_over(site: Site, seconds: float = OVER) -> None:
    until(lambda: status(site), lambda now: now == (0, {}), seconds, "nothing is stuck", pause=2)


@pytest.fixture
def operator(running: Site) -> Iterator[httpx.Client]:
    """Kafka Connect for who may change connectors."""
    with signed_in(running.endpoints()["kafka_connect"], "writer") as connect:
        yield connect


@pytest.fixture
def connector(running: Site) -> str:
    """The path of the Debezium connector in Kafka Connect's interface."""
    is_over(running, COMES_BACK)
    return f"/connectors/{running.context().plan.expected.connectors.names[0]}"


@pytest.mark.full
def test_a_paused_connector_is_said(running: Site, flow: Flow, connector: str, operator: httpx.Client):
    operator.put(f"{connector}/pause").raise_for_status()
    try:
        found = is_said(running, "connector", "paused")
        assert f"{connector}/resume" in found["remedy"]
        text = subprocess.run(
            [running.home / "bin" / "cdc", "status", "--home", running.home],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert text.returncode == 1 and "somebody has paused it" in " ".join(text.stdout.split())
        (check,) = next(step for step in STEPS if step.id == "connectors.stuck").run(running.context())
        assert not check.ok and "paused" in str(check.found), check
    finally:
        operator.put(f"{connector}/resume").raise_for_status()
    is_over(running)
    flow.arrived()


@pytest.mark.full
def test_a_connector_that_somebody_deleted_is_said(running: Site, flow: Flow, connector: str, operator: httpx.Client):
    config = operator.get(f"{connector}/config").raise_for_status().json()
    operator.delete(connector).raise_for_status()
    try:
        is_said(running, "connector", "absent")
    finally:
        operator.put(f"{connector}/config", json=config).raise_for_status()
    is_over(running)
    flow.arrived()


@pytest.mark.full
def test_a_slot_that_another_client_reads_is_said(running: Site, flow: Flow, connector: str):
    """Kafka Connect comes back, says RUNNING, and waits for the slot."""
    os.kill(running.processes()["kafka-connect-0"], signal.SIGKILL)
    with occupied(running.context()):
        found = is_said(running, "slot", "slot_occupied")
        assert "application somebody" in found["reason"] and "pg_terminate_backend" in found["remedy"]
    is_over(running, COMES_BACK)
    flow.arrived()
    running.recovers()


@pytest.fixture
def recapture(running: Site) -> Iterator[Callable[..., None]]:
    """Has these tables captured beside the others, and a hung connector noticed soon; neither at the end."""
    shared = running.context().plan.expected.postgresql.tables

    def run(*tables: str, **variables: Any) -> None:
        running.run("--tags", "connectors,archive", cdc_tables=[*shared, *tables], **variables).must_succeed()

    yield lambda *tables: run(*tables, connectors_stuck_seconds=30)
    run()


@pytest.mark.full
def test_a_task_that_hangs_is_said_and_restarted(running: Site, connector: str, recapture: Callable[..., None]):
    """Its producer waits for a topic that somebody has deleted; Kafka Connect says RUNNING."""
    context = running.context()
    table = f"public.stuck_{uuid.uuid4().hex[:6]}"
    with context.postgresql() as connection:
        connection.execute(f"CREATE TABLE {table} (id int PRIMARY KEY)")
        recapture(table)
        # Before anything was sent to it: the producer knows nothing of it, and waits.
        for future in context.kafka_admin.delete_topics([context.plan.topic(table)]).values():
            future.result()
        connection.execute(f"INSERT INTO {table} VALUES (1)")
        states = context.kafka_connect.get(f"{connector}/status").raise_for_status().json()
        assert {each["state"] for each in (states["connector"], *states["tasks"])} == {"RUNNING"}
        found = is_said(running, "connector", "stuck", 30 + SAID)
        assert "RUNNING, but nothing more" in found["reason"]
        log = running.home / "log/connectors-0.log"
        until(
            log.read_text, lambda text: '"restarted"' in text.rpartition('"stuck"')[2], 60, "the connector is restarted"
        )
        # A run makes the topic again.
        recapture(table)
        is_over(running, COMES_BACK)
        connection.execute(f"DROP TABLE {table}")


@pytest.mark.full
def test_a_lost_slot_is_said_and_made_again_as_the_documentation_says(
    running: Site, connector: str, operator: httpx.Client
):
    """docs/troubleshooting.md, `slot_lost`."""
    context = running.context()
    slot = context.plan.expected.postgresql.slot
    email = f"lost-{uuid.uuid4().hex[:6]}@example.com"
    missed = (
        f"INSERT INTO users (email, full_name, country) VALUES ('{email}', 'Lost', 'DE')",
        f"UPDATE users SET full_name = 'Found' WHERE email = '{email}'",
    )
    operator.put(f"{connector}/stop").raise_for_status()
    with context.postgresql() as connection:
        connection.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
        connection.execute("SELECT pg_reload_conf()")
        try:
            for statement in missed:
                connection.execute(statement)

            def write() -> str:
                connection.execute(
                    "SELECT pg_logical_emit_message(false, 'much', repeat('x', 1000000)), pg_switch_wal()"
                )
                connection.execute("CHECKPOINT")
                query = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s"
                return connection.execute(query, (slot,)).fetchone()[0]

            until(write, lambda status: status == "lost", 60, "the slot is lost")
            found = is_said(running, "slot", "slot_lost")
            assert "slot_lost" in found["remedy"]
        finally:
            connection.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
            connection.execute("SELECT pg_reload_conf()")

        # The steps.
        operator.put(f"{connector}/stop").raise_for_status()
        operator.delete(f"{connector}/offsets").raise_for_status()
        connection.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
        running.run("--tags", "connectors").must_succeed()
    is_over(running, COMES_BACK)
    rows = until(
        lambda: [row for row in rows_of(objects_of(context, "public.users", 1)) if row["email"] == email],
        bool,
        COMES_BACK,
        "the row that was not captured comes with the snapshot",
        pause=2,
    )
    assert [(row["__op"], row["full_name"]) for row in rows] == [("r", "Found")]
    running.recovers()
