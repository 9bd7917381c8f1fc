# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs modules against the servers that `CDC_ENDPOINTS` names, and reads those servers directly."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python/src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

import postgresql_servers
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from collection_path import collections_path, make_importable

make_importable()


@pytest.fixture(scope="session")
def endpoints() -> dict[str, Any]:
    """The running pipeline's endpoints file."""
    path = os.environ.get("CDC_ENDPOINTS")
    if not path:
        pytest.skip("CDC_ENDPOINTS does not name the endpoints file of a running pipeline")
    return json.loads(Path(path).read_text())


@pytest.fixture
def name() -> str:
    """A name that nothing else on the servers has."""
    return f"test-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def database(endpoints: dict[str, Any], name: str) -> Iterator[psycopg.Connection[Any]]:
    """A database of the test's own, without slots at the end."""
    where = PostgresqlEndpoint(**endpoints["postgresql"])
    own = name.replace("-", "_")
    with postgresql.connect(where) as connection:
        connection.execute(f"CREATE DATABASE {own}")
        try:
            with postgresql.connect(where, dbname=own) as inside:
                yield inside
        finally:
            slots = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s"
            connection.execute(slots, (own,))
            connection.execute(f"DROP DATABASE {own} WITH (FORCE)")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Ansible's environment, in which the collection is this checkout."""
    home = tmp_path_factory.mktemp("ansible")
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {
        **own,
        "ANSIBLE_COLLECTIONS_PATH": str(collections_path(home)),
        "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
        "ANSIBLE_INVENTORY": "localhost,",
        "ANSIBLE_NOCOLOR": "1",
    }


# What Ansible's own wrapper of a module does.
_MODULE = """
import importlib, json, sys
from ansible.module_utils.testing import patch_module_args
name, options = json.load(sys.stdin)
with patch_module_args(options):
    importlib.import_module(f"ansible_collections.cdc.pipeline.plugins.modules.{name}").main()
"""


@pytest.fixture
def run_module(environment: dict[str, str]) -> Callable[..., dict[str, Any]]:
    """Run a module in a process of its own, as Ansible does, without the seconds that Ansible itself takes.

    The result has all that the module says as `stdout`, to search for secrets; `failed` tells whether it failed.
    """
    own = {**environment, "PYTHONPATH": environment["ANSIBLE_COLLECTIONS_PATH"]}

    def run(module: str, /, *, check: bool = False, **options: Any) -> dict[str, Any]:
        given = {**options, "_ansible_check_mode": check, "_ansible_diff": True}
        done = subprocess.run(
            [sys.executable, "-c", _MODULE],
            env=own,
            input=json.dumps([module, given]),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        try:
            result = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(done.stdout + done.stderr) from None
        return {**result, "stdout": done.stdout + done.stderr, "failed": bool(result.get("failed"))}

    return run


@pytest.fixture
def run_by_ansible(environment: dict[str, str], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run a module by a playbook of one task.

    The result has the command's whole output as `stdout`, to search for secrets; `failed` tells whether it failed.
    """
    results = tmp_path / "results"
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "--diff", "-vvv", "playbook.yml"]
    command += ["-e", "@arguments.json", "-e", f"ansible_python_interpreter={sys.executable}"]

    def run(module: str, /, *, check: bool = False, **options: Any) -> dict[str, Any]:
        # As variables, since Ansible shows the source of a task that fails.
        (tmp_path / "arguments.json").write_text(json.dumps({"arguments": options}))
        task = {f"cdc.pipeline.{module}": {option: f"{{{{ arguments.{option} }}}}" for option in options}}
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
        (tmp_path / "playbook.yml").write_text(json.dumps([play]))
        run = subprocess.run(
            [*command, *(["--check"] if check else [])],
            env={**environment, "ANSIBLE_CALLBACKS_ENABLED": "tree", "ANSIBLE_CALLBACK_TREE_DIR": str(results)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        output = run.stdout + run.stderr
        result = results / "localhost"
        if not result.exists():
            raise AssertionError(output)
        content = json.loads(result.read_text())
        result.unlink()
        return {**content, "stdout": output, "failed": run.returncode != 0}

    return run


class Rest:
    """Reads a server without the collection's code."""

    def __init__(self, where: dict[str, Any]) -> None:
        self.url = where["url"]
        self._user = where.get("writer")
        self._tls = ssl.create_default_context(cafile=where.get("ca") or None)

    def __call__(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """The answer, or None for 404."""
        headers = {"Content-Type": "application/json"}
        if self._user:
            credentials = f"{self._user['username']}:{self._user['password']}"
            headers["Authorization"] = "Basic " + b64encode(credentials.encode()).decode()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data, headers, method=method)
        for attempt in (1, 2, 3):
            try:
                with urllib.request.urlopen(request, timeout=30, context=self._tls) as answer:
                    content = answer.read()
                    return json.loads(content) if content else None
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return None
                raise
            except ConnectionError:
                # A busy server may close a connection; nothing that the tests ask of it does harm when asked twice.
                if attempt == 3:
                    raise
        return None


@pytest.fixture
def connect(endpoints: dict[str, Any]) -> Rest:
    return Rest(endpoints["kafka_connect"])


@pytest.fixture
def registry(endpoints: dict[str, Any]) -> Rest:
    return Rest(endpoints["schema_registry"])


@pytest.fixture
def kafka(endpoints: dict[str, Any]) -> Any:
    """An admin client of the cluster."""
    from confluent_kafka.admin import AdminClient

    where = endpoints["kafka"]
    return AdminClient({**where["client"], "bootstrap.servers": where["bootstrap_servers"]})


@pytest.fixture
def topic(kafka: Any, name: str) -> Iterator[str]:
    """The name of a topic, deleted in the end."""
    yield name
    if name in kafka.list_topics(timeout=30).topics:
        kafka.delete_topics([name])[name].result()


@pytest.fixture(scope="session", params=postgresql_servers.VERSIONS, ids=lambda version: f"postgresql-{version}")
def server(request: pytest.FixtureRequest) -> Iterator[postgresql_servers.Server]:
    """A server of the tests' own, in turn of each version."""
    with postgresql_servers.running(request.param, "wal_sender_timeout=10s") as found:
        yield found


@pytest.fixture
def own_database(server: postgresql_servers.Server, name: str) -> Iterator[psycopg.Connection[Any]]:
    """A database of the test's own on it, as the superuser."""
    with postgresql_servers.database(server, name.replace("-", "_")) as inside:
        yield inside
