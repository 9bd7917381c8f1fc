"""Settings of the servers of a training. They take the paths through the code that those of a pipeline do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BROKERS = 2
"""So that a broker leads and follows, and one can leave in order while the other is there."""
PARTITIONS = 6
PREFIX = "postgres"
DATABASE = "training"
USER = "training"
HEARTBEAT = f"__debezium-heartbeat.{PREFIX}"
# Of Kafka, as its storage is formatted.
CLUSTER_ID = "dHJhaW5pbmctb2YtY2FjaGVzA"

# What the roles kafka_connect and connectors set by default: a test compares them. A user's own settings are not taken,
# since a training has to succeed with any.
CONVERTER = {
    "apicurio.registry.as-confluent": "true",
    "apicurio.registry.use-id": "contentId",
    "apicurio.registry.headers.enabled": "false",
    "apicurio.registry.auto-register": "true",
    "apicurio.registry.find-latest": "true",
    "apicurio.registry.check-period-ms": "2147483647",
}
CONNECTOR = {
    "connector.class": "io.cdcpipeline.connect.PgConnector",
    "tasks.max": "1",
    "exactly.once.support": "required",
    "snapshot.mode": "initial",
    "driver.stringtype": "unspecified",
    "plugin.name": "pgoutput",
    "publication.autocreate.mode": "disabled",
    "schema.name.adjustment.mode": "avro",
    "field.name.adjustment.mode": "none",
    "converters": "pg",
    "pg.type": "io.cdcpipeline.connect.PgConverter",
    "include.unknown.datatypes": "true",
    "database.binaryTransfer": "false",
    "database.options": "-c bytea_output=hex -c DateStyle=ISO,MDY -c extra_float_digits=1 -c IntervalStyle=postgres"
    " -c lc_monetary=C -c quote_all_identifiers=off -c search_path=pg_catalog -c TimeZone=UTC",
    "decimal.handling.mode": "precise",
    "time.precision.mode": "adaptive_time_microseconds",
    "interval.handling.mode": "string",
    "hstore.handling.mode": "json",
    "skipped.operations": "none",
    "tombstones.on.delete": "false",
    "extended.headers.enabled": "false",
    "heartbeat.interval.ms": "5000",
    "heartbeat.action.query": "SELECT pg_logical_emit_message(true, 'heartbeat', now()::text)",
    "read.only": "true",
    "max.batch.size": "8192",
    "max.queue.size": "32768",
    "poll.interval.ms": "50",
    "producer.override.linger.ms": "20",
    "producer.override.batch.size": "262144",
    "producer.override.compression.type": "lz4",
    "transforms": "known,messages,lossless",
    "transforms.known.type": "io.cdcpipeline.connect.Known",
    "transforms.messages.type": "io.cdcpipeline.connect.Messages",
    "transforms.lossless.type": "io.cdcpipeline.connect.Lossless",
}

LOG4J2 = """rootLogger.level=INFO
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p [%t] %m (%c)%n
logger.config.name=org.apache.kafka.common.config.AbstractConfig
logger.config.level=WARN
"""


@dataclass(frozen=True)
class Ports:
    """Where the servers listen, all of them on 127.0.0.1."""

    postgresql: int
    brokers: tuple[int, ...]
    controllers: tuple[int, ...]
    registry: int
    management: int
    worker: int

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{port}" for port in self.brokers)


def text(settings: Mapping[str, object]) -> str:
    """A Java properties file."""
    return "".join(f"{key}={_escaped(value)}\n" for key, value in settings.items())


def _escaped(value: object) -> str:
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    return plain.replace("\\", "\\\\").replace("\n", "\\n")


def broker(number: int, ports: Ports, data: str) -> dict[str, object]:
    """`server.properties` of a broker that is a controller as well."""
    client, controller = (f"127.0.0.1:{each[number]}" for each in (ports.brokers, ports.controllers))
    listeners = f"CLIENT://{client},CONTROLLER://{controller}"
    return {
        "process.roles": "broker,controller",
        "node.id": number + 1,
        "controller.quorum.voters": ",".join(f"{at + 1}@127.0.0.1:{port}" for at, port in enumerate(ports.controllers)),
        "listeners": listeners,
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENT",
        "log.dirs": data,
        "auto.create.topics.enable": False,
        "default.replication.factor": BROKERS,
        "min.insync.replicas": 1,
        "offsets.topic.num.partitions": 12,
        "offsets.topic.replication.factor": BROKERS,
        "transaction.state.log.num.partitions": 12,
        "transaction.state.log.replication.factor": BROKERS,
        "transaction.state.log.min.isr": 1,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16777216,
    }


def registry(ports: Ports, password: str) -> dict[str, object]:
    """`application.properties`, with the users that a pipeline's registry has."""
    found: dict[str, object] = {
        "quarkus.http.host": "127.0.0.1",
        "quarkus.http.port": ports.registry,
        "quarkus.management.host": "127.0.0.1",
        "quarkus.management.port": ports.management,
        "apicurio.storage.kind": "kafkasql",
        "apicurio.kafkasql.topic": "_schemas",
        "apicurio.kafkasql.bootstrap.servers": ports.bootstrap,
        "apicurio.kafkasql.topic-configuration.replication.factor": BROKERS,
        "quarkus.log.level": "WARN",
        "quarkus.http.auth.basic": True,
        "quarkus.http.auth.policy.all.roles-allowed": "all",
        "quarkus.http.auth.permission.all.paths": "/apis/*",
        "quarkus.http.auth.permission.all.policy": "all",
        "quarkus.security.users.embedded.enabled": True,
        "quarkus.security.users.embedded.plain-text": True,
    }
    found[f"quarkus.security.users.embedded.users.{USER}"] = password
    found[f"quarkus.security.users.embedded.roles.{USER}"] = "all"
    return found


