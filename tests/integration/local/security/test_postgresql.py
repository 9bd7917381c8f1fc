# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""PostgreSQL as its role states it with `cdc_security`: the real server, by itself, and who is let in."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[4]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "python/src")]

from cdc_pipeline.clients import postgresql  # noqa: E402
from cdc_pipeline.endpoints import PostgresqlEndpoint  # noqa: E402
from collection_path import collections_path  # noqa: E402
from waiting import wait  # noqa: E402

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "of-the-test"
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {cdc_security: true, cdc_home: HOME, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  roles: [cdc.pipeline.common]
  tasks:
    - ansible.builtin.include_role: {name: cdc.pipeline.certificates}
    - ansible.builtin.copy:
        content: >-
          {{ {"workload": query("cdc.pipeline.workloads", "postgresql") | first,
              "authority": cdc_certificates.authority} | to_json }}
        dest: HOME/stated.json
        mode: "0600"
"""

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not PROGRAMS.is_dir(), reason="needs root, and Debian's postgresql-15, as the pipeline does"
)


@dataclass
class Server:
    port: int
    ca: Path
    log: Path

    def endpoint(self, **other: object) -> PostgresqlEndpoint:
        given = {
            "host": "127.0.0.1",
            "port": self.port,
            "dbname": "ecommerce",
            "user": "postgres",
            "password": PASSWORD,
            "sslmode": "verify-full",
            "ca": str(self.ca),
        }
        return PostgresqlEndpoint(**{**given, **other})


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder that PostgreSQL's user may enter. pytest closes its own ones whenever another pytest starts."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    (home / "play.yml").write_text(PLAY.replace("HOME", str(home)))
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(home / "play.yml")]
    subprocess.run(command, check=True, env={**own, "ANSIBLE_COLLECTIONS_PATH": str(collections_path(home))})
    stated = json.loads((home / "stated.json").read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    folders = {name: home / name for name in ("config", "secrets", "data")}
    tokens = {f"@{{{name}}}": str(path) for name, path in folders.items()}
    tokens |= {"@{bind}": "127.0.0.1", "@{port.sql}": str(port)}
    for kind, mode in (("files", 0o644), ("secrets", 0o400)):
        for name, text in stated["workload"][kind].items():
            for token, value in tokens.items():
                text = text.replace(token, value)
            path = folders["config" if kind == "files" else "secrets"] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(mode)
            shutil.chown(path, "postgres")
    (folders["secrets"] / "superuser-password").write_text(PASSWORD)
    folders["data"].mkdir()
    shutil.chown(folders["data"], "postgres")
    data = folders["data"] / "pgdata"
    as_postgres = {"user": "postgres", "group": "postgres", "extra_groups": [], "cwd": folders["data"]}
    initdb = [PROGRAMS / "initdb", "-D", data, "--username=postgres", "--auth=scram-sha-256", "--no-sync"]
    initdb.append(f"--pwfile={folders['secrets'] / 'superuser-password'}")
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **as_postgres)
    log = home / "log"
    with log.open("w") as output:
        program = [PROGRAMS / "postgres", "-D", data, "-c", f"config_file={folders['config'] / 'postgresql.conf'}"]
        process = subprocess.Popen(program, stdout=output, stderr=output, **as_postgres)
    ca = home / "ca.pem"
    ca.write_text(stated["authority"])
    found = Server(port, ca, log)
    try:
        _until_ready(found, process)
        with postgresql.connect(found.endpoint(dbname="postgres")) as admin:
            admin.execute("CREATE DATABASE ecommerce")
            admin.execute(f"CREATE ROLE debezium LOGIN REPLICATION PASSWORD '{PASSWORD}'")
            admin.execute(f"CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'")
        yield found
    finally:
        process.terminate()
        process.wait(60)


def _until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    def is_ready() -> bool:
        try:
            postgresql.connect(server.endpoint(dbname="postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    ready = wait(is_ready, lambda found: found or process.poll() is not None, 120, 0.2)
    assert ready, server.log.read_text()


def refused(where: PostgresqlEndpoint, **more: object) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        postgresql.connect(where, **more).close()
    return str(caught.value)


def test_the_superuser_and_the_connector_sign_in_encrypted_by_scram(server: Server) -> None:
    for user in ("postgres", "debezium"):
        with postgresql.connect(server.endpoint(user=user)) as connection:
            version = connection.execute("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
            assert version[0] in ("TLSv1.2", "TLSv1.3")
    with postgresql.connect(server.endpoint()) as admin:
        hashes = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolcanlogin").fetchall()
    assert len(hashes) == 3 and all(each.startswith("SCRAM-SHA-256$") for (each,) in hashes)


def test_the_connector_reads_changes(server: Server) -> None:
    with psycopg.connect(
        **postgresql.parameters(server.endpoint(user="debezium"), replication="database"), autocommit=True
    ) as walsender:
        assert walsender.execute("IDENTIFY_SYSTEM").fetchone()


def test_plaintext_is_refused(server: Server) -> None:
    for user in ("postgres", "debezium", "stranger"):
        message = refused(server.endpoint(user=user, sslmode="disable", ca=""))
        assert "no encryption" in message and "postgresql_hba_extra" in message


def test_an_old_protocol_is_refused(server: Server) -> None:
    message = refused(server.endpoint(), ssl_min_protocol_version="TLSv1.1", ssl_max_protocol_version="TLSv1.1")
    assert "protocol" in message or "SSL" in message


def test_a_wrong_authority_is_refused(server: Server) -> None:
    other = ROOT / "tests/golden/authority.pem"
    message = refused(server.endpoint(ca=str(other)))
    assert "certificate verify failed" in message and f"none of the authorities in {other}" in message


def test_a_missing_authority_is_named(server: Server) -> None:
    message = refused(server.endpoint(ca="/nonexistent/ca.pem"))
    assert '"/nonexistent/ca.pem" does not exist' in message and "run site.yml" in message


def test_a_wrong_host_is_refused(server: Server) -> None:
    message = refused(server.endpoint(host="elsewhere.example"), hostaddr="127.0.0.1")
    assert 'does not match host name "elsewhere.example"' in message and "use a name of the certificate" in message


@pytest.mark.parametrize(
    ("user", "more"),
    [
        ("debezium", {"dbname": "postgres"}),
        ("debezium", {"replication": "true"}),
        ("stranger", {}),
        ("stranger", {"dbname": "postgres"}),
    ],
    ids=["another database", "a copy of the server", "a stranger", "a stranger elsewhere"],
)
def test_nobody_else_is_let_in(server: Server, user: str, more: dict[str, str]) -> None:
    assert "no pg_hba.conf entry" in refused(server.endpoint(user=user), **more)


def test_a_wrong_password_is_refused(server: Server) -> None:
    message = refused(server.endpoint(password="wrong"))
    assert "password authentication failed" in message and "wrong" not in message.replace("is wrong", "")
