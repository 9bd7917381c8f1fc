# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The artifacts of this checkout, the classes of these tests, and a PostgreSQL."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from collection_path import ROOT, make_importable
from connector import Connector, Java
from role_defaults import catalogue

make_importable()

from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.builder import Builder  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.catalogue import JAVA, read_catalogue  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.class_path import CLASS_PATH  # noqa: E402

CACHE = Path(os.environ.get("CDC_CACHE") or "/var/cache/cdc-pipeline")
NEEDED = ("python", "kafka", "converter", "debezium_release", "java_compiler", "debezium", "connect")
POSTGRESQL = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def java(tmp_path_factory: pytest.TempPathFactory) -> Java:
    """Java with the product's classes and those of these tests."""
    chosen = {name: item for name, item in catalogue().items() if name in NEEDED}
    artifacts = {artifact.name: artifact for artifact in read_catalogue(chosen, CACHE)}
    Builder(CACHE, "/usr/bin/python3").build([artifact for artifact in artifacts.values() if not artifact.present])
    folder = artifacts["connect"].path
    jars = [str(jar) for jar in sorted(folder.glob("*.jar"))]
    (binary,) = artifacts["python"].path.glob(JAVA)
    (compiler,) = artifacts["java_compiler"].path.glob("*.jar")
    classes = tmp_path_factory.mktemp("classes")
    command = [binary, "-jar", compiler, "-21", "-proc:none", "-nowarn", "-cp", ":".join(jars), "-d", classes]
    subprocess.run([*command, ROOT / "tests/integration/local/java/src"], check=True)
    # Java keeps no archive of classes in folders.
    jar = Path(shutil.make_archive(str(classes), "zip", classes)).rename(f"{classes}.jar")
    # As a worker runs.
    return Java(str(binary), f"{jar}:{folder / CLASS_PATH}", f"{classes}.jsa")


@pytest.fixture(scope="session")
def server() -> Iterator[dict[str, str]]:
    """A PostgreSQL 15 with logical replication; how psycopg reaches it."""
    if not (POSTGRESQL / "initdb").exists():
        pytest.skip("postgresql-15 is not installed")
    home = Path(tempfile.mkdtemp(prefix="cdc-java-"))
    data = home / "data"
    # It does not run as root.
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(home, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-p {port} -k {home} -c wal_level=logical -c fsync=off -c max_wal_size=256MB -c shared_buffers=64MB"
    initdb = [POSTGRESQL / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*user, *initdb], check=True, capture_output=True, cwd=home)
    pg_ctl = [*user, POSTGRESQL / "pg_ctl", "-D", data, "-w"]
    subprocess.run([*pg_ctl, "-l", home / "log", "-o", options, "start"], check=True, capture_output=True, cwd=home)
    try:
        yield {"host": str(home), "port": str(port), "user": "postgres"}
    finally:
        subprocess.run([*pg_ctl, "-m", "immediate", "stop"], check=False, capture_output=True, cwd=home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def database(server: dict[str, str], request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """A connection to a new database, which has the name of the test, and a publication of all tables."""
    name = request.node.name[:50]
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        with psycopg.connect(**server, dbname=name, autocommit=True) as connection:
            connection.execute("CREATE PUBLICATION pub FOR ALL TABLES")
            yield connection
        admin.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active")
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def connector(java: Java, database: psycopg.Connection, tmp_path: Path) -> Iterator[Connector]:
    """The connector of this database, not started."""
    made = Connector(java, database, tmp_path)
    try:
        yield made
    finally:
        made.kill()
