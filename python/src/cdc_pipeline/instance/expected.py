"""What is expected of the pipeline, of each role in a class of its own: the section `expected` of the plan.

Defaults are the figures of the requirements (T4-T10), so that a plan states only what differs or cannot be known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from cdc_pipeline.capture.facts import Settings as CaptureSettings
from cdc_pipeline.instance.plan_cluster import Cluster, Storage, Tenancy
from cdc_pipeline.instance.right import Right
from cdc_pipeline.names import parse


@dataclass(frozen=True)
class Postgresql:
    """``settings``: as in postgresql.conf, compared by value (256MB is 32768 pages of 8kB).

    ``version``: the major version, or the lowest one of a server that is not ``managed`` but the user's own.
    ``publication``: of all tables, on a managed server. ``capture_publication``: of the tables ``captured``, for the
    connector. ``message_prefix``: of logical messages that the connector leaves out of its stream.
    ``session``: settings that the WAL sender prints values with. ``replica_identity``: full, or keep for any.
    """

    settings: Mapping[str, str] = field(
        default_factory=lambda: {
            "wal_level": "logical",
            "max_replication_slots": "4",
            "shared_buffers": "256MB",
            "effective_cache_size": "512MB",
            "work_mem": "4MB",
            "maintenance_work_mem": "64MB",
            "max_slot_wal_keep_size": "1GB",
        }
    )
    version: int = 15
    managed: bool = True
    tables: tuple[str, ...] = ("public.users", "public.products", "public.orders", "public.order_items")
    # Foreign keys and checks are expected of the sample tables only: a user's own may do without.
    sample_data: bool = True
    role: str = "debezium"
    publication: str = "debezium_publication"
    capture_publication: str = "debezium_captured"
    captured: tuple[str, ...] = ()
    slot: str = "debezium"
    message_prefix: str = "heartbeat"
    session: Mapping[str, str] = field(default_factory=dict)
    replica_identity: str = "keep"


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int = 6
    replication_factor: int = 3
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """``action``: read, write, describe or the like, on the resource of this ``name``."""

    action: str
    name: str


@dataclass(frozen=True)
class Proof:
    """What shows that a principal may do what its role needs, and no more.

    ``resource_type``: topic, group or transactional_id.
    """

    principal: str
    resource_type: str
    allowed: Attempt
    refused: Attempt
    role: str = ""

    @property
    def user(self) -> str:
        return self.principal.partition(":")[2]


@dataclass(frozen=True)
class Kafka:
    """``settings``: of every broker. ``jvm_options``: each must stand on its command line.

    ``users``, ``proofs``: of who signs in; empty where nobody has to.
    """

    brokers: int = 3
    settings: Mapping[str, str] = field(
        default_factory=lambda: {
            "default.replication.factor": "3",
            "min.insync.replicas": "2",
            "auto.create.topics.enable": "false",
            "unclean.leader.election.enable": "false",
        }
    )
    topics: tuple[Topic, ...] = ()
    jvm_options: tuple[str, ...] = ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")
    memory_mib: int = 2048
    users: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True)
class SchemaRegistry:
    """``rights``: of its logins, where everybody signs in."""

    compatibility: str = "BACKWARD"
    topic: str = "_schemas"
    replication_factor: int = 3
    memory_mib: int = 512
    rights: tuple[Right, ...] = ()


@dataclass(frozen=True)
class KafkaConnect:
    """``settings``: of worker.properties, as each worker's own file has it. ``rights``: as of the registry."""

    workers: int = 1
    plugins: tuple[str, ...] = ("io.cdcpipeline.connect.PgConnector",)
    settings: Mapping[str, str] = field(
        default_factory=lambda: {
            "exactly.once.source.support": "enabled",
            "key.converter": "io.apicurio.registry.utils.converter.AvroConverter",
            "value.converter": "io.apicurio.registry.utils.converter.AvroConverter",
        }
    )
    dead_letter_topic: str = "connect-dlq"
    internal_topics: tuple[str, ...] = ("connect-configs", "connect-offsets", "connect-status")
    replication_factor: int = 3
    jvm_options: tuple[str, ...] = ("-Xmx672m", "-XX:+UseG1GC")
    memory_mib: int = 1024
    rights: tuple[Right, ...] = ()


