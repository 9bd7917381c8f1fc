# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who may use the schema registry where everybody signs in: the real one, with the role's settings, without Kafka."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from cdc_pipeline.endpoints import Login
from cdc_pipeline.instance.right import Right
from cdc_pipeline.train.properties import text
from cdc_pipeline.verify.http_rights import judge_rights
from certificates import Served, certificate_for, plain_http_is_refused, strangers_are_refused
from collection_path import ROOT, make_importable
from connector import Java
from role_defaults import catalogue, filled
from waiting import until

make_importable()

from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.builder import Builder  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.catalogue import read_catalogue  # noqa: E402

CACHE = Path(os.environ.get("CDC_CACHE") or "/var/cache/cdc-pipeline")
READER, WRITER = ("reader", "reading-14"), ("writer", "writing-14")
SCHEMA = '{"type": "record", "name": "R", "fields": []}'


def stated() -> dict:
    """The variables of the role."""
    return yaml.safe_load((ROOT / "roles/schema_registry/vars/main.yml").read_text())


@dataclass(frozen=True)
class Registry:
    """A registry that runs. ``process`` listens on one port."""

    url: str
    served: Served
    folder: Path
    process: int

    def client(self, login: tuple[str, str] | None = None) -> httpx.Client:
        context = ssl.create_default_context(cadata=self.served.ca)
        return httpx.Client(base_url=self.url, auth=login, verify=context, timeout=60, trust_env=False)


@pytest.fixture(scope="module")
def registry(java: Java, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    artifacts = [each for each in read_catalogue(catalogue(), CACHE) if each.name == "schema_registry"]
    Builder(CACHE, "/usr/bin/python3").build([each for each in artifacts if not each.present])
    folder = tmp_path_factory.mktemp("registry")
    served = certificate_for("schema-registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, content in (("certificate.pem", served.certificate), ("key.pem", served.key)):
        (folder / name).write_text(content)
    role = stated()
    endpoint = {"certificate": str(folder / "certificate.pem"), "key": str(folder / "key.pem")}
    known = {
        "__schema_registry_health": role["__schema_registry_health"],
        "__schema_registry_endpoint": endpoint,
    }
    settings = {
        "quarkus.http.host": "127.0.0.1",
        "quarkus.http.port": port,
        "apicurio.storage.kind": "sql",
        "apicurio.rest.deletion.artifact.enabled": True,
        "quarkus.log.level": "WARN",
        "quarkus.security.users.embedded.enabled": True,
        "quarkus.security.users.embedded.plain-text": True,
        **{
            f"quarkus.security.users.embedded.{kind}.{user}": value
            for (user, password), roles in ((READER, "read"), (WRITER, "read,write"))
            for kind, value in (("users", password), ("roles", roles))
        },
    }
    for part in ("closed", "tls", "access"):
        settings |= filled(role[f"__schema_registry_{part}"], known)
    settings["quarkus.http.ssl-port"] = port
    (folder / "application.properties").write_text(text(settings))
    command = [java.binary, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    command += ["-Djava.util.logging.manager=org.jboss.logmanager.LogManager", f"-Djava.io.tmpdir={folder}"]
    command += [f"-Dquarkus.config.locations=file:{folder}/application.properties"]
    command += ["-jar", str(artifacts[0].path / "quarkus-run.jar")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        found = Registry(f"https://127.0.0.1:{port}", served, folder, process.pid)
        with found.client() as client:
            health = role["__schema_registry_health"]
            until(lambda: _status(client, health), lambda s: s == 200, 180, f"the registry; see {folder}/log")
        yield found
    finally:
        process.kill()
        process.wait()


def _status(client: httpx.Client, path: str) -> int:
    try:
        return client.get(path).status_code
    except httpx.TransportError:
        return 0


def test_each_right_that_the_role_states(registry: Registry, tmp_path: Path):
    rights = tuple(Right(**each) for each in stated()["__schema_registry_rights"])
    (tmp_path / "ca.pem").write_text(registry.served.ca)
    logins = {"reader": Login(*READER), "writer": Login(*WRITER)}
    ca = str(tmp_path / "ca.pem")
    found = list(judge_rights("schema_registry", "the registry", registry.url, ca, logins, rights, "x"))
    assert [each for each in found if not each.ok] == [] and len(found) == 3


def test_what_is_told_without_a_login_is_a_constant(registry: Registry):
    health = stated()["__schema_registry_health"]
    with registry.client() as nobody, registry.client(WRITER) as writer:
        before = nobody.get(health).text
        path = "/apis/ccompat/v7/subjects/cdc-test/versions"
        assert writer.post(path, json={"schema": SCHEMA}).status_code == 200
        assert nobody.get(health).text == before
        assert "cdc-test" not in before and "apicurio" not in before.lower() and len(before) < 20
        # By no spelling does it lead to anything else.
        for other in ("/../subjects", "/%2e%2e/subjects", "/x", ";x/../../subjects"):
            assert nobody.get(f"{health}{other}").status_code in (401, 404), other


def test_nothing_but_its_one_port_listens(registry: Registry):
    """Health and metrics have a port of their own, which knows no logins."""
    listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    mine = [line for line in listening.splitlines() if f"pid={registry.process}," in line]
    assert len(mine) == 1 and mine[0].split()[3].endswith(f":{registry.url.rpartition(':')[2]}"), listening
    plain_http_is_refused(registry.url.replace("https", "http"))
    strangers_are_refused(registry.url)
