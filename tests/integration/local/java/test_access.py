# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who may use Kafka Connect's REST interface: two real workers and a broker, with TLS as the role sets it up."""

from __future__ import annotations

import base64
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cdc_pipeline.train.properties import CLUSTER_ID, text
from certificates import Served, certificate_for, plain_http_is_refused, strangers_are_refused
from collection_path import make_importable
from connector import Java
from waiting import until

make_importable()

from ansible_collections.cdc.pipeline.plugins.module_utils._trust_store import (  # noqa: E402
    PASSWORD,
    TYPE,
    key_store,
    trust_store,
)

READER, WRITER = ("reader", "reading-14"), ("writer", "writing: ä=14")
HEARTBEAT = "org.apache.kafka.connect.mirror.MirrorHeartbeatConnector"
BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
LOG = """rootLogger.level=INFO
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%p %m (%c)%n
"""


@dataclass(frozen=True)
class Connect:
    """Two workers. ``folder`` holds their files."""

    urls: tuple[str, ...]
    served: Served
    folder: Path
    broker: str

    def client(self, login: tuple[str, str] | None = None, worker: int = 0) -> httpx.Client:
        context = ssl.create_default_context(cadata=self.served.ca)
        return httpx.Client(base_url=self.urls[worker], auth=login, verify=context, timeout=60, trust_env=False)

    def connector(self, **more: str) -> dict[str, Any]:
        return {
            "connector.class": HEARTBEAT,
            "source.cluster.alias": "a",
            "target.cluster.alias": "b",
            "source.cluster.bootstrap.servers": self.broker,
            "target.cluster.bootstrap.servers": self.broker,
            "heartbeats.topic.replication.factor": "1",
            "key.converter": BYTES,
            "value.converter": BYTES,
            **more,
        }


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _index in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def _broker(folder: Path, client: int, controller: int) -> dict[str, object]:
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENT",
        "log.dirs": folder / "broker",
        "offsets.topic.num.partitions": 1,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
    }


def _worker(folder: Path, broker: str, port: int) -> dict[str, object]:
    """As the role kafka_connect states it."""
    found: dict[str, object] = {
        "bootstrap.servers": broker,
        "group.id": "connect",
        "listeners": f"https://127.0.0.1:{port}",
        "rest.advertised.host.name": "127.0.0.1",
        "rest.advertised.port": port,
        "rest.extension.classes": "io.cdcpipeline.connect.rest.Access",
        "access.file": folder / "access.properties",
        "access.people.file": folder / "people.properties",
        "listeners.https.ssl.keystore.location": folder / "key.jks",
        "listeners.https.ssl.keystore.type": TYPE,
        "listeners.https.ssl.keystore.password": PASSWORD,
        "listeners.https.ssl.key.password": PASSWORD,
        "listeners.https.ssl.truststore.location": folder / "trust.jks",
        "listeners.https.ssl.truststore.type": TYPE,
        "listeners.https.ssl.truststore.password": PASSWORD,
        "listeners.https.ssl.endpoint.identification.algorithm": "https",
        "exactly.once.source.support": "enabled",
        "plugin.discovery": "service_load",
        "config.providers": "file",
        "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
        "config.providers.file.param.allowed.paths": folder / "connect.properties",
        "offset.storage.partitions": 1,
        "status.storage.partitions": 1,
        "key.converter": BYTES,
        "value.converter": BYTES,
    }
    for kind, topic in (("config", "connect-configs"), ("offset", "connect-offsets"), ("status", "connect-status")):
        found |= {f"{kind}.storage.topic": topic, f"{kind}.storage.replication.factor": 1}
    return found


