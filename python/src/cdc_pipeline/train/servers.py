"""The servers of a training, in the order in which they need each other."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from cdc_pipeline.clients import http, kafka, postgresql
from cdc_pipeline.endpoints import KafkaEndpoint, Login, PostgresqlEndpoint
from cdc_pipeline.load import table
from cdc_pipeline.train import identity, properties
from cdc_pipeline.train.place import Place, write
from cdc_pipeline.train.plan import CONNECT, KAFKA, REGISTRY, Plan
from cdc_pipeline.train.process import Runner, TrainingError

_PAUSE = 0.3
_READY_SECONDS = 240.0
_STOP_SECONDS = 180.0
_AT_ONCE_SECONDS = 10.0
# As the roles give by default. A cache does not depend on the size of the heap.
_HEAPS = {KAFKA: "320m", CONNECT: "672m", REGISTRY: "256m"}
# What a second process on a host must not have: agents and what listens on a port of its own, files that the pipeline's
# processes write, and another size of the heap.
_DROPPED = (
    "-javaagent",
    "-agentlib",
    "-agentpath",
    "-Dcom.sun.management",
    "-Xlog",
    "-Xms",
    "-Xmx",
    "-XX:HeapDumpPath",
)
_MAINS = {KAFKA: "kafka.Kafka", CONNECT: "org.apache.kafka.connect.cli.ConnectDistributed"}
_POSTGRESQL = {
    "listen_addresses": "127.0.0.1",
    "wal_level": "logical",
    "fsync": "off",
    # In files of the training's folder: what it has in /dev/shm would stay there when it is killed.
    "dynamic_shared_memory_type": "mmap",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "password_encryption": "scram-sha-256",
    "ssl": "on",
}
# Everything that a worker and a registry do; what a pipeline's own users may is stated more narrowly.
_RIGHTS = (
    (ResourceType.TOPIC, "*", AclOperation.ALL),
    (ResourceType.GROUP, "*", AclOperation.ALL),
    (ResourceType.TRANSACTIONAL_ID, "*", AclOperation.ALL),
    (ResourceType.BROKER, "kafka-cluster", AclOperation.ALL),
)
# It would print each attempt to reach a broker that is not up yet.
_QUIET = {"log_level": 0}
CONNECTOR = "training"


class Servers:
    """Servers on free ports of 127.0.0.1.

    Args:
        tell: takes a line about what is continuing.
    """

    def __init__(self, plan: Plan, place: Place, tell: Callable[[str], None]) -> None:
        self._plan, self._place, self._tell = plan, place, tell
        self.runner = Runner(plan.user, place.work, place.logs)
        self._password = secrets.token_urlsafe(24)
        self._files = identity.written(plan.identity, place.config)
        free = iter(_free_ports(3 + 3 * properties.BROKERS))
        brokers, inner, controllers = (tuple(next(free) for _ in range(properties.BROKERS)) for _ in range(3))
        self.ports = properties.Ports(next(free), brokers, inner, controllers, next(free), next(free))
        login = {"sasl.username": properties.USER, "sasl.password": self._password}
        how = {"security.protocol": "SASL_SSL", "sasl.mechanism": properties.MECHANISM}
        self.kafka = KafkaEndpoint(self.ports.bootstrap, {**how, **login, "ssl.ca.location": self._files.authority})
        self.database = self._login(properties.DATABASE)

    def _login(self, database: str) -> PostgresqlEndpoint:
        login = (properties.USER, self._password)
        return PostgresqlEndpoint("127.0.0.1", self.ports.postgresql, database, *login, ca=self._files.authority)

    def start(self) -> None:
        """Starts all of them, and the connector.

        Raises:
            TrainingError: one does not get ready.
        """
        self._tell("starting PostgreSQL and the brokers")
        write(self._place.config, "log4j2.properties", properties.LOG4J2)
        self._start_postgresql()
        self._start_brokers()
        self._tell("starting the schema registry")
        self._start_registry()
        self._make_topics()
        self._tell("starting Kafka Connect")
        self._start_worker()
        self._start_connector()

    def stop_recorded(self) -> None:
        """Ends the processes that record, in order, since they write what they have recorded at their ends.

        The other broker is there meanwhile: the last one would wait in vain for somebody to take over.
        """
        for name in ("worker", "registry", "broker-0"):
            self._tell(f"stopping {name}")
            self.runner.stop(name, _STOP_SECONDS)

    def end(self) -> None:
        """Ends everything at once. PostgreSQL is asked to, or its shared memory would stay."""
        with contextlib.suppress(TrainingError):
            self.runner.stop("postgresql", _AT_ONCE_SECONDS, signal.SIGQUIT)
        self.runner.kill()

    def recorded(self, program: str) -> Path:
        """What a program's process writes at its end."""
        return self._place.work / f"{program}.recorded"

    def java(self, program: str, *options: str) -> list[str]:
        """The beginning of a command line of Java with the options that a cache depends on."""
        given, heap = self._plan.programs[program], _HEAPS[program]
        kept = [option for option in given.options if not option.startswith(_DROPPED)]
        # Of an option that is given twice, the last one holds.
        own = [f"-Djava.io.tmpdir={self._place.work}", *options]
        return [self._plan.java, f"-Xms{heap}", f"-Xmx{heap}", *kept, *own, "-cp", given.class_path]

    def _record(self, program: str, *options: str) -> list[str]:
        own = ["-Duser.timezone=UTC", *options]
        if program in self._plan.wanted:
            own += ["-XX:AOTMode=record", f"-XX:AOTConfiguration={self.recorded(program)}"]
        return self.java(program, *own)

    def _logged(self) -> str:
        return f"-Dlog4j2.configurationFile={self._place.config / 'log4j2.properties'}"

    def _start_postgresql(self) -> None:
        programs, data = Path(self._plan.postgresql), self._place.work / "postgresql"
        secret = write(self._place.config, "password", self._password)
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", properties.USER, "-E", "UTF8", "--locale=C.UTF-8"]
        self.runner.run("initdb", [*initdb, "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync"])
        tls = {"ssl_cert_file": self._files.certificate, "ssl_key_file": self._files.key}
        options = {**_POSTGRESQL, **tls, "port": self.ports.postgresql, "unix_socket_directories": ""}
        settings = [f"--{name}={value}" for name, value in options.items()]
        self.runner.start("postgresql", [str(programs / "postgres"), "-D", str(data), *settings])
        admin = self._login("postgres")
        self._await("PostgreSQL", lambda: _connects(admin))
        with postgresql.connect(admin) as connection:
            connection.execute(f"CREATE DATABASE {properties.DATABASE}")
        with postgresql.connect(self.database) as connection:
            connection.execute(table.ddl())
            connection.execute(f"CREATE PUBLICATION training FOR TABLE {table.TABLE}")

    def _start_brokers(self) -> None:
        users = properties.scram((properties.USER, properties.WORKER), self._password)
        arguments = write(self._place.config, "format.arguments", users)
        for number in range(properties.BROKERS):
            data = self._place.work / f"broker-{number}"
            settings = properties.text(properties.broker(number, self.ports, str(data), self._files))
            file = str(write(self._place.config, f"broker-{number}.properties", settings))
            tool = [*self.java(KAFKA, self._logged()), "kafka.tools.StorageTool", "format"]
            format_ = ["--cluster-id", properties.CLUSTER_ID, "--config", file, f"@{arguments}"]
            self.runner.run(f"format-{number}", [*tool, *format_])
            # One cache serves all brokers.
            begin = self._record(KAFKA, self._logged()) if number == 0 else self.java(KAFKA, self._logged())
            self.runner.start(f"broker-{number}", [*begin, _MAINS[KAFKA], file])
        admin = kafka.admin(self.kafka, _QUIET)
        self._await("the brokers", lambda: _brokers(admin) == properties.BROKERS)
        who, literal, allowed = f"User:{properties.WORKER}", ResourcePatternType.LITERAL, AclPermissionType.ALLOW
        rights = [AclBinding(kind, name, literal, who, "*", what, allowed) for kind, name, what in _RIGHTS]
        for made in admin.create_acls(rights).values():
            made.result(30)

    def _start_registry(self) -> None:
        settings = properties.text(properties.registry(self.ports, self._password, self._files))
        file = write(self._place.config, "application.properties", settings)
        begin = self._record(
            REGISTRY,
            "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
            f"-Dquarkus.config.locations=file:{file}",
        )
        # The jar starts the program itself.
        self.runner.start("registry", [*begin[:-2], "-jar", begin[-1]])
        with self._client(self.ports.registry) as client:
            self._await("the schema registry", lambda: _answers(client, "/apis/ccompat/v7/contexts"))

    def _make_topics(self) -> None:
        admin = kafka.admin(self.kafka, _QUIET)
        config = {"compression.type": "lz4", "message.timestamp.type": "LogAppendTime"}
        topics = [
            NewTopic(name, properties.PARTITIONS, properties.BROKERS, config=config)
            for name in properties.topics(table.TABLE)
        ]
        for made in admin.create_topics(topics).values():
            made.result(30)

    def _start_worker(self) -> None:
        access = write(self._place.config, "access.properties", properties.text(properties.access(self._password)))
        settings = properties.text(properties.worker(self.ports, self._password, self._files, str(access)))
        file = write(self._place.config, "worker.properties", settings)
        self.runner.start("worker", [*self._record(CONNECT, self._logged()), _MAINS[CONNECT], str(file)])
        with self._client(self.ports.worker) as worker:
            self._await("Kafka Connect", lambda: _answers(worker, "/connectors"))

    def _start_connector(self) -> None:
        settings = properties.connector(self.ports, table.TABLE, self._password, self._files)
        with self._client(self.ports.worker, seconds=60) as worker:
            answer = worker.put(f"/connectors/{CONNECTOR}/config", json=settings)
            if answer.is_error:
                raise TrainingError(f"Kafka Connect refuses the connector: {answer.text}")
            self._await("the connector", lambda: _runs(worker))

    def _client(self, port: int, seconds: float = 5) -> httpx.Client:
        login = Login(properties.USER, self._password)
        return http.client(f"https://127.0.0.1:{port}", login, self._files.authority, seconds)

    def _await(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not ready():
            self.runner.check()
            if time.monotonic() > deadline:
                raise TrainingError(f"{what}: not ready after {_READY_SECONDS:.0f} s")
            time.sleep(_PAUSE)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on. They are held together until all are known, so that no two are the same."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _connects(where: PostgresqlEndpoint) -> bool:
    try:
        postgresql.connect(where).close()
    except psycopg.OperationalError:
        return False
    return True


def _brokers(admin: AdminClient) -> int:
    from confluent_kafka import KafkaException

    try:
        return len(admin.list_topics(timeout=5).brokers)
    except KafkaException:
        return 0


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).status_code == 200
    except httpx.HTTPError:
        return False


def _runs(worker: httpx.Client) -> bool:
    """
    Raises:
        TrainingError: the connector or its task has failed.
    """
    answer = worker.get(f"/connectors/{CONNECTOR}/status")
    if answer.is_error:
        return False
    status = answer.json()
    parts = [status["connector"], *status["tasks"]]
    failed = [part.get("trace", "") for part in parts if part["state"] == "FAILED"]
    if failed:
        raise TrainingError(f"the connector failed: {failed[0][:2000]}")
    return len(parts) > 1 and all(part["state"] == "RUNNING" for part in parts)