@dataclass(frozen=True)
class Connectors:
    """``names``: all that must run; the first is the CDC connector. ``config``: what it must be set to, at least.

    ``audit``: what its tables are audited for. ``rights``: as of the registry, of the service that watches them.
    """

    names: tuple[str, ...] = ("postgres-cdc",)
    config: Mapping[str, str] = field(default_factory=lambda: {"exactly.once.support": "required"})
    tables: tuple[str, ...] = ("public.users", "public.products", "public.orders", "public.order_items")
    topic_prefix: str = "postgres"
    heartbeat_topic: str = "__debezium-heartbeat.postgres"
    audit: CaptureSettings = field(default_factory=CaptureSettings)
    rights: tuple[Right, ...] = ()

    def topic(self, table: str) -> str:
        return parse(table).topic(self.topic_prefix)

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self.topic(table) for table in self.tables)

    def audit_of(self, further: Iterable[str] = ()) -> CaptureSettings:
        """What the tables are audited for, with further ones."""
        return replace(self.audit, tables=tuple(dict.fromkeys([*self.tables, *further])))


@dataclass(frozen=True)
class ArchiveConnect:
    """The sink connector that archives in the service's place.

    ``config``: what it must be set to, at least. ``topics``: that it needs for itself. ``catalog``: the name of
    Iceberg's catalog, in ``database`` of the pipeline's PostgreSQL; an empty database means that the tables cannot be
    looked at, as with another plugin. ``prefix``: of its objects' keys.
    """

    name: str = "archive-iceberg"
    config: Mapping[str, str] = field(default_factory=dict)
    topics: tuple[str, ...] = ("control-iceberg",)
    database: str = "iceberg"
    catalog: str = "iceberg"
    prefix: str = "iceberg"


@dataclass(frozen=True)
class Archive:
    """``topics``: what is archived; empty means the connector's.

    ``service``: false where the sink connector of ``connect`` archives. ``rights``: as of the registry.
    """

    group: str = "cdc-archive"
    topics: tuple[str, ...] = ()
    flush_records: int = 1000
    flush_seconds: float = 60.0
    service: bool = True
    dead_letter_suffix: str = ".dlq"
    memory_mib: int = 512
    connect: ArchiveConnect = field(default_factory=ArchiveConnect)
    rights: tuple[Right, ...] = ()


@dataclass(frozen=True)
class Rights:
    """What one may do in the bucket, and what not: list, read, write, delete.

    ``identity``: archive or reader, whose keys are in ``endpoints.object_store``; nobody signs nothing.
    """

    identity: str
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class ObjectStore:
    """``rights``: none of a store of the user's own, which may have one identity for all."""

    rights: tuple[Rights, ...] = ()


@dataclass(frozen=True)
class EndToEnd:
    """``table``: verify's own, captured; empty for none.

    ``kafka_seconds``: what a change may take to Kafka, a success criterion. ``seconds``: to its object, by a flush.
    """

    table: str = "public.pipeline_probe"
    kafka_seconds: float = 5.0
    seconds: float = 30.0


@dataclass(frozen=True)
class Memory:
    """Bound on PostgreSQL, brokers, registry and Connect together."""

    total_mib: int = 4096


@dataclass(frozen=True)
class Artifacts:
    """``folders``: of each artifact by its name. ``checksums``: the file of pinned sums, for those that have one."""

    folders: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Services:
    """``home``: of the instance, on this host; empty where there is none, and nothing to look at."""

    home: str = ""


@dataclass(frozen=True)
class Listener:
    """``address``: host and port. ``ca``: the file of authorities that its certificate is verified by."""

    server: str
    address: str
    protocol: str
    ca: str


@dataclass(frozen=True)
class Certificates:
    """``days``: that each certificate has left at least. ``home``: of the instance, on this host."""

    listeners: tuple[Listener, ...] = ()
    days: int = 30
    home: str = ""


@dataclass(frozen=True)
class Preflight:
    """``home_free_mib``: disk that must stay free below ``home``."""

    home: str = ""
    home_free_mib: int = 512


@dataclass(frozen=True)
class Expected:
    artifacts: Artifacts = field(default_factory=Artifacts)
    services: Services = field(default_factory=Services)
    workload: Services = field(default_factory=Services)
    certificates: Certificates = field(default_factory=Certificates)
    preflight: Preflight = field(default_factory=Preflight)
    postgresql: Postgresql = field(default_factory=Postgresql)
    kafka: Kafka = field(default_factory=Kafka)
    schema_registry: SchemaRegistry = field(default_factory=SchemaRegistry)
    kafka_connect: KafkaConnect = field(default_factory=KafkaConnect)
    connectors: Connectors = field(default_factory=Connectors)
    archive: Archive = field(default_factory=Archive)
    object_store: ObjectStore = field(default_factory=ObjectStore)
    end_to_end: EndToEnd = field(default_factory=EndToEnd)
    memory: Memory = field(default_factory=Memory)
    cluster: Cluster = field(default_factory=Cluster)
    storage: Storage = field(default_factory=Storage)
    tenancy: Tenancy = field(default_factory=Tenancy)
