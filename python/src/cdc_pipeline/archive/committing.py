"""Offsets of tiles that have landed, and of what holds no records, into Kafka: one transaction for many partitions."""

from __future__ import annotations

import time

from cdc_pipeline.archive import tile
from cdc_pipeline.archive.backoff import Backoff
from cdc_pipeline.archive.clients import Key
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.owned import Owned
from cdc_pipeline.archive.planner import Settlement
from cdc_pipeline.archive.position import metadata
from cdc_pipeline.archive.reporting import Report
from cdc_pipeline.archive.settings import Settings
from cdc_pipeline.archive.start_positions import StartPositions
from cdc_pipeline.archive.state import State
from cdc_pipeline.archive.topics import Topics
from cdc_pipeline.archive.transaction import AbortedError, Committer, Entry, RefusedRecordError, entry_of

COVERED_SECONDS = 60.0
"""How often the holes seen after the positions of quiet partitions are committed; retention is far slower."""
Part = tuple[Owned, Settlement | None]
"""A partition of a transaction; None where its position alone is committed."""


class Committing:
    """Commits in the loop's thread, which alone has the transactional producer."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        state: State,
        positions: StartPositions,
        committer: Committer,
        topics: Topics,
        report: Report,
    ) -> None:
        self._dlq_suffix = settings.dlq_suffix
        self._retry_seconds = settings.retry_seconds
        self._metrics = metrics
        self._state = state
        self._positions = positions
        self._committer = committer
        self._topics = topics
        self._report = report
        self._backoff = Backoff(settings.retry_seconds)
        self._due = 0.0
        self._next_covered = time.monotonic() + COVERED_SECONDS

    def commit_landed(self, now: float) -> None:
        """Commit what has landed, and the positions that are to be committed first. ``now``: monotonic seconds."""
        if now < self._due:
            return
        entries: list[Entry] = []
        parts: list[Part] = []
        for owned in self._state.owned.values():
            if now < owned.commit_due:
                continue
            if owned.commit_first and owned.plan.outcome is None:
                entries.append(_position_entry(owned))
                parts.append((owned, None))
                continue
            settlement = owned.plan.settle()
            if settlement is None:
                continue
            if settlement.rejected and not self._topics.dlq_exists(owned.source.topic):
                missing = f"the dead letter topic {owned.source.topic}{self._dlq_suffix} does not exist"
                owned.waits(missing, time.time())
                continue
            entries.append(entry_of(owned.source, settlement.footer, owned.key, settlement.rejected))
            parts.append((owned, settlement))
        if entries:
            self._commit(entries, parts)

    def commit_covered(self, now: float) -> None:
        """Commit, now and then, how far quiet partitions were seen to hold nothing but holes."""
        if now < self._next_covered or now < self._due:
            return
        self._next_covered = now + COVERED_SECONDS
        owned_ones = self._state.owned.values()
        quiet = [o for o in owned_ones if o.plan.idle and o.plan.seen > max(o.covered, o.plan.position)]
        if quiet:
            self._commit([_position_entry(owned) for owned in quiet], [(owned, None) for owned in quiet])

    def _commit(self, entries: list[Entry], parts: list[Part]) -> None:
        began = time.perf_counter()
        try:
            self._committer.commit(entries)
        except RefusedRecordError as error:
            self._metrics.transactions.labels("aborted").inc()
            if len(entries) > 1:  # the others must not wait for the one
                for entry, part in zip(entries, parts, strict=True):
                    self._commit([entry], [part])
                return
            owned = parts[0][0]
            owned.commit_due = time.monotonic() + self._retry_seconds
            owned.waits(f"commit: {error}", time.time())
            LOGGER.warning("waiting", extra={"step": "commit", "topic": owned.source.topic, "reason": str(error)})
            return
        except AbortedError as error:
            for owned, _ in parts:
                owned.waits(f"commit: {error}", time.time())
            wait = self._backoff.next()
            self._due = time.monotonic() + wait
            self._metrics.transactions.labels("aborted").inc()
            LOGGER.warning("waiting", extra={"step": "commit", "reason": str(error), "retry_in": round(wait, 1)})
            return
        self._backoff.reset()
        self._metrics.transactions.labels("committed").inc()
        self._metrics.transaction_seconds.observe(time.perf_counter() - began)
        self._committed(parts)

    def _committed(self, parts: list[Part]) -> None:
        again: set[Key] = set()
        for owned, settlement in parts:
            owned.commit_first = False
            owned.wait = None
            if settlement is None:
                owned.covered = owned.plan.seen if owned.plan.idle else 0
                continue
            owned.plan.commit()
            owned.last_key = owned.key
            owned.returned.forget(owned.plan.position)
            self._state.stopped.moved(owned.id)
            self._report.committed(owned, settlement)
            if owned.again:
                again.add(owned.id)
        self._positions.again(again)


def _position_entry(owned: Owned) -> Entry:
    plan = owned.plan
    covered = plan.seen if plan.idle else plan.position
    name = owned.last_key or tile.name(owned.source, plan.position)
    text = metadata(name, plan.position, covered)
    return Entry(owned.source, plan.position, text, leader_epoch=plan.leader_epoch)
