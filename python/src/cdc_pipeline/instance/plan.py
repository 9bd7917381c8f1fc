"""The plan: where the pipeline is and what is expected of it. The play writes it; ../verify/README.md shows one.

Defaults are the figures of the requirements (T4-T10), so that a plan states only what differs or cannot be known here.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from cdc_pipeline.capture.facts import Settings as CaptureSettings
from cdc_pipeline.endpoints import Endpoints
from cdc_pipeline.instance.plan_cluster import Cluster, ClusterAccess, Storage, Tenancy
from cdc_pipeline.instance.right import Right
from cdc_pipeline.names import Table, parse
from cdc_pipeline.shape import ShapeError, read

MEBIBYTE = 1024 * 1024
Shape = TypeVar("Shape")
_RUN = re.compile(r"\{run (\w+)\}")


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


@dataclass(frozen=True)
class Paths:
    """Places on this host.

    ``cache``: folder for facts about objects that never change; empty for none. ``endpoints``: endpoints.json.
    ``home``: the instance's folder.
    """

    home: str = ""
    cache: str = ""
    endpoints: str = ""


@dataclass(frozen=True)
class StatedWorkload:
    """What a role runs.

    Attributes:
        kind: service, job or cronjob.
        ports: of each replica by the port's name, without the offset of an instance.
    """

    name: str
    role: str
    kind: str = "service"
    replicas: int = 1
    ports: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its name as endpoints and expectations are named."""
        return self.name.replace("-", "_")


@dataclass(frozen=True)
class Plan:
    """``runtime``: `local`, with servers that are processes of this host, or `kubernetes`, with pods of ``cluster``.

    ``command``: how a playbook is run for this pipeline, with `{}` for its name. ``workloads``: what the roles run; a
    server that is the user's own is not among them. ``port_offset``: added to their ports on a host. ``further``: what
    is expected of roles that :class:`Expected` does not know, see :meth:`expectations`.
    """

    endpoints: Endpoints
    expected: Expected = field(default_factory=Expected)
    paths: Paths = field(default_factory=Paths)
    runtime: str = "local"
    cluster: ClusterAccess | None = None
    command: str = "make {}"
    workloads: tuple[StatedWorkload, ...] = ()
    port_offset: int = 0
    further: Mapping[str, Any] = field(default_factory=dict)

    def expectations(self, role: str, shape: type[Shape]) -> Shape:
        """What is expected of a role, in the shape that its checks define.

        Raises:
            ShapeError: with every problem.
        """
        return read(shape, self.further.get(role, {}), f"expected.{role}")

    def spoken(self, hint: str) -> str:
        """A hint with its commands: `{run start}` is the one that runs a playbook, `{cdc}` the command cdc."""
        cdc = f"{self.paths.home}/bin/cdc" if self.paths.home else "cdc"
        return _RUN.sub(lambda found: self.command.replace("{}", found[1]), hint).replace("{cdc}", cdc)

    @property
    def archived_topics(self) -> tuple[str, ...]:
        return self.expected.archive.topics or self.expected.connectors.topics

    def topic(self, table: str) -> str:
        """The topic of a table of verify's or load's own, whichever section of the plan names it."""
        end = parse(table).topic("")
        named = [topic for topic in self.archived_topics if topic.endswith(f".{end}")]
        return named[0] if named else self.expected.connectors.topic(table)

    def table_of(self, topic: str) -> str:
        """The captured table of a topic, or what the topic says of one that is no longer captured."""
        tables = (*self.expected.connectors.tables, *self.expected.postgresql.tables)
        known = {self.expected.connectors.topic(table): table for table in tables}
        return known.get(topic) or table_of(topic)


def table_of(topic: str) -> str:
    """`schema.table` of a CDC topic, whose prefix may have dots. What a topic cannot have is _ there."""
    return Table(*topic.split(".")[-2:]).text if "." in topic else topic


def _with_further(data: Any) -> Any:
    """The plan's data with what is expected of other roles apart. A name that no workload has stays, and is refused."""
    if not isinstance(data, Mapping) or not isinstance(data.get("expected"), Mapping):
        return data
    known = {entry.name for entry in dataclasses.fields(Expected)}
    roles = {entry.get("role") for entry in data.get("workloads") or () if isinstance(entry, Mapping)}
    further = {role: value for role, value in data["expected"].items() if role in roles - known}
    expected = {role: value for role, value in data["expected"].items() if role not in further}
    return {**data, "expected": expected, **({"further": further} if further else {})}


def parse_plan(data: Any) -> Plan:
    """The plan in ``data``.

    Raises:
        ShapeError: with every problem.
    """
    plan = read(Plan, _with_further(data), "the plan")
    problems = []
    if plan.runtime not in ("local", "kubernetes"):
        problems.append(f"runtime must be local or kubernetes, not {plan.runtime}")
    if (plan.runtime == "kubernetes") != (plan.cluster is not None):
        problems.append(f"cluster is {'unknown to' if plan.cluster else 'missing for'} the runtime {plan.runtime}")
    for table in (*plan.expected.postgresql.tables, *plan.expected.connectors.tables):
        try:
            parse(table)
        except ValueError:
            problems.append(f"table {table} must be named with its schema, such as public.{table}")
    if problems:
        raise ShapeError("the plan", problems)
    return plan


def read_plan(path: str | Path) -> Plan:
    """The plan in the file at ``path``.

    Raises:
        OSError: it cannot be read.
        ShapeError: it is not a plan.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ShapeError("the plan", [f"{path} is not JSON: {error}"]) from None
    return parse_plan(data)


def load_plan(path: Path | None) -> Plan | None:
    """The plan, or None after saying what is wrong with it."""
    if path is None:
        print("--plan is missing", file=sys.stderr)
        return None
    try:
        return read_plan(path)
    except ShapeError as error:
        print(f"{path} is not a valid plan:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
    except OSError as error:
        print(f"cannot read the plan: {error}", file=sys.stderr)
    return None
