# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Servers of the user's own: the running instance's, with a database, slot, publication, role and bucket beside its."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from signed_in import as_ones_own, s3_client
from site_runs import Site

TABLES = """
SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""


def slots(server: dict[str, Any]) -> set[str]:
    with postgresql.connect(PostgresqlEndpoint(**server)) as connection:
        return {name for (name,) in connection.execute("SELECT slot_name FROM pg_replication_slots").fetchall()}


def publications(server: dict[str, Any]) -> dict[str, bool]:
    """The publications, and whether each is of all tables."""
    with postgresql.connect(PostgresqlEndpoint(**server)) as connection:
        return dict(connection.execute("SELECT pubname, puballtables FROM pg_publication").fetchall())


@pytest.fixture
def database(running: Site) -> Iterator[dict[str, Any]]:
    """A user's database: a table in a schema of its own, and everybody may create in public, as before version 15."""
    server = running.endpoints()["postgresql"]
    name = f"own_{uuid.uuid4().hex[:6]}"
    mine = {**server, "dbname": name}
    with postgresql.connect(PostgresqlEndpoint(**server)) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        with postgresql.connect(PostgresqlEndpoint(**mine)) as inside:
            inside.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
            inside.execute("CREATE SCHEMA shop")
            inside.execute("CREATE TABLE shop.parcels (id bigint PRIMARY KEY, note text)")
            inside.execute("CREATE TABLE shop.log AS SELECT n FROM generate_series(1, 5) AS n")
            inside.execute("CREATE PUBLICATION mine FOR TABLE shop.parcels")
            inside.execute("INSERT INTO shop.parcels SELECT n, 'parcel ' || n FROM generate_series(1, 50) AS n")
        yield mine
    finally:
        # The server may have been restarted since.
        with postgresql.connect(PostgresqlEndpoint(**server)) as connection:
            if name in slots(server):
                connection.execute("SELECT pg_drop_replication_slot(%s)", (name,))
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            connection.execute(f"DROP ROLE IF EXISTS {name}")


@pytest.fixture
def bucket(running: Site) -> Iterator[dict[str, Any]]:
    """Where a bucket of a user's own is to be, without it."""
    store = {**running.endpoints()["object_store"], "bucket": f"own-{uuid.uuid4().hex[:6]}"}
    yield store
    client = s3_client(store)
    if store["bucket"] in [each["Name"] for each in client.list_buckets()["Buckets"]]:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=store["bucket"]):
            for each in page.get("Contents", ()):
                client.delete_object(Bucket=store["bucket"], Key=each["Key"])
        client.delete_bucket(Bucket=store["bucket"])


class Careless(BaseHTTPRequestHandler):
    """An S3 store that has every bucket and ignores conditions; ``writes`` counts."""

    writes = 0

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).writes += 1
        self.do_HEAD()

    do_DELETE = do_HEAD

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""


@pytest.fixture
def variables(database: dict[str, Any], bucket: dict[str, Any]) -> dict[str, Any]:
    """What a user states. Names that hold for a whole server are the test's own."""
    return {
        "postgresql_managed": False,
        "postgresql_host": database["host"],
        "postgresql_port": database["port"],
        "postgresql_superuser": database["user"],
        "postgresql_superuser_password": database["password"],
        "postgresql_cdc_user": database["dbname"],
        "cdc_slot": database["dbname"],
        "cdc_database": database["dbname"],
        "cdc_tables": ["shop.parcels"],
        "object_store_managed": False,
        "object_store_endpoint_url": bucket["endpoint_url"],
        "object_store_access_key_id": bucket["access_key_id"],
        "object_store_secret_access_key": bucket["secret_access_key"],
        "cdc_bucket": bucket["bucket"],
        "cdc_endpoints_extra": {"postgresql": as_ones_own(database), "object_store": as_ones_own(bucket)},
        # Beside the running instance's three brokers.
        "kafka_replicas": 1,
    }


@pytest.fixture
def let_in(running: Site, database: dict[str, Any]) -> Iterator[None]:
    """The server lets the database's role in, as one of a user's own would."""
    name = database["dbname"]
    line = f"host {name} {name} 127.0.0.1/32 scram-sha-256"
    running.run("--tags", "postgresql", postgresql_hba_extra=[line]).must_succeed()
    yield
    running.run("--tags", "postgresql").must_succeed()


@pytest.mark.full
@pytest.mark.usefixtures("let_in")
def test_a_site_on_servers_of_ones_own(variables: dict[str, Any], database: dict[str, Any], fresh: Site):
    assert "it was not checked" in fresh.run("--check", "--tags", "preflight", **variables).output

    assert "postgresql.version" in fresh.run(**variables).must_succeed().output
    assert not {path.name for path in fresh.home.iterdir()} & {"postgresql-0", "object-store-0"}
    with postgresql.connect(PostgresqlEndpoint(**database)) as connection:
        assert {name for (name,) in connection.execute(TABLES).fetchall()} == {
            "shop.parcels",
            "shop.log",
            "public.pipeline_probe",
        }
        assert publications(database) == {"mine": False, f"{database['dbname']}_captured": False}
        # A table without a key is nobody's concern.
        connection.execute("UPDATE shop.log SET n = n + 1")
        connection.execute("DELETE FROM shop.log")
    assert fresh.run(**variables).must_succeed().changed == 0

    fresh.run(playbook="playbooks/destroy.yml", destroy_data=True, **variables).must_succeed()
    assert database["dbname"] not in slots(database)
    assert publications(database) == {"mine": False}


def test_tables_that_ones_own_database_does_not_have(variables: dict[str, Any], fresh: Site):
    del variables["cdc_tables"]
    run = fresh.run(**variables)
    run.must_fail_with(
        "public.users: there is no such table", "shop.parcels", "nothing of the pipeline has been changed"
    )
    # The server is verified by the authority that is declared of it.
    assert not fresh.home.exists() or {path.name for path in fresh.home.iterdir()} <= {"run.lock", "trust"}


def test_a_slot_that_another_pipeline_reads(variables: dict[str, Any], fresh: Site):
    run = fresh.run(**{**variables, "cdc_slot": "debezium"})
    run.must_fail_with("the slot debezium belongs to", "set cdc_slot", "nothing of the pipeline has been changed")


def test_a_store_that_cannot_archive_exactly_once(fresh: Site):
    with HTTPServer(("127.0.0.1", 0), Careless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = {
            "object_store_managed": False,
            "object_store_endpoint_url": f"http://127.0.0.1:{server.server_port}",
            "object_store_access_key_id": "key",
            "object_store_secret_access_key": "a-secret-4711",
        }
        assert "it was not checked" in fresh.run("--check", "--tags", "preflight", **store).output
        assert Careless.writes == 0
        run = fresh.run(**store)
        server.shutdown()
    run.must_fail_with("ignores If-None-Match", "Use a store that honours conditional writes")
    assert "a-secret-4711" not in run.output
    assert not fresh.home.exists() or not any(fresh.home.iterdir())