@pytest.fixture(scope="module")
def connect(java: Java, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    folder = tmp_path_factory.mktemp("access")
    client, controller, *workers = _free_ports(4)
    served = certificate_for("kafka-connect")
    broker = f"127.0.0.1:{client}"
    (folder / "log4j2.properties").write_text(LOG)
    (folder / "key.jks").write_bytes(base64.b64decode(key_store(served.certificate, served.key)))
    (folder / "trust.jks").write_bytes(base64.b64decode(trust_store(served.ca)))
    logins = {f"reader.{READER[0]}": READER[1], f"writer.{WRITER[0]}": WRITER[1]}
    (folder / "access.properties").write_text(text(logins))
    (folder / "connect.properties").write_text("a.secret=hunter2\n")
    (folder / "broker.properties").write_text(text(_broker(folder, client, controller)))
    begin = [java.binary, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    begin += [f"-Dlog4j2.configurationFile={folder}/log4j2.properties", "-cp", java.classpath]
    format_ = [*begin, "kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID]
    subprocess.run([*format_, "--config", folder / "broker.properties"], check=True, capture_output=True)
    commands = {"broker": [*begin, "kafka.Kafka", str(folder / "broker.properties")]}
    for number, port in enumerate(workers):
        file = folder / f"worker-{number}.properties"
        file.write_text(text(_worker(folder, broker, port)))
        commands[f"worker-{number}"] = [*begin, "org.apache.kafka.connect.cli.ConnectDistributed", str(file)]
    running = []
    try:
        for name, command in commands.items():
            with (folder / f"{name}.log").open("w") as log:
                running.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT))
        found = Connect(tuple(f"https://127.0.0.1:{port}" for port in workers), served, folder, broker)
        for number in range(len(workers)):
            with found.client(worker=number) as worker:
                log = folder / f"worker-{number}.log"
                until(lambda at=worker: _status(at, "/health"), lambda s: s == 200, 180, f"a worker; see {log}")
        yield found
    finally:
        for process in running:
            process.kill()
            process.wait()


def _status(client: httpx.Client, path: str) -> int:
    try:
        return client.get(path).status_code
    except httpx.TransportError:
        return 0


def test_without_a_login_only_a_status_is_told(connect: Connect):
    with connect.client() as nobody:
        live, health = nobody.get("/health/live"), nobody.get("/health")
        assert (live.status_code, live.json()) == (200, {"status": "UP"})
        assert (health.status_code, health.json()["status"]) == (200, "healthy")
        for path in ("/", "/connectors", "/connector-plugins", "/admin/loggers", "/nothing", "/health/x"):
            refused = nobody.get(path)
            assert refused.status_code == 401, path
            assert "kafka_connect_reader" in refused.json()["message"]
            assert refused.headers["WWW-Authenticate"].startswith("Basic ")
        assert nobody.post("/connectors", json={}).status_code == 401
        assert nobody.post("/health").status_code == 401


@pytest.mark.parametrize(
    "login", [("reader", WRITER[1]), ("reader", ""), ("", ""), ("nobody", READER[1]), ("writer", READER[1])]
)
def test_a_wrong_login_is_refused_and_said_to_be_wrong(connect: Connect, login: tuple[str, str]):
    with connect.client(login) as stranger:
        refused = stranger.get("/connectors")
        assert (refused.status_code, refused.json()["error_code"]) == (401, 401)
        assert refused.json()["message"].startswith("The username or the password is wrong")


def test_headers_that_are_no_login_are_refused(connect: Connect):
    with connect.client() as stranger:
        for header in ("Basic", "Basic !", "Basic cmVhZGVy", "Bearer abc", ""):
            assert stranger.get("/connectors", headers={"Authorization": header}).status_code == 401, header


def test_a_reader_reads_and_changes_nothing(connect: Connect):
    with connect.client(READER) as reader:
        assert reader.get("/").json()["version"]
        assert reader.get("/connectors").json() == []
        assert reader.get("/nothing").status_code == 404
        for method, path in (("PUT", "/connectors/x/config"), ("POST", "/connectors"), ("DELETE", "/connectors/x")):
            refused = reader.request(method, path, json=connect.connector())
            assert refused.status_code == 403
            assert f"reader may only read; {method} {path} needs" in refused.json()["message"]
            assert "kafka_connect_writer" in refused.json()["message"]
        assert reader.get("/connectors").json() == []


def test_people_come_and_go_while_the_workers_run(connect: Connect):
    file = connect.folder / "people.properties"
    ada, bob = ("ada", "adas-14"), ("bob", "bobs-14")

    def statuses(login: tuple[str, str]) -> tuple[int, int]:
        with connect.client(login) as person:
            return person.get("/connectors").status_code, person.delete("/connectors/none").status_code

    assert statuses(ada) == (401, 401)
    # Who has a line among the worker's own logins is not looked for among people.
    file.write_text(text({"reader.ada": ada[1], "writer.bob": bob[1], "writer.reader": "stolen-14"}))
    assert (statuses(ada), statuses(bob)) == ((200, 403), (200, 404))
    assert statuses(("ada", bob[1])) == statuses(("reader", "stolen-14")) == (401, 401)
    file.write_text("reader.ada\n")
    assert (statuses(ada), statuses(READER)) == ((401, 401), (200, 403))
    file.unlink()
    assert (statuses(ada), statuses(bob)) == ((401, 401), (401, 401))


def test_a_writer_changes_what_another_worker_leads(connect: Connect):
    """One of the two forwards the request to the other, by TLS and with the same login."""
    for number in range(2):
        with connect.client(WRITER, number) as writer, connect.client(READER, number) as reader:
            made = writer.put(f"/connectors/beats-{number}/config", json=connect.connector(**{"tasks.max": "1"}))
            assert made.status_code == 201, made.text
            path = f"/connectors/beats-{number}/status"
            # Tasks are told to the leader by the worker itself, with a signature and without a login.
            until(lambda at=reader, p=path: at.get(p).json(), _runs, 60, "the connector")
            assert writer.delete(f"/connectors/beats-{number}").status_code == 204


def _runs(status: dict[str, Any]) -> bool:
    return [task["state"] for task in status.get("tasks", [])] == ["RUNNING"]


def test_what_workers_send_each_other_is_not_taken_from_others(connect: Connect):
    with connect.client() as stranger:
        assert stranger.post("/connectors/x/tasks", json=[]).status_code == 401
        signed = {"X-Connect-Authorization": "AAAA", "X-Connect-Request-Signature-Algorithm": "HmacSHA256"}
        forged = stranger.post("/connectors/x/tasks", json=[], headers=signed)
        assert forged.status_code == 403, forged.text
        # The signature opens nothing else.
        assert stranger.get("/connectors", headers=signed).status_code == 401
        assert stranger.put("/connectors/x/config", json={}, headers=signed).status_code == 401


def test_a_reader_sees_references_instead_of_secrets_and_no_other_file_is_read(connect: Connect):
    named = {"header": f"${{file:{connect.folder}/connect.properties:a.secret}}"}
    with connect.client(WRITER) as writer, connect.client(READER) as reader:
        assert writer.put("/connectors/refers/config", json=connect.connector(**named)).status_code == 201
        assert reader.get("/connectors/refers/config").json()["header"] == named["header"]
        assert "hunter2" not in reader.get("/connectors/refers").text
        # What may not be read is empty: the reference stays as it is, and nothing of the file comes back.
        other = {"header": f"${{file:{connect.folder}/access.properties:reader.reader}}"}
        answer = writer.put(f"/connector-plugins/{HEARTBEAT}/config/validate", json=connect.connector(**other))
        assert READER[1] not in answer.text
        writer.delete("/connectors/refers")


def test_nothing_is_spoken_without_encryption_and_strangers_are_not_trusted(connect: Connect):
    plain_http_is_refused(connect.urls[0].replace("https", "http"))
    strangers_are_refused(connect.urls[0])


def test_a_probe_names_a_host_of_the_certificate(connect: Connect):
    """Jetty refuses others, as the address of a pod, which is in no certificate."""
    with connect.client() as probe:
        assert probe.get("/health/live", headers={"Host": "localhost"}).status_code == 200
        assert probe.get("/health/live", headers={"Host": "10.0.0.1"}).status_code == 400


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "cannot read the logins in", marks=pytest.mark.full),
        pytest.param("", "holds no login", marks=pytest.mark.full),
        pytest.param("editor.me=secret-99\n", "each line must be", marks=pytest.mark.full),
        pytest.param("reader.me=\n", "each line must be", marks=pytest.mark.full),
        ("reader.me=secret-99\nwriter.me=secret-99\n", "two lines"),
    ],
)
def test_a_file_that_holds_no_logins_ends_the_start(
    connect: Connect, java: Java, tmp_path: Path, content: str | None, said: str
):
    if content is not None:
        (tmp_path / "access.properties").write_text(content)
    (port,) = _free_ports(1)
    settings = {**_worker(connect.folder, connect.broker, port), "access.file": tmp_path / "access.properties"}
    (tmp_path / "worker.properties").write_text(text(settings))
    command = [java.binary, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", java.classpath]
    command.insert(1, f"-Dlog4j2.configurationFile={connect.folder}/log4j2.properties")
    command += ["org.apache.kafka.connect.cli.ConnectDistributed", str(tmp_path / "worker.properties")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
    assert "secret-99" not in done.stdout + done.stderr
