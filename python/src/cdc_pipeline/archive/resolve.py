"""Fetches what `position.decide` decides upon: topic ids, committed offsets, the logs' bounds, tiles on the store."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from cdc_pipeline.archive import tile
from cdc_pipeline.archive.clients import Cluster
from cdc_pipeline.archive.errors import UnavailableError
from cdc_pipeline.archive.position import Start, Stop, decide
from cdc_pipeline.archive.store import Store
from cdc_pipeline.archive.tile import Footer, Source

Key = tuple[str, int]
"""Topic name and partition."""


class StoredChain:
    """The tiles of a partition, listed when first asked for."""

    def __init__(self, store: Store, source: Source) -> None:
        self._store = store
        self._source = source
        self._keys: list[str] | None = None

    @property
    def keys(self) -> list[str]:
        """Keys by start."""
        if self._keys is None:
            self._keys = self._store.tiles(self._source)
        return self._keys

    def last(self) -> Footer | None:
        """As `position.Chain.last`."""
        return self._store.footer(self.keys[-1]) if self.keys else None

    def at(self, start: int) -> Footer | None:
        """As `position.Chain.at`."""
        key = self.key_at(start)
        return self._store.footer(key) if key else None

    def key_at(self, start: int) -> str | None:
        """The key of the tile that begins at ``start``."""
        return next((key for key in self.keys if (at := tile.parse(key)) and at[1] == start), None)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A partition's source, its start (or why it has none), and the key of the tile to adopt."""

    source: Source
    start: Start | Stop
    adopt_key: str = ""


class Resolver:
    """Resolves partitions to starts."""

    def __init__(self, cluster: Cluster, store: Store) -> None:
        self._cluster = cluster
        self._store = store

    def resolve(self, partitions: Iterable[Key]) -> list[Resolved]:
        """The start of each partition.

        Raises:
            UnavailableError: a server does not answer, or a topic is not there (any more).
        """
        wanted = sorted(partitions)
        topics = self._cluster.topics({t for t, _ in wanted}, not_before=time.monotonic())
        gone = sorted({t for t, _ in wanted} - set(topics))
        if gone:
            raise UnavailableError(f"topics are gone: {', '.join(gone)}")
        policies = self._cluster.settings_of(topics)
        committed = self._cluster.committed(wanted)
        logs = self._cluster.logs(wanted)
        out = []
        for topic, partition in wanted:
            source = Source(topic, topics[topic].topic_id, partition)
            log = logs[topic, partition]
            policy = policies[topic].get("cleanup.policy", "delete")
            if policy != "delete":
                out.append(
                    Resolved(source, Stop(0, log, f"cleanup.policy is {policy}; only delete keeps every record"))
                )
                continue
            chain = StoredChain(self._store, source)
            start = decide(source, committed[topic, partition], log, chain)
            adopted = chain.key_at(start.position) if isinstance(start, Start) and start.adopt else None
            out.append(Resolved(source, start, adopted or ""))
        return out
