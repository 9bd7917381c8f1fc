"""The archive's loop: one thread reads and commits, a few threads decode, encode and write.

The loop alone touches the partitions' state machines (`planner.Partition`) and the transactional producer, and it is
the thread in which the group's callbacks run: a commit cannot happen after a partition was given away.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from cdc_pipeline.archive import clients, tile, write
from cdc_pipeline.archive.backoff import Backoff
from cdc_pipeline.archive.clients import Cluster
from cdc_pipeline.archive.errors import UnavailableError, survivable
from cdc_pipeline.archive.flush import FlushRequest, insist
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.planner import Cut, Partition, Records
from cdc_pipeline.archive.position import Log, Start, Stop, metadata
from cdc_pipeline.archive.registry import Registry
from cdc_pipeline.archive.resolve import Key, Resolved, Resolver
from cdc_pipeline.archive.seen import Returned
from cdc_pipeline.archive.settings import Settings
from cdc_pipeline.archive.store import Store
from cdc_pipeline.archive.tile import Source
from cdc_pipeline.archive.topics import Topics
from cdc_pipeline.archive.transaction import AbortedError, Committer, Entry, RefusedRecordError, entry_of

BATCH = 5000
POLL_SECONDS = 0.1
STALL_SECONDS = 2.0
"""How long the loop may wait for memory without polling, before it pauses the partitions and polls."""
PROGRESS_SECONDS = 30.0
HOUSEKEEPING_SECONDS = 1.0
COVERED_SECONDS = 60.0
"""How often the holes seen after the positions of quiet partitions are committed; retention is far slower."""


@dataclass(slots=True)
class Owned:
    """A partition this instance owns and reads."""

    source: Source
    plan: Partition
    returned: Returned
    key: str = ""
    """The key of the tile that has landed."""
    seen_ms: int = 0
    """Kafka timestamp of the first record of that tile."""
    own: bool = True
    work: Work | None = None
    wait: str | None = None
    """Why the next step is being retried."""
    commit_first: bool = False
    """The position is to be committed before anything is written."""
    again: bool = False
    """Resolve the partition once more after its next commit."""
    commit_due: float = 0.0
    covered: int = 0
    """The committed statement of how far nothing but holes follows the position."""
    behind_since: float | None = None


@dataclass(slots=True)
class Work:
    """A tile on its way to the store. Survives retries with what is done already."""

    owned: Owned
    cut: Cut
    offsets: list[int]
    """What the consumer returned of its range."""
    read_at: float
    backoff: Backoff
    prepared: write.Prepared | None = None
    due: float = 0.0
    running: bool = False


def _raise(error: BaseException) -> None:
    """In the loop's thread, so that what a worker met ends the process."""
    raise error


