"""Tiles from the partitions' plans to the store: workers make and write them, the loop takes what became of them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from cdc_pipeline.archive import allocator, budget, write
from cdc_pipeline.archive.actions import Actions
from cdc_pipeline.archive.admission import Admission
from cdc_pipeline.archive.assignment import Assignment
from cdc_pipeline.archive.backoff import Backoff
from cdc_pipeline.archive.clients import Cluster
from cdc_pipeline.archive.errors import (
    EveryRecordError,
    UnavailableError,
    UnknownSchemaError,
    UnreadableError,
    said,
    survivable,
)
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.owned import Owned, Work
from cdc_pipeline.archive.registry import Registry
from cdc_pipeline.archive.settings import Settings
from cdc_pipeline.archive.start_positions import StartPositions
from cdc_pipeline.archive.state import State
from cdc_pipeline.archive.store import Store

LARGE = 64 << 20
"""A tile that was taken to need so much leaves room that is given back to the system."""
UNKNOWN_TILES = 3
"""A partition stops where all that follows are so many tiles of unknown schemas; with fewer, it waits for more."""


class Writing:
    """Gives tiles to workers. One tile of a partition is on its way at a time."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        state: State,
        actions: Actions,
        assignment: Assignment,
        positions: StartPositions,
        cluster: Cluster,
        store: Store,
        registry: Registry,
    ) -> None:
        self._prefix = settings.object_store.prefix
        self._retry_seconds = settings.retry_seconds
        self._metrics = metrics
        self._state = state
        self._actions = actions
        self._assignment = assignment
        self._positions = positions
        self._cluster = cluster
        self._store = store
        self._registry = registry
        self._admission = Admission(settings.budget.work)
        self._workers = ThreadPoolExecutor(settings.workers, thread_name_prefix="tile")
        self.store_up = True

    def begin(self, now: float) -> None:
        """Cut what is to be cut, and give to workers what there is memory for. ``now``: monotonic seconds."""
        for owned in self._state.owned.values():
            if owned.work is None and not owned.commit_first and (cut := owned.plan.cut(now)) is not None:
                owned.work = Work(owned, cut, owned.returned.of(cut), now, Backoff(self._retry_seconds))
                self._admission.add(owned.work)
        if not len(self._admission):
            return
        for work in self._admission.begin(now, self._state.is_current, self._registry.known):
            if work.unknown:
                work.later = work.owned.plan.later(work.cut)
            self._workers.submit(self._work, work, self._state.generation)

    def set_store_up(self, up: bool) -> None:
        """Say whether the last request to the object store succeeded."""
        self.store_up = up
        self._metrics.store_up.set(up)

    def close(self) -> None:
        """Begin no more."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _work(self, work: Work, generation: int) -> None:
        """In a worker: everything about one tile that takes time."""
        source = work.owned.source
        try:
            if work.prepared is None:
                # Only a later record that can be read shows that the registry knows what is written now.
                reject = work.unknown and write.any_can_be_read(work.later, self._registry)
                work.prepared = write.prepare(work.cut, source, self._prefix, self._registry, work.offsets, reject)
                if work.held > LARGE:
                    allocator.trim()
                work.held = budget.written(len(work.prepared.body))
            write.check_topic(self._cluster, source, work.read_at)
            landed = write.land(work.prepared, self._store)
        except BaseException as error:
            if survivable(error):
                self._actions.put(partial(self._not_landed, work, generation, error))
            else:
                self._actions.end(error)
        else:
            self._actions.put(partial(self._landed, work, generation, landed))

    # --- what became of them

    def _landed(self, work: Work, generation: int, landed: write.Landed) -> None:
        work.running, work.held = False, 0
        self._metrics.put_seconds.observe(landed.seconds)
        self.set_store_up(True)
        if landed.won:
            self._metrics.bytes.labels(landed.footer.source.topic).inc(landed.size)
        owned = work.owned
        if generation != self._state.generation or not self._state.is_current(work):
            return
        owned.work = None
        owned.wait = None
        owned.key, owned.won, owned.seen_ms = landed.key, landed.won, work.cut.records.timestamps[0]
        try:
            if landed.footer.source != owned.source:
                raise ValueError(f"the tile is one of {landed.footer.source} {landed.footer.source.topic_id}")
            owned.plan.landed(landed.footer)
        except ValueError as error:
            self._positions.stop(owned, "foreign", f"{landed.key} is not what belongs there: {error}")

    def _not_landed(self, work: Work, generation: int, error: BaseException) -> None:
        work.running = False
        if work.prepared is None:
            work.held = 0
        if generation != self._state.generation or not self._state.is_current(work):
            return
        owned, source = work.owned, work.owned.source
        if isinstance(error, write.TopicReplacedError):
            LOGGER.warning("topic replaced", extra={"topic": source.topic, "reason": str(error)})
            self._positions.again({key for key in self._state.owned if key[0] == source.topic})
            return
        if isinstance(error, UnreadableError):
            self._positions.stop(owned, "unreadable", str(error))
            return
        if isinstance(error, EveryRecordError):
            LOGGER.error("no record of a tile can be written", extra={"topic": source.topic}, exc_info=error)
            self._positions.stop(owned, "records", f"{error}. See the log, and continue with a version that can")
            return
        if isinstance(error, UnknownSchemaError):
            if self._is_a_stream_of_unknowns(work):
                self._positions.stop(owned, "unknown_schema", _unknown(error, owned, "and so are all that follow"))
                return
            work.unknown = True
            error = UnavailableError(_unknown(error, owned, "and none that follows can be read yet"))
        if isinstance(error, MemoryError) and len(work.cut) > 1:
            work.shrink(len(work.cut) // 2)
        self._wait(work, error)

    def _wait(self, work: Work, error: BaseException) -> None:
        """Try the step again, later."""
        owned, source = work.owned, work.owned.source
        wait = work.backoff.next()
        work.due = time.monotonic() + wait
        step = "decode" if work.prepared is None else "write"
        expected = isinstance(error, UnavailableError)
        if step == "write":
            self.set_store_up(False)
        if owned.waits(f"{step}: {said(error)}", time.time()) or not expected:
            where = {"topic": source.topic, "partition": source.partition}
            extra = {"step": step, **where, "reason": said(error), "retry_in": round(wait, 1)}
            LOGGER.warning("waiting", extra=extra, exc_info=None if expected else error)
        self._metrics.retries.labels(step).inc()

    def _is_a_stream_of_unknowns(self, work: Work) -> bool:
        """Whether enough follows a tile of an unknown schema, and nothing of it can be read."""
        if not work.unknown:
            return False
        owned, plan = work.owned, work.owned.plan
        read_all = plan.seen >= self._assignment.end_of(owned.id)
        return (read_all and len(plan.tiles) >= UNKNOWN_TILES) or owned.id in self._assignment.paused


def _unknown(error: UnknownSchemaError, owned: Owned, follows: str) -> str:
    return (
        f"{error}, which the record at offset {owned.plan.position} or after it has, {follows}. Register the schema "
        "with this id again, or correct what writes these records"
    )
