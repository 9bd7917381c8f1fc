"""The archive's loop: one thread reads and commits, a few threads decode, encode and write.

A record goes through the parts in this order::

    intake  →  planner.Partition  →  writing (a worker: write)  →  planner.Partition  →  committing

The loop's thread alone touches the partitions' state machines (`planner.Partition`), the state and the transactional
producer, and it is the thread in which the group's callbacks run. What other threads have for it are `Actions`.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from cdc_pipeline.archive import clients, owner
from cdc_pipeline.archive.actions import Actions
from cdc_pipeline.archive.assignment import Assignment
from cdc_pipeline.archive.clients import Cluster
from cdc_pipeline.archive.committing import Committing
from cdc_pipeline.archive.flush import Flushes, FlushRequest
from cdc_pipeline.archive.intake import Intake
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.observing import Observing
from cdc_pipeline.archive.readiness import Readiness
from cdc_pipeline.archive.registry import Registry
from cdc_pipeline.archive.reporting import Report
from cdc_pipeline.archive.resolve import Resolver
from cdc_pipeline.archive.settings import Settings
from cdc_pipeline.archive.start_positions import StartPositions
from cdc_pipeline.archive.startup import Startup
from cdc_pipeline.archive.state import State
from cdc_pipeline.archive.stopped import StoppedPartitions
from cdc_pipeline.archive.store import Store
from cdc_pipeline.archive.topics import Topics
from cdc_pipeline.archive.transaction import Committer
from cdc_pipeline.archive.writing import Writing

HOUSEKEEPING_SECONDS = 1.0


class Service:
    """One instance of the archive."""

    def __init__(self, settings: Settings, store: Store, registry: Registry, metrics: Metrics | None = None) -> None:
        self.settings = settings
        self.metrics = metrics = metrics or Metrics()
        self.store = store
        self._cluster = cluster = Cluster(settings)
        self._topics = topics = Topics(settings, cluster, metrics)
        self._consumer = consumer = clients.consumer(settings)
        committer = Committer(clients.producer(settings), consumer, settings.group_id, settings.dlq_suffix)
        self._startup = Startup(
            [
                ("object_store", store.prove_conditional_put),
                ("topics", topics.check),
                ("owner", self._claim),
                ("transactions", committer.start),
            ],
            settings.retry_seconds,
        )
        self._shutdown = threading.Event()
        self._shutdown_by: float | None = None
        self._beat = time.monotonic()
        self._next_housekeeping = 0.0
        self._background = ThreadPoolExecutor(2, thread_name_prefix="background")

        self._actions = actions = Actions()
        self._state = state = State(StoppedPartitions(settings.stopped_check_seconds))
        report, buffer = Report(metrics), settings.budget.buffer
        self._assignment = assignment = Assignment(consumer, state, metrics, buffer)
        self._positions = positions = StartPositions(
            settings, metrics, state, actions, assignment, Resolver(cluster, store), self._background
        )
        self._intake = Intake(consumer, state, assignment, positions, report, buffer)
        self._writing = Writing(settings, metrics, state, actions, assignment, positions, cluster, store, registry)
        self._committing = Committing(settings, metrics, state, positions, committer, topics, report)
        self._observing = Observing(settings, state, self._startup, topics, assignment, self._writing, report)
        self._flushes = Flushes(state, actions, cluster, self._shutdown)

    # --- from other threads

    def shut_down(self) -> None:
        """End in order: write and commit what was read, leave the group."""
        self._shutdown.set()

    def flush(self, timeout: float) -> FlushRequest:
        """Cut now; returns when everything visible at this moment is archived, or after ``timeout`` seconds."""
        return self._flushes.request(timeout)

    def alive(self) -> bool:
        """Whether the loop turns."""
        return time.monotonic() - max(self._beat, self._startup.beat) < 60 + self.settings.shutdown_seconds

    def readiness(self) -> Readiness:
        """Whether the service works, and which of its partitions do not."""
        return self._observing.readiness()

    # --- the loop

    def run(self) -> None:
        """Run until `shut_down`.

        Raises:
            RefusedError: the surroundings cannot carry the protocol.
            FencedError: another process has this instance's transactional id.
        """
        try:
            if not self._start():
                return
            while not self._finished():
                self._turn()
        finally:
            self._close()

    def _turn(self) -> None:
        now = self._beat = time.monotonic()
        self._actions.run()
        self._committing.commit_landed(now)
        self._writing.begin(now)
        self._intake.read(now)
        self._flushes.advance()
        if now >= self._next_housekeeping:
            self._next_housekeeping = now + HOUSEKEEPING_SECONDS
            self._housekeeping(now)

    def _housekeeping(self, now: float) -> None:
        self._positions.begin(now)
        if self._shutdown_by is None:
            self._committing.commit_covered(now)
        self._background.submit(self._topics.refresh)
        self._positions.begin_checks(now)
        self._observing.report(now)

    # --- its beginning and its end

    def _start(self) -> bool:
        if not self._startup.run(self._shutdown, self.metrics):
            return False
        self._writing.set_store_up(True)
        self.metrics.registry_up.set(1)
        self._assignment.subscribe(self._topics.subscription())
        LOGGER.info("started", extra={"group": self.settings.group_id, "instance": self.settings.instance_id})
        return True

    def _claim(self) -> None:
        cluster_id, identity = self._cluster.identity()
        ids = {name: topic.topic_id for name, topic in self._cluster.topics(self._topics.archived()).items()}
        mine = owner.Owner(identity, self.settings.owner, cluster_id)
        owner.claim(self.store, mine, ids, self.settings.take_over_from)

    def _finished(self) -> bool:
        if not self._shutdown.is_set():
            return False
        now = time.monotonic()
        plans = [owned.plan for owned in self._state.owned.values()]
        if self._shutdown_by is None:
            self._shutdown_by = now + self.settings.shutdown_seconds
            LOGGER.info("shutting down", extra={"buffered": self._state.buffered})
            self._intake.end()
            for plan in plans:
                plan.flush(plan.seen)
        if all(plan.flushed(plan.seen) for plan in plans):
            return True
        if now > self._shutdown_by:
            LOGGER.warning("shut down before everything was written; it is read again after the next start")
            return True
        return False

    def _close(self) -> None:
        self._shutdown.set()
        self._flushes.close()
        self._writing.close()
        self._background.shutdown(wait=False, cancel_futures=True)
        self._positions.close()
        self._consumer.close()
        LOGGER.info("shut down")