class Service:
    """One instance of the archive."""

    def __init__(self, settings: Settings, store: Store, registry: Registry, metrics: Metrics | None = None) -> None:
        self.settings = settings
        self.metrics = metrics or Metrics()
        self.store = store
        self._registry = registry
        self._cluster = Cluster(settings)
        self._topics = Topics(settings, self._cluster, self.metrics)
        self._consumer: Consumer = clients.consumer(settings)
        self._producer = clients.producer(settings)
        self._committer = Committer(self._producer, self._consumer, settings.group_id, settings.dlq_suffix)
        self._resolver = Resolver(self._cluster, store)
        self._workers = ThreadPoolExecutor(settings.workers, thread_name_prefix="tile")
        self._background = ThreadPoolExecutor(2, thread_name_prefix="background")
        self._done: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._generation = 0
        self._assigned: set[Key] = set()
        self._owned: dict[Key, Owned] = {}
        self._stopped: dict[Key, Stop] = {}
        self._resolving: set[Key] = set()
        self._resolve_backoff = Backoff(settings.retry_seconds)
        self._resolve_due: float | None = None
        self._commit_backoff = Backoff(settings.retry_seconds)
        self._commit_due = 0.0
        self._flushes: list[FlushRequest] = []
        self._paused = False
        self._stalled_since: float | None = None
        self._joined = False
        self._start_wait: str | None = None
        self._stop = threading.Event()
        self._stop_by: float | None = None
        self._beat = time.monotonic()
        self._next_housekeeping = 0.0
        self._next_progress = time.monotonic() + PROGRESS_SECONDS
        self._next_stopped_check = 0.0
        self._next_covered = time.monotonic() + COVERED_SECONDS
        self._progress = (0, 0, 0)
        self._count = [0, 0, 0]  # records, rows, tiles

    # --- from other threads

    def stop(self) -> None:
        """End in order: write and commit what was read, leave the group."""
        self._stop.set()

    def flush(self, timeout: float) -> FlushRequest:
        """Cut now; returns when everything visible at this moment is archived, or after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while not self._settled() and time.monotonic() < deadline and not self._stop.is_set():
            time.sleep(0.05)
        targets: dict[Key, int] = {}
        if self._settled():
            targets = insist(lambda: self._cluster.visible_ends(self._assigned.copy()), deadline, self._stop)
        request = FlushRequest(targets)
        self._done.put(lambda: self._flushes.append(request))
        request.done.wait(max(0.0, deadline - time.monotonic()))
        return request

    def alive(self) -> bool:
        """Whether the loop turns."""
        return time.monotonic() - self._beat < 60 + self.settings.shutdown_seconds

    def not_ready(self) -> list[str]:
        """Why the service is not ready; empty if it is."""
        reasons = []
        if self._start_wait:
            reasons.append(self._start_wait)
        elif not self._topics.archived():
            reasons.append(f"waiting for topics: {', '.join(self._topics.missing) or self.settings.topic_pattern}")
        elif not self._settled():
            reasons.append("waiting for the group's assignment")
        reasons += sorted({o.wait for o in list(self._owned.values()) if o.wait})
        return reasons

    def _settled(self) -> bool:
        return self._joined and bool(self._assigned) and self._resolving <= set(self._stopped)

    # --- life

    def run(self) -> None:
        """Run until `stop`.

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

    def _start(self) -> bool:
        steps: list[tuple[str, Callable[[], Any]]] = [
            ("object_store", self.store.prove_conditional_put),
            ("topics", self._topics.check),
            ("transactions", self._committer.start),
        ]
        for step, action in steps:
            backoff = Backoff(self.settings.retry_seconds)
            while True:
                self._beat = time.monotonic()
                if self._stop.is_set():
                    return False
                try:
                    action()
                    self._start_wait = None
                    break
                except (UnavailableError, AbortedError) as error:
                    wait = backoff.next()
                    self._start_wait = f"{step}: {error}"
                    self.metrics.retries.labels(step).inc()
                    LOGGER.warning("waiting", extra={"step": step, "reason": str(error), "retry_in": round(wait, 1)})
                    self._stop.wait(wait)
        self.metrics.store_up.set(1)
        self.metrics.registry_up.set(1)
        self._consumer.subscribe(
            self._topics.subscription(), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        LOGGER.info("started", extra={"group": self.settings.group_id, "instance": self.settings.instance_id})
        return True

    def _finished(self) -> bool:
        if not self._stop.is_set():
            return False
        now = time.monotonic()
        if self._stop_by is None:
            self._stop_by = now + self.settings.shutdown_seconds
            LOGGER.info("stopping", extra={"buffered": sum(o.plan.size for o in self._owned.values())})
            self._pause(True)
            for owned in self._owned.values():
                owned.plan.flush(owned.plan.seen)
        if all(o.plan.flushed(o.plan.seen) for o in self._owned.values()):
            return True
        if now > self._stop_by:
            LOGGER.warning("stopped before everything was written; it is read again after the next start")
            return True
        return False

    def _close(self) -> None:
        self._stop.set()
        for request in self._flushes:
            request.done.set()
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._background.shutdown(wait=False, cancel_futures=True)
        self._consumer.close()
        LOGGER.info("stopped")

    def _turn(self) -> None:
        now = self._beat = time.monotonic()
        self._results()
        self._settle(now)
        self._submit(now)
        self._read(now)
        self._flushing()
        if now >= self._next_housekeeping:
            self._next_housekeeping = now + HOUSEKEEPING_SECONDS
            self._housekeeping(now)

    # --- the group

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._generation += 1
        self._drop()
        self._joined = True
        self._assigned = {(tp.topic, tp.partition) for tp in partitions}
        self._resolving = set(self._assigned)
        self._resolve_due = 0.0
        self.metrics.rebalances.inc()
        self.metrics.assigned.set(len(self._assigned))
        consumer.assign([])
        LOGGER.info("assigned", extra={"partitions": len(partitions), "generation": self._generation})

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._generation += 1
        self._drop()
        consumer.unassign()
        LOGGER.info("revoked", extra={"partitions": len(partitions)})

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._generation += 1
        self._drop()
        consumer.unassign()
        LOGGER.warning("lost", extra={"partitions": len(partitions)})

    def _drop(self) -> None:
        """Forget everything read and not committed. A tile that is being written will be found by who reads next."""
        for topic, partition in self._assigned:
            self.metrics.forget(topic, partition)
        self._owned.clear()
        self._stopped.clear()
        self._assigned = set()
        self._resolving = set()
        self._resolve_due = None
        self._joined = False
        self.metrics.assigned.set(0)

    def _assign(self) -> None:
        """Tell librdkafka what to fetch: the owned partitions, each from where it was read up to."""
        self._consumer.assign([TopicPartition(t, p, o.plan.read) for (t, p), o in self._owned.items()])
        if self._paused:
            self._paused = False
            self._pause(True)

    def _pause(self, pause: bool) -> None:
        if pause == self._paused:
            return
        partitions = [TopicPartition(t, p) for t, p in self._owned]
        try:
            (self._consumer.pause if pause else self._consumer.resume)(partitions)
        except KafkaException as error:
            LOGGER.warning("cannot pause or resume", extra={"reason": str(error)})
            return
        self._paused = pause
        self.metrics.paused.set(pause)

    # --- where to begin

    def _start_resolving(self, now: float) -> None:
        if self._resolve_due is None or now < self._resolve_due or not self._resolving:
            return
        self._resolve_due = None
        generation, wanted = self._generation, set(self._resolving)

        def work() -> None:
            try:
                resolved = self._resolver.resolve(wanted)
            except UnavailableError as error:
                reason = str(error)
                self._done.put(lambda: self._not_resolved(generation, reason))
            except BaseException as error:
                if not survivable(error):
                    self._done.put(partial(_raise, error))
                    return
                LOGGER.exception("resolving failed")
                reason = repr(error)
                self._done.put(lambda: self._not_resolved(generation, reason))
            else:
                self._done.put(lambda: self._resolved(generation, resolved))

        self._background.submit(work)

    def _not_resolved(self, generation: int, reason: str) -> None:
        if generation != self._generation:
            return
        wait = self._resolve_backoff.next()
        self._resolve_due = time.monotonic() + wait
        self.metrics.retries.labels("resolve").inc()
        LOGGER.warning("waiting", extra={"step": "resolve", "reason": reason, "retry_in": round(wait, 1)})

    def _resolved(self, generation: int, resolved: list[Resolved]) -> None:
        if generation != self._generation:
            return
        self._resolve_backoff.reset()
        before = set(self._owned)
        for one in resolved:
            key = (one.source.topic, one.source.partition)
            if key not in self._resolving:
                continue
            self._resolving.discard(key)
            labels = (key[0], str(key[1]))
            if isinstance(one.start, Stop):
                if key not in self._stopped:
                    LOGGER.error(
                        "partition stopped", extra={"topic": key[0], "partition": key[1], "reason": one.start.reason}
                    )
                self._stopped[key] = one.start
                self.metrics.stopped.labels(*labels).set(1)
                continue
            self._stopped.pop(key, None)
            self.metrics.stopped.labels(*labels).set(0)
            self._owned[key] = self._own(one, one.start)
        if self._resolving:
            self._resolve_due = 0.0
        if set(self._owned) != before:
            self._assign()

    def _own(self, one: Resolved, start: Start) -> Owned:
        plan = Partition(start.position, self.settings.limits, start.read, start.adopt, start.leader_epoch)
        owned = Owned(
            one.source,
            plan,
            Returned(start.read),
            key=one.adopt_key,
            own=False,
            commit_first=start.commit,
            again=start.again,
        )
        LOGGER.info(
            "reading",
            extra={"topic": one.source.topic, "partition": one.source.partition, "topic_id": one.source.topic_id}
            | {"position": start.position, "from": start.read, "adopts": one.adopt_key or None},
        )
        return owned

    def _resolve_again(self, keys: set[Key]) -> None:
        """Give up what was read of these partitions and find their starts anew."""
        keys &= self._assigned
        if not keys:
            return
        for key in keys:
            self._owned.pop(key, None)
        self._resolving |= keys
        self._resolve_due = time.monotonic() + 0.2
        self._assign()

    # --- reading

    def _read(self, now: float) -> None:
        self._bound_memory(now)
        if self._stalled_since is not None and not self._paused:
            time.sleep(0.02)  # the workers are about to make room; pausing would throw away what was fetched
            return
        messages = self._consumer.consume(BATCH, POLL_SECONDS)
        if messages:
            self._take(messages, time.monotonic())

    def _bound_memory(self, now: float) -> None:
        """Stop reading while too much is buffered: for a moment by not polling, for longer by pausing and polling."""
        if self._stop_by is not None:
            self._stalled_since = None
            self._pause(True)
            return
        size = sum([o.plan.size for o in self._owned.values()])
        limit = self.settings.memory.buffer_bytes
        if size < (limit // 2 if self._paused else limit):
            self._stalled_since = None
            self._pause(False)
        elif self._stalled_since is None:
            self._stalled_since = now
        elif not self._paused and now - self._stalled_since > STALL_SECONDS:
            LOGGER.warning("reading is paused", extra={"buffered": size, "limit": limit})
            self._pause(True)

    def _take(self, messages: list[Message], now: float) -> None:
        runs: dict[Key, list[Message]] = {}
        for message in messages:
            if message.error() is not None:
                # In order with the records before it.
                key = (message.topic(), message.partition())
                if key in runs:
                    self._add(key, runs.pop(key), now)
                self._event(message)
                continue
            key = (message.topic(), message.partition())
            run = runs.get(key)
            if run is None:
                runs[key] = [message]
            else:
                run.append(message)
        for key, run in runs.items():
            self._add(key, run, now)

    def _add(self, key: Key, messages: list[Message], now: float) -> None:
        owned = self._owned.get(key)
        if owned is None:
            return
        offsets = [m.offset() for m in messages]
        owned.returned.note(offsets)
        records = Records(messages, [m.value() for m in messages], offsets, [m.timestamp()[1] for m in messages])
        owned.plan.add(records, now)
        self._count[0] += len(messages)
        self.metrics.consumed.labels(key[0]).inc(len(messages))

    def _event(self, message: Message) -> None:
        error = message.error()
        key = (message.topic(), message.partition())
        owned = self._owned.get(key)
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            if owned is not None:
                owned.plan.end(message.offset())
        elif code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            LOGGER.warning(
                "position is out of the log", extra={"topic": key[0], "partition": key[1], "reason": error.str()}
            )
            self._resolve_again({key})
        elif error.fatal():
            raise KafkaException(error)
        elif code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION):
            LOGGER.debug("unknown topic", extra={"topic": key[0], "reason": error.str()})
        else:
            LOGGER.warning("Kafka says", extra={"topic": key[0], "reason": error.str()})

    # --- writing

    def _submit(self, now: float) -> None:
        for owned in self._owned.values():
            work = owned.work
            if work is None:
                cut = None if owned.commit_first else owned.plan.cut(now)
                if cut is None:
                    continue
                work = owned.work = Work(owned, cut, owned.returned.of(cut), now, Backoff(self.settings.retry_seconds))
            if not work.running and now >= work.due:
                work.running = True
                self._workers.submit(self._work, work, self._generation)

    def _work(self, work: Work, generation: int) -> None:
        """In a worker: everything about one tile that takes time."""
        source = work.owned.source
        try:
            if work.prepared is None:
                prefix = self.settings.object_store.prefix
                work.prepared = write.prepare(work.cut, source, prefix, self._registry, work.offsets)
            write.check_topic(self._cluster, source, work.read_at)
            landed = write.land(work.prepared, self.store)
        except BaseException as error:
            failed = partial(self._not_landed, work, generation) if survivable(error) else _raise
            self._done.put(partial(failed, error))
        else:
            self._done.put(lambda: self._landed(work, generation, landed))

    def _landed(self, work: Work, generation: int, landed: write.Landed) -> None:
        self.metrics.put_seconds.observe(landed.seconds)
        self.metrics.store_up.set(1)
        if landed.won:
            self.metrics.bytes.labels(landed.footer.source.topic).inc(landed.size)
        owned = work.owned
        if not self._current(work, generation):
            return
        owned.work = None
        owned.wait = None
        owned.key, owned.own, owned.seen_ms = landed.key, landed.won, work.cut.records.timestamps[0]
        try:
            if landed.footer.source != owned.source:
                raise ValueError(f"the tile is one of {landed.footer.source} {landed.footer.source.topic_id}")
            owned.plan.landed(landed.footer)
        except ValueError as error:
            self._stop_partition(owned, f"{landed.key} is not what belongs there: {error}")

    def _current(self, work: Work, generation: int) -> bool:
        """Whether the partition is still the one the work was begun for."""
        source = work.owned.source
        return generation == self._generation and self._owned.get((source.topic, source.partition)) is work.owned

    def _stop_partition(self, owned: Owned, reason: str) -> None:
        key, position = (owned.source.topic, owned.source.partition), owned.plan.position
        LOGGER.error("partition stopped", extra={"topic": key[0], "partition": key[1], "reason": reason})
        del self._owned[key]
        self._stopped[key] = Stop(position, Log(position, position), reason)
        self.metrics.stopped.labels(key[0], str(key[1])).set(1)
        self._assign()

    def _not_landed(self, work: Work, generation: int, error: BaseException) -> None:
        if not self._current(work, generation):
            return
        source = work.owned.source
        if isinstance(error, write.TopicReplacedError):
            LOGGER.warning("topic replaced", extra={"topic": source.topic, "reason": str(error)})
            self._resolve_again({k for k in self._owned if k[0] == source.topic})
            return
        work.running = False
        wait = work.backoff.next()
        work.due = time.monotonic() + wait
        step = "decode" if work.prepared is None else "write"
        expected = isinstance(error, UnavailableError)
        if step == "write":
            self.metrics.store_up.set(0)
        if work.owned.wait is None or not expected:
            LOGGER.warning(
                "waiting",
                extra={
                    "step": step,
                    "topic": source.topic,
                    "partition": source.partition,
                    "reason": str(error) or repr(error),
                }
                | {"retry_in": round(wait, 1)},
                exc_info=None if expected else error,
            )
        work.owned.wait = f"{step}: {error}"
        self.metrics.retries.labels(step).inc()

    # --- committing

    def _results(self) -> None:
        while True:
            try:
                action = self._done.get_nowait()
            except queue.Empty:
                return
            action()

    def _settle(self, now: float) -> None:
        if now < self._commit_due:
            return
        entries: list[Entry] = []
        settled: list[tuple[Owned, Any]] = []
        for owned in self._owned.values():
            if now < owned.commit_due:
                continue
            if owned.commit_first and owned.plan.outcome is None:
                entries.append(self._position_entry(owned))
                settled.append((owned, None))
                continue
            settlement = owned.plan.settle()
            if settlement is None:
                continue
            if settlement.rejected and not self._topics.dlq_exists(owned.source.topic):
                owned.wait = f"the dead letter topic {owned.source.topic}{self.settings.dlq_suffix} does not exist"
                continue
            entries.append(entry_of(owned.source, settlement.footer, owned.key, settlement.rejected))
            settled.append((owned, settlement))
        if entries:
            self._commit(entries, settled)

    def _commit(self, entries: list[Entry], settled: list[tuple[Owned, Any]]) -> None:
        began = time.perf_counter()
        try:
            self._committer.commit(entries)
        except RefusedRecordError as error:
            self.metrics.transactions.labels("aborted").inc()
            if len(entries) > 1:  # the others must not wait for the one
                for entry, one in zip(entries, settled, strict=True):
                    self._commit([entry], [one])
                return
            owned = settled[0][0]
            owned.commit_due = time.monotonic() + self.settings.retry_seconds
            owned.wait = f"commit: {error}"
            LOGGER.warning("waiting", extra={"step": "commit", "topic": owned.source.topic, "reason": str(error)})
            return
        except AbortedError as error:
            wait = self._commit_backoff.next()
            self._commit_due = time.monotonic() + wait
            self.metrics.transactions.labels("aborted").inc()
            LOGGER.warning("waiting", extra={"step": "commit", "reason": str(error), "retry_in": round(wait, 1)})
            return
        self._commit_backoff.reset()
        self.metrics.transactions.labels("committed").inc()
        self.metrics.transaction_seconds.observe(time.perf_counter() - began)
        again: set[Key] = set()
        for owned, settlement in settled:
            owned.commit_first = False
            owned.wait = None
            if settlement is None:
                owned.covered = owned.plan.seen if owned.plan.idle else 0
                continue
            owned.plan.commit()
            owned.returned.forget(owned.plan.position)
            self._account(owned, settlement)
            if owned.again:
                again.add((owned.source.topic, owned.source.partition))
        self._resolve_again(again)

    def _account(self, owned: Owned, settlement: Any) -> None:
        footer, topic = settlement.footer, owned.source.topic
        self._count[1] += footer.rows
        self._count[2] += 1
        self.metrics.rows.labels(topic).inc(footer.rows)
        self.metrics.tiles.labels(topic, "self" if owned.own else "other").inc()
        if owned.seen_ms:
            self.metrics.delay_seconds.observe(max(0.0, time.time() - owned.seen_ms / 1000))
        for rejection, _ in settlement.rejected:
            self.metrics.rejected.labels(topic, rejection.rule).inc()
        if settlement.rejected:
            LOGGER.warning(
                "rejected",
                extra={"topic": topic, "partition": owned.source.partition, "records": len(settlement.rejected)}
                | {"first": settlement.rejected[0][0].offset, "reason": settlement.rejected[0][0].reason},
            )
        if settlement.lost:
            self.metrics.lost.labels(topic).inc(len(settlement.lost))
            LOGGER.error(
                "rejected records left the log before they were sent",
                extra={"topic": topic, "partition": owned.source.partition, "offsets": settlement.lost[:20]},
            )

    # --- now and then

    def _flushing(self) -> None:
        for request in list(self._flushes):
            for key, target in request.targets.items():
                owned = self._owned.get(key)
                if owned is not None and not owned.plan.flushed(target):
                    owned.plan.flush(target)
            done = [self._flushed(key, target, request) for key, target in request.targets.items()]
            if all(done):
                self._flushes.remove(request)
                request.done.set()
            elif request.abandoned:
                self._flushes.remove(request)

    def _flushed(self, key: Key, target: int, request: FlushRequest) -> bool:
        owned = self._owned.get(key)
        if owned is not None:
            request.report(key, owned.source.topic_id, owned.plan.position, owned.plan.flushed(target), owned.wait)
            return owned.plan.flushed(target) and not owned.commit_first
        stop = self._stopped.get(key)
        if stop is not None:
            request.report(key, "", stop.position, False, stop.reason, stopped=True)
            return True
        request.report(key, "", None, False, "not owned by this instance" if key not in self._assigned else "resolving")
        return key not in self._assigned and self._joined

    def _commit_covered(self) -> None:
        """Commit how far quiet partitions were seen to hold nothing but holes."""
        quiet = [o for o in self._owned.values() if o.plan.idle and o.plan.seen > max(o.covered, o.plan.position)]
        if not quiet:
            return
        self._commit([self._position_entry(owned) for owned in quiet], [(owned, None) for owned in quiet])

    @staticmethod
    def _position_entry(owned: Owned) -> Entry:
        plan = owned.plan
        covered = plan.seen if plan.idle else plan.position
        said = metadata(tile.name(owned.source, plan.position), plan.position, covered)
        return Entry(owned.source, plan.position, said, leader_epoch=plan.leader_epoch)

    def _housekeeping(self, now: float) -> None:
        self._start_resolving(now)
        if now >= self._next_covered and now >= self._commit_due and self._stop_by is None:
            self._next_covered = now + COVERED_SECONDS
            self._commit_covered()
        self._background.submit(self._topics.refresh)
        if self._stopped and now >= self._next_stopped_check:
            self._next_stopped_check = now + self.settings.stopped_check_seconds
            self._resolving |= set(self._stopped)
            self._resolve_due = self._resolve_due if self._resolve_due is not None else 0.0
        self._gauges(now)
        if now >= self._next_progress:
            self._next_progress = now + PROGRESS_SECONDS
            self._log_progress()

    def _gauges(self, now: float) -> None:
        metrics = self.metrics
        wall = time.time()
        metrics.buffered.set(sum(o.plan.size for o in self._owned.values()))
        metrics.registry_up.set(0 if any(o.wait and o.wait.startswith("decode") for o in self._owned.values()) else 1)
        for (topic, partition), owned in self._owned.items():
            labels, plan = (topic, str(partition)), owned.plan
            _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
            end = max(high, plan.seen)
            idle = plan.idle and plan.seen >= end
            metrics.end.labels(*labels).set(end)
            metrics.position.labels(*labels).set(plan.position)
            metrics.lag.labels(*labels).set(0 if idle else end - plan.position)
            metrics.waiting.labels(*labels).set(1 if owned.wait else 0)
            if idle:
                owned.behind_since = None
                metrics.lag_seconds.labels(*labels).set(0)
            elif plan.tiles:
                metrics.lag_seconds.labels(*labels).set(max(0.0, wall - plan.tiles[0].records.timestamps[0] / 1000))
            else:
                owned.behind_since = owned.behind_since or now
                metrics.lag_seconds.labels(*labels).set(now - owned.behind_since)

    def _log_progress(self) -> None:
        records, rows, tiles = (a - b for a, b in zip(self._count, self._progress, strict=True))
        self._progress = (self._count[0], self._count[1], self._count[2])
        if records or tiles or self._stopped:
            waiting = sorted({o.wait for o in self._owned.values() if o.wait})
            LOGGER.info(
                "progress",
                extra={"records": records, "rows": rows, "tiles": tiles, "partitions": len(self._owned)}
                | {"stopped": len(self._stopped), "waiting": waiting[:3]},
            )