def worker(ports: Ports, password: str) -> dict[str, object]:
    """`worker.properties`."""
    avro = {
        "apicurio.registry.url": f"http://127.0.0.1:{ports.registry}/apis/registry/v2",
        "apicurio.auth.username": USER,
        "apicurio.auth.password": password,
        **CONVERTER,
    }
    found: dict[str, object] = {
        "bootstrap.servers": ports.bootstrap,
        "group.id": "connect",
        "listeners": f"http://127.0.0.1:{ports.worker}",
        "rest.advertised.host.name": "127.0.0.1",
        "rest.advertised.port": ports.worker,
        "exactly.once.source.support": "enabled",
        "plugin.discovery": "service_load",
        "connector.client.config.override.policy": "All",
        "topic.creation.enable": False,
        "offset.storage.partitions": PARTITIONS,
        "status.storage.partitions": 3,
        "task.shutdown.graceful.timeout.ms": 10000,
    }
    for kind in ("config", "offset", "status"):
        found[f"{kind}.storage.topic"] = f"connect-{kind}s" if kind != "status" else "connect-status"
        found[f"{kind}.storage.replication.factor"] = BROKERS
    for side in ("key", "value"):
        found[f"{side}.converter"] = "io.apicurio.registry.utils.converter.AvroConverter"
        found |= {f"{side}.converter.{key}": value for key, value in avro.items()}
    return found


def connector(ports: Ports, table: str, password: str) -> dict[str, str]:
    """The connector's configuration, with this training's servers and its one table."""
    return {
        **CONNECTOR,
        "database.hostname": "127.0.0.1",
        "database.port": str(ports.postgresql),
        "database.user": USER,
        "database.password": password,
        "database.dbname": DATABASE,
        "topic.prefix": PREFIX,
        "slot.name": "training",
        "publication.name": "training",
        "table.include.list": table.replace(".", "\\."),
        "message.prefix.include.list": "(?!)",
        "transforms.known.topics": ",".join(topics(table)),
        "transforms.known.server": PREFIX,
        "transforms.messages.topic": f"{PREFIX}.message",
        "transforms.lossless.max.bytes": str(16 << 20),
    }


def topics(table: str) -> Sequence[str]:
    """The topics that the connector writes to: of the table, and of heartbeats."""
    return (f"{PREFIX}.{table}", HEARTBEAT)
