"""The slot as a PostgreSQL 15 shows it to the CDC role, which may see no more than anybody."""

from __future__ import annotations

import dataclasses
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cdc_pipeline.connectors.judge import Expected, Judge
from cdc_pipeline.connectors.observed import Connector, Part, Seen, Source
from cdc_pipeline.connectors.source import SourceWatch
from cdc_pipeline.endpoints import PostgresqlEndpoint

BIN = Path("/usr/lib/postgresql/15/bin")
MIB = 1024**2
LIMIT = 8
RUNS = {"cdc": Connector(Part("RUNNING"), {0: Part("RUNNING")})}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server with small WAL segments, of which a slot may keep a few."""
    if not (BIN / "initdb").exists():
        pytest.skip("postgresql-15 is not installed")
    home = Path(tempfile.mkdtemp(prefix="cdc-source-"))
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(home, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = (
        f"-p {port} -h 127.0.0.1 -k {home} -c wal_level=logical -c fsync=off -c shared_buffers=32MB -c autovacuum=off "
        f"-c min_wal_size=2MB -c max_wal_size=4MB"
    )
    data = home / "data"
    initdb = [BIN / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--wal-segsize=1", "--no-sync"]
    subprocess.run([*user, *initdb], check=True, capture_output=True, cwd=home)
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(f"max_slot_wal_keep_size = {LIMIT}MB\n")
    pg_ctl = [*user, BIN / "pg_ctl", "-D", data, "-w"]
    subprocess.run([*pg_ctl, "-l", home / "log", "-o", options, "start"], check=True, capture_output=True, cwd=home)
    try:
        with admin(port) as connection:
            connection.execute("CREATE ROLE debezium LOGIN REPLICATION")
            connection.execute("CREATE TABLE t (id int)")
            connection.execute("CREATE PUBLICATION pub FOR TABLE t")
        yield port
    finally:
        subprocess.run([*pg_ctl, "-m", "immediate", "stop"], check=False, capture_output=True, cwd=home)
        shutil.rmtree(home, ignore_errors=True)


def admin(port: int) -> psycopg.Connection[Any]:
    return psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres", autocommit=True)


@pytest.fixture
def slot(port: int) -> Iterator[str]:
    with admin(port) as connection:
        connection.execute("SELECT pg_create_logical_replication_slot('debezium', 'pgoutput')")
        yield "debezium"
        connection.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active_pid IS NOT NULL"
        )
        end = time.monotonic() + 20
        while connection.execute("SELECT active FROM pg_replication_slots").fetchone() == (True,):
            assert time.monotonic() < end
            time.sleep(0.1)
        connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


@pytest.fixture
def watch(port: int) -> SourceWatch:
    return SourceWatch(PostgresqlEndpoint("127.0.0.1", port, "postgres", "debezium", "a secret"), "debezium")


@contextmanager
def reading(port: int, user: str, application: str) -> Iterator[None]:
    """A client that reads the slot, and confirms what it has read every second."""
    options = "--start -S debezium -f /dev/null -s 1 -F 1 -o proto_version=1 -o publication_names=pub"
    where = f"-h 127.0.0.1 -p {port} -U {user} -d postgres"
    command = [BIN / "pg_recvlogical", *where.split(), *options.split()]
    process = subprocess.Popen(command, env={"PGAPPNAME": application}, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def looked(watch: SourceWatch, good: Callable[[Source], Any]) -> Source:
    """The first look that is good."""
    end = time.monotonic() + 120
    while True:
        watch.look()
        found, problem = watch.latest()
        assert found is not None, problem
        if good(found):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.1)


def states(source: Source, seconds: float = 600, connectors: Any = RUNS) -> list[str]:
    """What is said of the slot, once it has been so for a while."""
    judge = Judge(Expected(("cdc",), "cdc", "debezium"))
    for at in range(0, int(seconds) + 1, 10):
        found = judge.see(Seen(float(at), connectors, source))
    return [each.state for each in found]


def test_a_slot_that_nobody_reads(port: int, slot: str, watch: SourceWatch):
    found = looked(watch, lambda source: source.slot)
    assert found.slot is not None and found.limit == LIMIT * MIB
    assert (found.slot.active, found.slot.status, found.slot.holder) == (False, "reserved", None)
    assert found.slot.confirmed is not None and found.slot.confirmed <= found.end and found.slot.safe
    assert states(found) == ["slot_inactive"]
    with admin(port) as connection:
        (end,) = connection.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone()
    assert found.end <= end < found.end + MIB


def test_a_slot_that_is_read_as_it_should(port: int, slot: str, watch: SourceWatch):
    with reading(port, "debezium", "Debezium Streaming"):
        before = looked(watch, lambda source: source.slot and source.slot.active)
        assert before.slot and before.slot.holder and before.slot.holder.own
        with admin(port) as connection:
            connection.execute("INSERT INTO t SELECT generate_series(1, 100)")
        after = looked(watch, lambda source: source.slot and source.slot.confirmed > before.end)
        assert states(after, 60) == []
        # Idle, it waits, and is not taken for one that still decodes.
        assert looked(watch, lambda source: source.slot and not source.slot.decoding)


def test_a_slot_that_somebody_else_reads(port: int, slot: str, watch: SourceWatch):
    """By another program, or another role, of whose session nothing more may be seen."""
    for user, application in (("debezium", "pg_recvlogical"), ("postgres", "Debezium Streaming")):
        with reading(port, user, application):
            found = looked(watch, lambda source: source.slot and source.slot.active)
            assert found.slot and found.slot.holder and not found.slot.holder.own
            assert f"user {user}, application {application}" in str(found.slot.holder)
            assert states(found, 60) == ["slot_occupied"]
            assert states(found, 60, {"cdc": Connector(Part("RUNNING"), {0: Part("FAILED", "is active")})}) == [
                "failed",
                "slot_occupied",
            ]
        assert states(looked(watch, lambda source: source.slot and not source.slot.active), 60) == ["slot_inactive"]


def test_a_slot_that_is_lost(port: int, slot: str, watch: SourceWatch):
    """Said while it fills up, and when it is too late."""
    said = []
    with admin(port) as connection:
        for _segment in range(4 * LIMIT):
            connection.execute("INSERT INTO t VALUES (1)")
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")
            found = looked(watch, lambda source: source.slot)
            said += [state for state in states(found, 0) if state not in said]
    assert said == ["wal_filling", "slot_lost"]
    assert found.slot and (found.slot.status, found.slot.kept) == ("lost", None)


class Connect(http.server.BaseHTTPRequestHandler):
    """A connector that Kafka Connect says is running, as one that waits for the slot."""

    def do_GET(self) -> None:
        part = {"state": "RUNNING", "worker_id": "w"}
        status = {"name": "cdc", "connector": part, "tasks": [{"id": 0, **part}], "type": "source"}
        body = json.dumps({"cdc": {"status": status}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def test_the_process_looks_at_both(port: int, slot: str, tmp_path: Path):
    """What Kafka Connect and PostgreSQL say, in one answer; the password is in none."""
    connect = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Connect)
    threading.Thread(target=connect.serve_forever, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = free.getsockname()[1]
    login = {"host": "127.0.0.1", "port": port, "dbname": "postgres", "user": "debezium", "password": "hush-hush"}
    (tmp_path / "postgresql.json").write_text(json.dumps(login))
    arguments = f"--workers=http://127.0.0.1:{connect.server_address[1]} --port={own} --expect=cdc,other --cdc=cdc"
    command = [sys.executable, "-m", "cdc_pipeline.connectors.cli", *arguments.split(), "--slot=debezium"]
    process = subprocess.Popen(
        [*command, f"--postgresql={tmp_path}/postgresql.json"], stdout=subprocess.PIPE, text=True
    )

    def status() -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{own}/status") as answer:
                return json.load(answer)
        except OSError:
            return {}

    try:
        with reading(port, "debezium", "pg_recvlogical"):
            end = time.monotonic() + 60
            while not ((found := status()).get("slot") or {}).get("read_by"):
                assert time.monotonic() < end and process.poll() is None, found
                time.sleep(0.2)
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=30)
        connect.shutdown()
        connect.server_close()
    assert found["connectors"] == {"cdc": {"state": "RUNNING", "tasks": {"0": "RUNNING"}}}
    assert found["slot"]["active"] and "application pg_recvlogical" in found["slot"]["read_by"]
    assert "hush-hush" not in json.dumps(found) + output and process.returncode == 0


def test_the_first_snapshot_is_seen(port: int, slot: str, watch: SourceWatch):
    session = {"host": "127.0.0.1", "port": port, "user": "debezium", "dbname": "postgres"}
    with psycopg.connect(**session, application_name="Debezium General") as debezium:
        began = time.time()
        # As in an ordinary transaction that was forgotten: this is no snapshot.
        debezium.execute("SELECT 1")
        assert states(looked(watch, lambda source: source.slot), 60) == ["slot_inactive"]
        debezium.rollback()
        debezium.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        debezium.execute("SELECT count(*) FROM pg_class")
        found = looked(watch, lambda source: source.slot)
        assert found.snapshot is not None and abs(found.snapshot - began) < 60 and states(found) == []
    assert looked(watch, lambda source: source.slot).snapshot is None


def test_a_missing_slot(port: int, watch: SourceWatch):
    found = looked(watch, lambda source: source.slot is None)
    assert found.end > 0 and states(found) == ["absent"]


def test_a_long_transaction_is_not_taken_for_a_hang(port: int, slot: str, watch: SourceWatch):
    """While PostgreSQL decodes, nothing is confirmed."""
    with admin(port) as connection:
        connection.execute("ALTER SYSTEM SET max_slot_wal_keep_size = -1")
        connection.execute("SELECT pg_reload_conf()")
        # Until the checkpointer has heard of it.
        time.sleep(1)
        connection.execute("INSERT INTO t SELECT generate_series(1, 500000)")
        with reading(port, "debezium", "Debezium Streaming"):
            assert looked(watch, lambda source: source.slot and source.slot.decoding)
            found = looked(watch, lambda source: source.slot and source.slot.confirmed >= source.end - 1000)
        assert found.limit is None and not states(found, 0)
        connection.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
        connection.execute("SELECT pg_reload_conf()")


def test_a_server_that_is_away_or_silent():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        where = PostgresqlEndpoint("127.0.0.1", port, "postgres", "debezium", "a secret")
        now = [0.0]
        watch = SourceWatch(where, "debezium", clock=lambda: now[0])
        assert watch.latest() == (None, "")
        now[0] = 41.0
        assert watch.latest() == (None, "PostgreSQL has not answered for 41 s")
    watch = SourceWatch(dataclasses.replace(where, port=1), "debezium")
    watch.look()
    found, problem = watch.latest()
    assert found is None and "refused" in problem and "a secret" not in problem


def test_a_connection_that_broke_is_made_again(port: int, slot: str, watch: SourceWatch):
    looked(watch, lambda source: source.slot)
    with admin(port) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'debezium'")
    watch.look()
    assert watch.latest()[0] is None and "terminat" in watch.latest()[1]
    looked(watch, lambda source: source.slot)
