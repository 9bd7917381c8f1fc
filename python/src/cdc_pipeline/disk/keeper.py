"""Looks at the brokers' disks every few seconds, and acts on what `decide` says."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from confluent_kafka import KafkaException, TopicPartition
from prometheus_client import CollectorRegistry, Gauge

from cdc_pipeline.archive.position import Committed
from cdc_pipeline.archive.tile import Source
from cdc_pipeline.clients import kafka, topics
from cdc_pipeline.connectors.workers import WorkersError
from cdc_pipeline.disk.decide import At, Broker, Partition, aged, broker, decide
from cdc_pipeline.disk.log_dirs import held
from cdc_pipeline.endpoints import KafkaEndpoint

LOGGER = logging.getLogger("cdc-connectors")
EVERY_SECONDS = 5.0
TRIM_SECONDS = 60.0
"""From one deletion to the next: until then, the brokers have removed the segments of the first."""
AGAIN_SECONDS = 60.0
"""From one pause to the next, while it is to wait: a run of the roles, or a person, may have resumed it."""
AGE_SECONDS = 600.0
"""From one look for what is old to the next."""
_REQUEST = 10.0
_GROUP = "cdc-disk"


@dataclass(frozen=True)
class Reader:
    """Who archives some topics.

    Attributes:
        group: its committed offsets say what is archived.
        topics: those that it reads.
        prefix: begins the names of topics that it may have read before; what it has archived of them goes as well.
        names_ids: whether the metadata of each offset names the topic's id, as the service archive's does. Otherwise
            only Kafka sees to it that an offset goes with the topic that it is of.
    """

    group: str
    topics: tuple[str, ...]
    prefix: str = ""
    names_ids: bool = True


@dataclass(frozen=True)
class Settings:
    """What is looked after.

    Attributes:
        readers: who archives what.
        heartbeat: a topic that always exists; the mark that the connector waits is an offset of its.
        limit: bytes that one broker may hold.
        keep_seconds: how long what is archived stays, where there is room.
        connector: the name of the one that waits.
        client: settings of librdkafka.
        login_file: a JSON file with more of them, which are secret.
    """

    bootstrap_servers: str
    readers: tuple[Reader, ...]
    heartbeat: str
    limit: int
    keep_seconds: float
    connector: str
    client: dict[str, str] = field(default_factory=dict, repr=False)
    login_file: str = ""

    @classmethod
    def read(cls, path: Path) -> Settings:
        """
        Raises:
            OSError: the file cannot be read.
            ValueError: it is not one.
        """
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if raw.get("login_file"):
                raw["client"] = {**raw.get("client", {}), **_login(Path(raw["login_file"]))}
            readers = tuple(Reader(**{**each, "topics": tuple(each["topics"])}) for each in raw["readers"])
            numbers = {"limit": int(raw["limit"]), "keep_seconds": float(raw["keep_seconds"])}
            return cls(**{**raw, "readers": readers, **numbers})
        except (TypeError, KeyError, json.JSONDecodeError) as error:
            raise ValueError(f"{path}: {error}") from None


def _login(path: Path) -> dict[str, str]:
    try:
        return kafka.secret_settings(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


class Cluster(Protocol):
    """What is asked of the brokers. Each raises OSError, ValueError or KafkaException where they do not answer."""

    def partitions(self) -> dict[At, Partition]: ...

    def brokers(self) -> dict[str, dict[At, int]]: ...

    def young(self, partitions: Iterable[At], milliseconds: int) -> dict[At, int]: ...

    def delete(self, to: dict[At, int]) -> None: ...

    def mark(self, waits: bool) -> None: ...

    def marked(self) -> bool: ...


class Connector(Protocol):
    """The connector. Each raises WorkersError where no worker does it."""

    def pause(self, name: str) -> None: ...

    def resume(self, name: str) -> None: ...


class Brokers:
    """`Cluster` by Kafka's own requests."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._where = KafkaEndpoint(settings.bootstrap_servers, settings.client)
        quiet = {"log_level": 3}
        self._admin = kafka.admin(self._where, quiet, logger=LOGGER)
        read = {"enable.auto.commit": False, "isolation.level": "read_committed"}
        self._groups = {
            each.group: kafka.consumer(self._where, {"group.id": each.group, **read}, quiet, LOGGER)
            for each in settings.readers
        }
        self._own = kafka.consumer(self._where, {"group.id": _GROUP, **read}, quiet, LOGGER)

    def partitions(self) -> dict[At, Partition]:
        """Those that are archived, and those that were."""
        archived = {at: offset for reader in self._settings.readers for at, offset in self._read(reader).items()}
        lows, highs = topics.ends(self._admin, archived, earliest=True), topics.ends(self._admin, archived)
        return {at: Partition(lows[at], highs[at], offset) for at, offset in archived.items()}

    def _read(self, reader: Reader) -> dict[At, int | None]:
        """How far each partition of a reader's is archived."""
        there = self._admin.list_topics(timeout=_REQUEST).topics
        former = [name for name in there if reader.prefix and name.startswith(reader.prefix)]
        wanted = topics.partitions_of(self._admin, {*reader.topics, *former})
        committed = topics.committed(self._groups[reader.group], wanted)
        named = {*reader.topics, *(topic for topic, _ in committed)}
        ids = topics.topic_ids(self._admin, named) if reader.names_ids else None
        return {at: _archived(at, committed.get(at), ids) for at in wanted if at[0] in named}

    def young(self, partitions: Iterable[At], milliseconds: int) -> dict[At, int]:
        """The offset from which on each partition has nothing older than this time; its end where all is."""
        wanted = list(partitions)
        return topics.ends(self._admin, wanted) | topics.since(self._admin, wanted, milliseconds)

    def brokers(self) -> dict[str, dict[At, int]]:
        """Bytes of each replica, by the broker."""
        there = self._admin.list_topics(timeout=_REQUEST).brokers.values()
        return {f"{each.host}:{each.port}": held(self._where, each.host, each.port, _REQUEST) for each in there}

    def delete(self, to: dict[At, int]) -> None:
        """Every record before an offset."""
        asked = [TopicPartition(topic, partition, offset) for (topic, partition), offset in to.items()]
        for future in self._admin.delete_records(asked, request_timeout=_REQUEST).values():
            future.result()

    def mark(self, waits: bool) -> None:
        """Remembers it across restarts: a connector that somebody else paused is not resumed here."""
        at = TopicPartition(self._settings.heartbeat, 0, int(waits))
        self._own.commit(offsets=[at], asynchronous=False)

    def marked(self) -> bool:
        found = topics.committed(self._own, [(self._settings.heartbeat, 0)])
        return any(offset > 0 for offset, _ in found.values())


