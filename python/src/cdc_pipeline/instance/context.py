"""The plan and the clients of the servers, made when they are first wanted."""

from __future__ import annotations

import functools
import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import httpx
import psycopg
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from obstore.store import S3Store

from cdc_pipeline.clients import http, kafka, postgresql, s3
from cdc_pipeline.endpoints import Keys
from cdc_pipeline.instance.cluster import Cluster
from cdc_pipeline.instance.host_servers import HostServers
from cdc_pipeline.instance.plan import Plan
from cdc_pipeline.instance.pod_servers import PodServers
from cdc_pipeline.instance.processes import ProcessTable
from cdc_pipeline.instance.servers import Servers

_KAFKA_DEFAULTS = {
    "client.id": "cdc-verify",
    # Another broker is asked within a request's time where one does not even refuse.
    "socket.connection.setup.timeout.ms": 3000,
}
# What PostgreSQL's text of a value depends on, as the capture's session has it.
_SESSION = "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c bytea_output=hex -c extra_float_digits=1"
Value = TypeVar("Value")


class Context:
    """What every check gets. Its clients may be used by several threads.

    Attributes:
        run: a name for what this run creates, so that it can tell it apart and remove it.
    """

    def __init__(self, plan: Plan, read_only: bool = False) -> None:
        self.plan = plan
        self.read_only = read_only
        self.run = secrets.token_hex(6)
        self._lock = threading.Lock()
        self._shared: dict[str, Future[Any]] = {}
        self._log = logging.getLogger("cdc_pipeline.verify.kafka")
        self._log.addHandler(logging.NullHandler())
        self._log.propagate = False

    def postgresql(self, **parameters: Any) -> psycopg.Connection[Any]:
        """A connection of its own for each caller, who closes it. ``parameters``: of libpq, such as ``dbname``."""
        fixed = {"application_name": "cdc-verify", "options": _SESSION}
        return postgresql.connect(self.plan.endpoints.postgresql, **{**fixed, **parameters})

    def _kafka(self, **settings: Any) -> tuple[Any, ...]:
        """What each Kafka client is made of."""
        fixed = {"log_level": 0, **{key.replace("_", "."): value for key, value in settings.items()}}
        return (self.plan.endpoints.kafka, fixed, _KAFKA_DEFAULTS, self._log)

    @functools.cached_property
    def kafka_admin(self) -> AdminClient:
        return kafka.admin(*self._kafka())

    @functools.cached_property
    def archive_group(self) -> Consumer:
        """Has the archive's group id, to see what it has committed, and never joins."""
        archive = self.plan.expected.archive
        # Connect names a sink connector's group by the connector.
        group = archive.group if archive.service else f"connect-{archive.connect.name}"
        return kafka.consumer(*self._kafka(group_id=group, enable_auto_commit=False, isolation_level="read_committed"))

    def kafka_consumer(self, **settings: Any) -> Consumer:
        """A consumer that joins no group and commits nothing; the caller closes it."""
        fixed = {"enable_auto_commit": False, "isolation_level": "read_committed", "auto_offset_reset": "error"}
        return kafka.consumer(*self._kafka(group_id=f"cdc-verify-{self.run}", **fixed, **settings))

    def kafka_producer(self, **settings: Any) -> Producer:
        return kafka.producer(*self._kafka(acks="all", **settings))

    @functools.cached_property
    def http(self) -> httpx.Client:
        """For whole URLs, such as a caller has from elsewhere."""
        return http.client_of_all(self.plan.endpoints)

    @functools.cached_property
    def schema_registry(self) -> httpx.Client:
        """As the reader, unless a request says otherwise."""
        where = self.plan.endpoints.schema_registry
        return http.client(where.url, where.reader, where.ca)

    @functools.cached_property
    def kafka_connect(self) -> httpx.Client:
        return self.connect_worker(self.plan.endpoints.kafka_connect.url)

    def connect_worker(self, url: str) -> httpx.Client:
        """One worker of Kafka Connect, as the reader; the caller closes it."""
        where = self.plan.endpoints.kafka_connect
        return http.client(url, where.reader, where.ca)

    @functools.cached_property
    def archive(self) -> httpx.Client:
        where = self.plan.endpoints.archive
        return http.client(where.url, where.reader, where.ca)

    @functools.cached_property
    def connectors(self) -> httpx.Client:
        where = self.plan.endpoints.connectors
        return http.client(where.url, where.reader, where.ca)

    @functools.cached_property
    def prometheus(self) -> httpx.Client:
        """
        Raises:
            LookupError: nothing watches this pipeline.
        """
        where = self.plan.endpoints.monitoring
        if where is None:
            raise LookupError("nothing watches this pipeline: monitoring_enabled is false")
        return http.client(where.url, where.reader, where.ca)

    @functools.cached_property
    def alertmanager(self) -> httpx.Client:
        """
        Raises:
            LookupError: nothing watches this pipeline.
        """
        watched = self.plan.endpoints.monitoring
        if watched is None:
            raise LookupError("nothing watches this pipeline: monitoring_enabled is false")
        where = watched.alertmanager
        return http.client(where.url, where.operator, where.ca)

    @functools.cached_property
    def store(self) -> S3Store:
        """The bucket, as who only reads."""
        return self.store_of(self.plan.endpoints.object_store.reader)

    @functools.cached_property
    def own_store(self) -> S3Store:
        """The bucket, as who may do everything in it."""
        return s3.store(self.plan.endpoints.object_store)

    def store_of(self, keys: Keys) -> S3Store:
        """The bucket, as seen with these keys."""
        return s3.store(self.plan.endpoints.object_store.signed_by(keys))

    @functools.cached_property
    def cluster(self) -> Cluster:
        """The cluster in which the pipeline runs.

        Raises:
            LookupError: the plan names none.
            ClusterError: there is no kubeconfig, or it has no such context.
        """
        if self.plan.cluster is None:
            raise LookupError("the plan names no cluster")
        return Cluster(self.plan.cluster)

    @functools.cached_property
    def servers(self) -> Servers:
        """Where the servers' processes are looked at: on this host, or in the cluster."""
        if self.plan.cluster is None:
            return HostServers(ProcessTable.read(), self.ports())
        return PodServers(self.cluster, self._services())

    def once(self, name: str, make: Callable[[], Value]) -> Value:
        """What ``make`` gives, made by the first caller of this name; the others wait for it, or get its error."""
        with self._lock:
            first = name not in self._shared
            future: Future[Any] = self._shared.setdefault(name, Future())
        if first:
            try:
                future.set_result(make())
            except Exception as error:
                future.set_exception(error)
        return future.result()

    def ports(self) -> dict[str, tuple[int, ...]]:
        """Where each service listens, a port of each replica: how its processes on this host are found."""
        offset = self.plan.port_offset
        return {
            workload.key: tuple(port + offset for port in next(iter(workload.ports.values()), ()))
            for workload in self.plan.workloads
            if workload.kind == "service"
        }

    def _services(self) -> tuple[str, ...]:
        return tuple(workload.key for workload in self.plan.workloads if workload.kind == "service")
