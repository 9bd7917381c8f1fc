"""Settings of the servers of a training. They take the paths through the code that those of a pipeline do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdc_pipeline.train.identity import STORE_PASSWORD, Files

BROKERS = 2
"""So that a broker leads and follows, and one can leave in order while the other is there."""
PARTITIONS = 6
PREFIX = "postgres"
DATABASE = "training"
USER = "training"
WORKER = "worker"
"""Whose rights the brokers look up, as they do those of a pipeline's users."""
MECHANISM = "SCRAM-SHA-512"
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
    inner: tuple[int, ...]
    controllers: tuple[int, ...]
    registry: int
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


def scram(users: Sequence[str], password: str) -> str:
    """What the storage tool reads to know the first users: an argument a line."""
    credentials = (f'{MECHANISM}=[name="{name}",iterations=4096,password="{password}"]' for name in users)
    return "".join(f"--add-scram\n{each}\n" for each in credentials)


def _login(user: str, password: str, files: Files) -> dict[str, str]:
    """How a client written in Java signs in to the brokers."""
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    return {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": MECHANISM,
        "sasl.jaas.config": f'{module} required username="{user}" password="{password}";',
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": files.authority,
    }


def _of(prefixes: Sequence[str], settings: Mapping[str, str]) -> dict[str, str]:
    return {f"{prefix}{key}": value for prefix in prefixes for key, value in settings.items()}


def broker(number: int, ports: Ports, data: str, files: Files) -> dict[str, object]:
    """`server.properties` of a broker that is a controller as well."""
    kinds = {"CLIENT": ports.brokers, "BROKER": ports.inner, "CONTROLLER": ports.controllers}
    listeners = ",".join(f"{name}://127.0.0.1:{each[number]}" for name, each in kinds.items())
    return {
        "process.roles": "broker,controller",
        "node.id": number + 1,
        "controller.quorum.voters": ",".join(f"{at + 1}@127.0.0.1:{port}" for at, port in enumerate(ports.controllers)),
        "listeners": listeners,
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "CLIENT:SASL_SSL,BROKER:SSL,CONTROLLER:SSL",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "BROKER",
        "listener.name.broker.ssl.client.auth": "required",
        "listener.name.controller.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": MECHANISM,
        "listener.name.client.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": files.keystore,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": files.authority,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": False,
        "super.users": f"User:CN=kafka;User:{USER}",
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


def registry(ports: Ports, password: str, files: Files) -> dict[str, object]:
    """`application.properties`, with the users that a pipeline's registry has."""
    found: dict[str, object] = {
        "quarkus.http.host": "127.0.0.1",
        "quarkus.http.port": ports.registry,
        "quarkus.http.ssl-port": ports.registry,
        "quarkus.http.insecure-requests": "disabled",
        "quarkus.http.ssl.certificate.files": files.certificate,
        "quarkus.http.ssl.certificate.key-files": files.key,
        "quarkus.management.host-enabled": False,
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
    prefixes = [f"apicurio.kafkasql.{kind}." for kind in ("admin", "consumer", "producer")]
    return found | _of(prefixes, _login(WORKER, password, files))


def access(password: str) -> dict[str, object]:
    """Who may ask a worker."""
    return {f"writer.{USER}": password}


def worker(ports: Ports, password: str, files: Files, access_file: str) -> dict[str, object]:
    """`worker.properties`."""
    trust = {"location": files.trust_store, "type": "JKS", "password": STORE_PASSWORD}
    key = {"location": files.key_store, "type": "JKS", "password": STORE_PASSWORD}
    avro = {
        "apicurio.registry.url": f"https://127.0.0.1:{ports.registry}/apis/registry/v2",
        "apicurio.auth.username": USER,
        "apicurio.auth.password": password,
        **_of(["apicurio.registry.request.ssl.truststore."], trust),
        **CONVERTER,
    }
    found: dict[str, object] = {
        "bootstrap.servers": ports.bootstrap,
        "group.id": "connect",
        "listeners": f"https://127.0.0.1:{ports.worker}",
        **_of(["listeners.https.ssl.keystore."], key),
        "listeners.https.ssl.key.password": STORE_PASSWORD,
        **_of(["listeners.https.ssl.truststore."], trust),
        "rest.extension.classes": "io.cdcpipeline.connect.rest.Access",
        "access.file": access_file,
        **_of(["", "admin.", "consumer.", "producer."], _login(WORKER, password, files)),
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
        found |= _of([f"{side}.converter."], avro)
    return found


def connector(ports: Ports, table: str, password: str, files: Files) -> dict[str, str]:
    """The connector's configuration, with this training's servers and its one table."""
    return {
        **CONNECTOR,
        "database.hostname": "127.0.0.1",
        "database.port": str(ports.postgresql),
        "database.user": USER,
        "database.password": password,
        "database.dbname": DATABASE,
        "database.sslmode": "verify-full",
        "database.sslrootcert": files.authority,
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