def _archived(at: At, committed: tuple[int, str] | None, ids: dict[str, str] | None) -> int | None:
    """None for an offset that does not name its very partition of this topic id, where offsets name any."""
    if committed is None:
        return None
    offset, metadata = committed
    if ids is None:
        return offset
    source = Committed(offset, metadata).source
    if source is None or at[0] not in ids:
        return None
    of_this_topic = Source(at[0], ids[at[0]], at[1])
    return offset if Source(source.topic, topics.plain_id(source.topic_id), source.partition) == of_this_topic else None


class Keeper:
    """Runs until `stop`.

    Args:
        clock: seconds of a clock that never goes back.
        wall: seconds since the epoch.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        connector: Connector,
        registry: CollectorRegistry,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._cluster, self._connector = settings, cluster, connector
        self._clock, self._wall = clock, wall
        self._ended = threading.Event()
        self._waits: bool | None = None
        self._trimmed: float | None = None
        self._aged: float | None = None
        self._paused: float | None = None
        self._problem = ""
        self._used = Gauge("cdc_disk_used_ratio", "What a broker holds, of what it may", ("broker",), registry=registry)
        self._left = Gauge(
            "cdc_disk_unarchived_ratio", "What a broker holds and is not archived", ("broker",), registry=registry
        )
        self._waiting = Gauge(
            "cdc_disk_connector_waits",
            "Whether the connector waits for the archive, since a broker is full",
            registry=registry,
        )

    def start(self) -> threading.Thread:
        """`run` in a thread of its own."""
        thread = threading.Thread(target=self.run, name="disk", daemon=True)
        thread.start()
        return thread

    def run(self) -> None:
        """Look, act, wait."""
        while not self._ended.is_set():
            self.look()
            self._ended.wait(EVERY_SECONDS)

    def stop(self) -> None:
        """End `run` soon."""
        self._ended.set()

    def waits(self) -> str:
        """Why the connector is paused by this; nothing where it is not."""
        return "a broker is full of records that are not archived" if self._waits else ""

    def look(self) -> None:
        """Once; what cannot be asked or done is tried again the next time."""
        try:
            self._act()
            problem = ""
        except (OSError, ValueError, KafkaException, WorkersError) as error:
            problem = str(error)
        if problem and not self._problem:
            LOGGER.warning("the brokers' disks cannot be looked after", extra={"reason": problem})
        self._problem = problem

    def _act(self) -> None:
        waits = self._cluster.marked() if self._waits is None else self._waits
        partitions = self._cluster.partitions()
        brokers = {
            name: broker(each, partitions, self._settings.limit) for name, each in self._cluster.brokers().items()
        }
        decision = decide(brokers.values(), partitions, waits)
        if decision.wait and (self._paused is None or self._clock() - self._paused >= AGAIN_SECONDS):
            self._pause(brokers)
        if waits and not decision.wait:
            self._resume(brokers)
        self._waits = decision.wait
        self._show(brokers)
        recently = self._trimmed is not None and self._clock() - self._trimmed < TRIM_SECONDS
        if decision.trim and (decision.urgent or not recently):
            self._cluster.delete(dict(decision.trim))
            self._trimmed = self._clock()
            LOGGER.info("deleted archived records", extra={"partitions": len(decision.trim), "used": _used(brokers)})
        elif self._aged is None or self._clock() - self._aged >= AGE_SECONDS:
            self._age(partitions)

    def _age(self, partitions: dict[At, Partition]) -> None:
        milliseconds = int((self._wall() - self._settings.keep_seconds) * 1000)
        old = aged(partitions, self._cluster.young(partitions, milliseconds))
        if old:
            self._cluster.delete(old)
            LOGGER.info("deleted archived records for their age", extra={"partitions": len(old)})
        self._aged = self._clock()

    def _pause(self, brokers: dict[str, Broker]) -> None:
        # First, so that it stands whenever the connector may be paused by this. Kafka forgets it after a week.
        self._cluster.mark(True)
        self._connector.pause(self._settings.connector)
        self._paused = self._clock()
        LOGGER.warning(
            "the connector waits for the archive, since a broker is full of records that are not archived",
            extra={"connector": self._settings.connector, "used": _used(brokers)},
        )

    def _resume(self, brokers: dict[str, Broker]) -> None:
        self._connector.resume(self._settings.connector)
        self._cluster.mark(False)
        self._paused = None
        LOGGER.info("the connector continues", extra={"connector": self._settings.connector, "used": _used(brokers)})

    def _show(self, brokers: dict[str, Broker]) -> None:
        for name, each in brokers.items():
            self._used.labels(name).set(each.used)
            self._left.labels(name).set(each.unarchived)
        self._waiting.set(bool(self._waits))


def _used(brokers: dict[str, Broker]) -> float:
    return round(max(each.used for each in brokers.values()), 3)
