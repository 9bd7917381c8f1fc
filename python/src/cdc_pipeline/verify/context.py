"""The plan and the clients of the servers, made when they are first wanted."""

from __future__ import annotations

import functools
import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import psycopg
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from obstore.store import S3Store

from cdc_pipeline.verify.cluster import Cluster
from cdc_pipeline.verify.host_servers import HostServers
from cdc_pipeline.verify.plan import Plan
from cdc_pipeline.verify.pod_servers import PodServers
from cdc_pipeline.verify.processes import ProcessTable
from cdc_pipeline.verify.servers import Servers

_CONNECT_SECONDS = 5
_REQUEST_SECONDS = 10.0
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

    def postgresql(self) -> psycopg.Connection[Any]:
        """A connection of its own for each caller, who closes it."""
        where = self.plan.endpoints.postgresql
        return psycopg.connect(
            host=where.host,
            port=where.port,
            dbname=where.dbname,
            user=where.user,
            password=where.password,
            connect_timeout=_CONNECT_SECONDS,
            application_name="cdc-verify",
            options="-c TimeZone=UTC",
            autocommit=True,
        )

    def kafka_config(self, **settings: Any) -> dict[str, Any]:
        where = self.plan.endpoints.kafka
        return {
            "client.id": "cdc-verify",
            # Another broker is asked within a request's time where one does not even refuse.
            "socket.connection.setup.timeout.ms": 3000,
            **where.client,
            "bootstrap.servers": where.bootstrap_servers,
            "log_level": 0,
            **{key.replace("_", "."): value for key, value in settings.items()},
        }

    @functools.cached_property
    def kafka_admin(self) -> AdminClient:
        return AdminClient(self.kafka_config(), logger=self._log)

    @functools.cached_property
    def archive_group(self) -> Consumer:
        """Has the archive's group id, to see what it has committed, and never joins."""
        config = self.kafka_config(
            group_id=self.plan.expected.archive.group, enable_auto_commit=False, isolation_level="read_committed"
        )
        return Consumer(config, logger=self._log)

    def kafka_consumer(self, **settings: Any) -> Consumer:
        """A consumer that joins no group and commits nothing; the caller closes it."""
        config = self.kafka_config(
            group_id=f"cdc-verify-{self.run}",
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="error",
            **settings,
        )
        return Consumer(config, logger=self._log)

    def kafka_producer(self, **settings: Any) -> Producer:
        return Producer(self.kafka_config(acks="all", **settings), logger=self._log)

    @functools.cached_property
    def http(self) -> httpx.Client:
        return httpx.Client(timeout=_REQUEST_SECONDS, trust_env=False)

    @functools.cached_property
    def store(self) -> S3Store:
        where = self.plan.endpoints.object_store
        return self.store_with(where.access_key_id, where.secret_access_key)

    def store_with(self, access_key_id: str, secret_access_key: str) -> S3Store:
        """The bucket, as seen with these credentials."""
        where = self.plan.endpoints.object_store
        return S3Store(
            where.bucket,
            region=where.region,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True, "timeout": timedelta(seconds=_REQUEST_SECONDS)},
            retry_config={"max_retries": 2},
            # Without keys, those of the environment or the machine.
            **({"access_key_id": access_key_id, "secret_access_key": secret_access_key} if access_key_id else {}),
            **({"endpoint": where.endpoint_url} if where.endpoint_url else {}),
        )

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
        return PodServers(self.cluster)

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
        """Where each component listens: how its processes on this host are found."""
        at = self.plan.endpoints
        return {
            "postgresql": (at.postgresql.port,),
            "kafka": tuple(int(each.rsplit(":", 1)[1]) for each in at.kafka.bootstrap_servers.split(",")),
            "schema_registry": (_port(at.schema_registry.url),),
            "kafka_connect": tuple(_port(url) for url in at.kafka_connect.workers),
            "archive": (_port(at.archive.url),),
            "object_store": (_port(at.object_store.endpoint_url),) if at.object_store.endpoint_url else (),
        }


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)
