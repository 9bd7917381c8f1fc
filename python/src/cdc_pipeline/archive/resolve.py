"""Fetches what `position.decide` decides upon: topic ids, committed offsets, the logs' bounds, tiles on the store."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from cdc_pipeline.archive import tile
from cdc_pipeline.archive.clients import Cluster, Key
from cdc_pipeline.archive.errors import UnavailableError, UnreadableError
from cdc_pipeline.archive.position import Committed, Log, Start, Stop, decide
from cdc_pipeline.archive.store import Store
from cdc_pipeline.archive.tile import Footer, Source
from cdc_pipeline.archive.walk import MARGIN, Walk


class StoredChain:
    """The tiles of a partition, looked for when first asked for.

    Args:
        walk: over the partition's topic; None walks to its beginning.
        hint: the key that was committed, so that nothing needs to be listed where its tile is there.
    """

    def __init__(self, store: Store, source: Source, walk: Walk | None = None, hint: str = "") -> None:
        self._store = store
        self._source = source
        self._walk = walk or Walk(store, source.topic, margin=None)
        self._hint = hint
        self._keys: dict[int, str] | None = None

    @property
    def keys(self) -> dict[int, str]:
        """Keys by start, sorted; not necessarily the oldest."""
        if self._keys is None:
            self._keys = self._walk.newest(self._source)
        return self._keys

    @property
    def last_key(self) -> str | None:
        """The key of the tile with the greatest start."""
        return next(reversed(self.keys.values()), None)

    def last(self) -> Footer | None:
        """As `position.Chain.last`."""
        key = self.last_key
        return self._store.footer(key) if key else None

    def at(self, start: int) -> Footer | None:
        """As `position.Chain.at`."""
        key = self.key_at(start)
        return self._store.footer(key) if key else None

    def before(self, position: int) -> Footer | None:
        """As `position.Chain.before`."""
        if self._hint.endswith(tile.SUFFIX):
            found = self._store.footer_if_there(self._hint)
            if found is not None and found.source == self._source and found.next == position:
                return found
        start = max((start for start in self.keys if start < position), default=None)
        return None if start is None else self._store.footer(self.keys[start])

    def key_at(self, start: int) -> str | None:
        """The key of the tile that begins at ``start``."""
        return self.keys.get(start)

    def key_before(self, position: int) -> str:
        """The key of the tile that ends at ``position``, which was looked for before; empty if that is not known."""
        if self._keys is None:
            return self._hint if self._hint.endswith(tile.SUFFIX) else ""
        start = max((start for start in self._keys if start < position), default=None)
        return "" if start is None else self._keys[start]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A partition's source, its start (or why it has none), and keys.

    Attributes:
        adopt_key: of the tile to adopt.
        last_key: of the tile that ends at the position, if it is known.
    """

    source: Source
    start: Start | Stop
    adopt_key: str = ""
    last_key: str = ""


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A partition of which something cannot be known now."""

    key: Key
    reason: str


class Resolver:
    """Resolves partitions to starts, each for itself: what one lacks does not hold up another."""

    def __init__(self, cluster: Cluster, store: Store) -> None:
        self._cluster = cluster
        self._store = store

    def resolve(self, partitions: Iterable[Key]) -> list[Resolved | Unresolved]:
        """The start of each partition.

        Raises:
            UnavailableError: the brokers do not answer at all.
        """
        wanted = sorted(partitions)
        topics = self._cluster.topics({t for t, _ in wanted}, not_before=time.monotonic())
        out: list[Resolved | Unresolved] = [
            Unresolved(k, f"the topic {k[0]} is gone") for k in wanted if k[0] not in topics
        ]
        wanted = [key for key in wanted if key[0] in topics]
        settings = self._cluster.settings_of(topics)
        committed, failed = self._cluster.committed_of(wanted)
        logs, without = self._cluster.logs_of(wanted)
        failed |= without
        walks: dict[str, Walk] = {}
        for key in wanted:
            if key in failed:
                out.append(Unresolved(key, failed[key]))
                continue
            topic, partition = key
            source = Source(topic, topics[topic].topic_id, partition)
            if topic not in walks:
                by_brokers = settings[topic].get("message.timestamp.type") == "LogAppendTime"
                walks[topic] = Walk(self._store, topic, MARGIN if by_brokers else None)
            policy = settings[topic].get("cleanup.policy", "delete")
            try:
                out.append(self._one(source, policy, committed[key], logs[key], walks[topic]))
            except UnavailableError as error:
                out.append(Unresolved(key, str(error)))
                del walks[topic]  # it ended where the store failed
        return out

    def _one(self, source: Source, policy: str, committed: Committed | None, log: Log, walk: Walk) -> Resolved:
        if policy != "delete":
            reason = f"cleanup.policy is {policy}; only delete keeps every record. Set it to delete"
            return Resolved(source, Stop(0, log, reason, "compacted"))
        ours = committed is not None and committed.source == source
        chain = StoredChain(self._store, source, walk, committed.named if ours and committed else "")
        try:
            start = decide(source, committed, log, chain)
            if isinstance(start, Stop):
                return Resolved(source, start)
            adopted = chain.key_at(start.position) if start.adopt else None
            return Resolved(source, start, adopted or "", chain.key_before(start.position))
        except UnreadableError as error:
            position = committed.offset if ours and committed else 0
            return Resolved(source, Stop(position, log, str(error), "unreadable"))
