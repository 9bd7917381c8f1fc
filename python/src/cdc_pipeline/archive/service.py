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
from functools import partial

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from cdc_pipeline.archive import allocator, budget, clients, owner, readiness, tile, write
from cdc_pipeline.archive.admission import Admission
from cdc_pipeline.archive.backoff import Backoff
from cdc_pipeline.archive.clients import Cluster, Key
from cdc_pipeline.archive.errors import (
    EveryRecordError,
    UnavailableError,
    UnknownSchemaError,
    UnreadableError,
    said,
    survivable,
)
from cdc_pipeline.archive.flush import FlushRequest, insist
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.owned import Owned, Work
from cdc_pipeline.archive.planner import Partition, Settlement
from cdc_pipeline.archive.position import Log, Start, Stop, metadata
from cdc_pipeline.archive.readiness import Readiness, Trouble
from cdc_pipeline.archive.reading import Buffered, Reading
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.registry import Registry
from cdc_pipeline.archive.reporting import Report
from cdc_pipeline.archive.resolve import Resolved, Resolver, Unresolved
from cdc_pipeline.archive.seen import Returned
from cdc_pipeline.archive.settings import Settings
from cdc_pipeline.archive.startup import Startup
from cdc_pipeline.archive.stopped import StoppedPartitions
from cdc_pipeline.archive.store import Store
from cdc_pipeline.archive.topics import Topics
from cdc_pipeline.archive.transaction import AbortedError, Committer, Entry, RefusedRecordError, entry_of, headers_of

BATCH = 5000
LARGE = 64 << 20
"""A tile that was taken to need so much leaves room that is given back to the system."""
POLL_SECONDS = 0.1
PROGRESS_SECONDS = 30.0
HOUSEKEEPING_SECONDS = 1.0
COVERED_SECONDS = 60.0
"""How often the holes seen after the positions of quiet partitions are committed; retention is far slower."""


UNKNOWN_TILES = 3
"""A partition stops where all that follows are so many tiles of unknown schemas; with fewer, it waits for more."""


def _raise(error: BaseException) -> None:
    """In the loop's thread, so that what a worker met ends the process."""
    raise error


def _key(one: Resolved | Unresolved) -> Key:
    return one.key if isinstance(one, Unresolved) else (one.source.topic, one.source.partition)


def _size_of(headers: list[tuple[str, bytes | None]] | None) -> int:
    """Bytes of a record's headers and the objects around them."""
    return sum([150 + len(name) + len(value or b"") for name, value in headers or ()])


def _unknown(error: UnknownSchemaError, owned: Owned, follows: str) -> str:
    return (
        f"{error}, which the record at offset {owned.plan.position} or after it has, {follows}. Register the schema "
        "with this id again, or correct what writes these records"
    )


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
        self._checks = ThreadPoolExecutor(1, thread_name_prefix="check")
        self._done: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._generation = 0
        self._assigned: set[Key] = set()
        self._owned: dict[Key, Owned] = {}
        self._stopped = StoppedPartitions(settings.stopped_check_seconds)
        self._resolving: set[Key] = set()
        self._unresolved: dict[Key, tuple[str, float]] = {}
        self._resolve_backoff = Backoff(settings.retry_seconds)
        self._resolve_due: float | None = None
        self._commit_backoff = Backoff(settings.retry_seconds)
        self._commit_due = 0.0
        self._flushes: list[FlushRequest] = []
        self._budget = settings.budget
        self._reading = Reading(self._budget.buffer)
        self._admission = Admission(self._budget.work)
        self._paused: frozenset[Key] = frozenset()
        self._mean = 1
        self._joined = False
        steps = [
            ("object_store", store.prove_conditional_put),
            ("topics", self._topics.check),
            ("owner", self._claim),
            ("transactions", self._committer.start),
        ]
        self._startup = Startup(steps, settings.retry_seconds)
        self._store_up = True
        self._shutdown = threading.Event()
        self._shutdown_by: float | None = None
        self._beat = time.monotonic()
        self._next_housekeeping = 0.0
        self._next_progress = time.monotonic() + PROGRESS_SECONDS
        self._next_covered = time.monotonic() + COVERED_SECONDS
        self._report = Report(self.metrics)

    # --- from other threads

    def shut_down(self) -> None:
        """End in order: write and commit what was read, leave the group."""
        self._shutdown.set()

    def flush(self, timeout: float) -> FlushRequest:
        """Cut now; returns when everything visible at this moment is archived, or after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        self._done.put(self._stopped.hasten)
        while not self._is_assigned() and time.monotonic() < deadline and not self._shutdown.is_set():
            time.sleep(0.05)
        targets: dict[Key, int] = {}
        if self._is_assigned():
            targets = insist(lambda: self._cluster.visible_ends(self._assigned.copy()), deadline, self._shutdown)
        request = FlushRequest(targets)
        self._done.put(lambda: self._flushes.append(request))
        request.done.wait(max(0.0, deadline - time.monotonic()))
        return request

    def alive(self) -> bool:
        """Whether the loop turns."""
        return time.monotonic() - max(self._beat, self._startup.beat) < 60 + self.settings.shutdown_seconds

    def readiness(self) -> Readiness:
        """Whether the service works, and which of its partitions do not."""
        start = []
        if self._startup.waits:
            start.append(self._startup.waits)
        elif not self._topics.archived():
            start.append(f"waiting for topics: {', '.join(self._topics.missing) or self.settings.topic_pattern}")
        elif not self._is_assigned():
            start.append("waiting for the group's assignment")
        stopped = [Trouble(key, one.stop.reason, one.since) for key, one in self._stopped.items()]
        waits = [Trouble(o.id, o.wait, o.wait_since) for o in list(self._owned.values()) if o.wait]
        waits += [Trouble(key, reason, since) for key, (reason, since) in self._unresolved.copy().items()]
        waits.sort(key=lambda trouble: trouble.key)
        return readiness.judge(start, len(self._assigned), self._store_up, stopped, waits)

    def _is_assigned(self) -> bool:
        return self._joined and bool(self._assigned) and not self._resolving - self._unresolved.keys()

    # --- life

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

    def _start(self) -> bool:
        if not self._startup.run(self._shutdown, self.metrics):
            return False
        self._store_is_up(True)
        self.metrics.registry_up.set(1)
        self._consumer.subscribe(
            self._topics.subscription(), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        LOGGER.info("started", extra={"group": self.settings.group_id, "instance": self.settings.instance_id})
        return True

    def _claim(self) -> None:
        cluster_id, identity = self._cluster.identity()
        ids = {name: topic.topic_id for name, topic in self._cluster.topics(self._topics.archived()).items()}
        mine = owner.Owner(identity, self.settings.owner, cluster_id)
        owner.claim(self.store, mine, ids, self.settings.take_over_from)

    def _store_is_up(self, up: bool) -> None:
        self._store_up = up
        self.metrics.store_up.set(up)

    def _finished(self) -> bool:
        if not self._shutdown.is_set():
            return False
        now = time.monotonic()
        if self._shutdown_by is None:
            self._shutdown_by = now + self.settings.shutdown_seconds
            LOGGER.info("shutting down", extra={"buffered": sum(o.plan.size for o in self._owned.values())})
            self._pause(frozenset(self._owned))
            for owned in self._owned.values():
                owned.plan.flush(owned.plan.seen)
        if all(o.plan.flushed(o.plan.seen) for o in self._owned.values()):
            return True
        if now > self._shutdown_by:
            LOGGER.warning("shut down before everything was written; it is read again after the next start")
            return True
        return False

    def _close(self) -> None:
        self._shutdown.set()
        for request in self._flushes:
            request.done.set()
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._background.shutdown(wait=False, cancel_futures=True)
        self._checks.shutdown(wait=False, cancel_futures=True)
        self._consumer.close()
        LOGGER.info("shut down")

    def _turn(self) -> None:
        now = self._beat = time.monotonic()
        self._results()
        self._commit_landed(now)
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
        self._unresolved.clear()
        self._resolving = set()
        self._resolve_due = None
        self._joined = False
        self.metrics.assigned.set(0)

    def _assign(self) -> None:
        """Tell librdkafka what to fetch: the owned partitions, each from where it was read up to."""
        self._consumer.assign([TopicPartition(t, p, o.plan.read) for (t, p), o in self._owned.items()])
        paused, self._paused = self._paused, frozenset()
        self._pause(paused & self._owned.keys())

    def _pause(self, wanted: frozenset[Key]) -> None:
        """Fetch nothing of these partitions, and of the others again."""
        if wanted == self._paused:
            return
        try:
            if more := wanted - self._paused:
                self._consumer.pause([TopicPartition(t, p) for t, p in more])
            if less := (self._paused - wanted) & self._owned.keys():
                self._consumer.resume([TopicPartition(t, p) for t, p in less])
        except KafkaException as error:
            LOGGER.warning("cannot pause or resume", extra={"reason": str(error)})
            return
        if bool(wanted) != bool(self._paused):
            size = sum(o.plan.size for o in self._owned.values())
            extra = {"partitions": len(wanted), "buffered": size, "limit": self._budget.buffer}
            LOGGER.warning("reading is paused" if wanted else "reading continues", extra=extra)
        self._paused = wanted
        self.metrics.paused.set(bool(wanted))

    # --- where to begin

    def _start_resolving(self, now: float) -> None:
        if self._resolve_due is None or now < self._resolve_due or not self._resolving:
            return
        self._resolve_due = None
        self._background.submit(self._resolve, self._generation, set(self._resolving), False)

    def _check_stopped(self, now: float) -> None:
        due = self._stopped.due(now)
        if due:
            self._checks.submit(self._resolve, self._generation, due, True)

    def _resolve(self, generation: int, wanted: set[Key], stopped: bool) -> None:
        """In a thread of its own."""
        try:
            resolved: list[Resolved | Unresolved] = self._resolver.resolve(wanted)
        except BaseException as error:
            if not survivable(error):
                self._done.put(partial(_raise, error))
                return
            if not isinstance(error, UnavailableError):
                LOGGER.exception("resolving failed")
            resolved = [Unresolved(key, said(error)) for key in wanted]
        self._done.put(lambda: (self._checked if stopped else self._resolved)(generation, resolved))

    def _checked(self, generation: int, resolved: list[Resolved | Unresolved]) -> None:
        """What became of stopped partitions."""
        if generation != self._generation:
            return
        now = time.monotonic()
        begun = [self._begin(one) for one in resolved if not isinstance(one, Unresolved) and _key(one) in self._stopped]
        self._stopped.delay({one.key for one in resolved if isinstance(one, Unresolved)}, now)
        if any(begun):
            self._assign()

    def _resolved(self, generation: int, resolved: list[Resolved | Unresolved]) -> None:
        if generation != self._generation:
            return
        wall = time.time()
        begun = []
        for one in resolved:
            key = _key(one)
            if key not in self._resolving:
                continue
            if isinstance(one, Unresolved):
                new = key not in self._unresolved
                self._unresolved[key] = (one.reason, self._unresolved[key][1] if not new else wall)
                continue
            self._resolving.discard(key)
            self._unresolved.pop(key, None)
            begun.append(self._begin(one))
        if self._unresolved:
            wait = self._resolve_backoff.next()
            self._resolve_due = min(self._resolve_due or float("inf"), time.monotonic() + wait)
            self.metrics.retries.labels("resolve").inc()
            reason = next(iter(self._unresolved.values()))[0]
            extra = {"step": "resolve", "partitions": len(self._unresolved), "reason": reason}
            LOGGER.warning("waiting", extra=extra | {"retry_in": round(wait, 1)})
        else:
            self._resolve_backoff.reset()
            if self._resolving:
                self._resolve_due = 0.0
        if any(begun):
            self._assign()

    def _begin(self, one: Resolved) -> bool:
        """Read a partition, or say that it is stopped. Returns whether it is read."""
        key = _key(one)
        if isinstance(one.start, Stop):
            self._stop(key, one.start)
            return False
        if self._stopped.remove(key):
            self.metrics.not_stopped(key)
        self._owned[key] = self._own(one, one.start)
        return True

    def _stop(self, key: Key, stop: Stop) -> None:
        extra = {"topic": key[0], "partition": key[1], "kind": stop.kind, "reason": stop.reason}
        if self._stopped.add(key, stop, time.monotonic(), time.time()):
            LOGGER.error("partition stopped", extra=extra)
        one = self._stopped.get(key)
        if one is not None:
            self.metrics.is_stopped(key, stop.kind, one.since)

    def _own(self, one: Resolved, start: Start) -> Owned:
        plan = Partition(start.position, self.settings.limits, start.read, start.adopt, start.leader_epoch)
        owned = Owned(
            one.source,
            plan,
            Returned(start.read),
            key=one.adopt_key,
            last_key=one.last_key,
            won=False,
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
        if self._shutdown_by is not None:
            self._pause(frozenset(self._owned))
        elif not self._make_room(now):
            time.sleep(0.02)
            return
        room = self._budget.buffer - sum([o.plan.size for o in self._owned.values()])
        messages = self._consumer.consume(max(1, min(BATCH, room // self._mean)), POLL_SECONDS)
        if messages:
            self._take(messages, time.monotonic())

    def _make_room(self, now: float) -> bool:
        """Bound what is buffered. Returns whether to read."""
        parts = {key: Buffered(o.plan.size, o.wait is not None, o.plan.unsettled) for key, o in self._owned.items()}
        decision = self._reading.decide(parts, now)
        for key in decision.close:
            self._owned[key].plan.close()
        again = [self._owned[key] for key in decision.shorten if self._owned[key].plan.shorten()]
        for owned in again:
            owned.returned.again(owned.plan.read)
        if again:
            self._assign()
        self._pause(decision.pause)
        return decision.poll

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
        values = [m.value() for m in messages]
        sizes = [len(v or b"") + len(m.key() or b"") for v, m in zip(values, messages, strict=True)]
        if any(headers := [headers_of(m) for m in messages]):
            sizes = [size + _size_of(h) for size, h in zip(sizes, headers, strict=True)]
        self._mean = budget.RECORD + sum(sizes) // len(sizes)
        owned.plan.add(Records(messages, values, offsets, [m.timestamp()[1] for m in messages], sizes), now)
        self._report.consumed(key[0], len(messages))

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
            if owned.work is None and not owned.commit_first and (cut := owned.plan.cut(now)) is not None:
                backoff = Backoff(self.settings.retry_seconds)
                owned.work = Work(owned, cut, owned.returned.of(cut), now, backoff)
                self._admission.add(owned.work)
        for work in self._admission.begin(now, self._is_current, self._registry.known) if len(self._admission) else ():
            if work.unknown:
                work.later = work.owned.plan.later(work.cut)
            self._workers.submit(self._work, work, self._generation)

    def _work(self, work: Work, generation: int) -> None:
        """In a worker: everything about one tile that takes time."""
        source = work.owned.source
        try:
            if work.prepared is None:
                # Only a later record that can be read shows that the registry knows what is written now.
                reject = work.unknown and write.any_can_be_read(work.later, self._registry)
                prefix = self.settings.object_store.prefix
                work.prepared = write.prepare(work.cut, source, prefix, self._registry, work.offsets, reject)
                if work.held > LARGE:
                    allocator.trim()
                work.held = budget.written(len(work.prepared.body))
            write.check_topic(self._cluster, source, work.read_at)
            landed = write.land(work.prepared, self.store)
        except BaseException as error:
            failed = partial(self._not_landed, work, generation) if survivable(error) else _raise
            self._done.put(partial(failed, error))
        else:
            self._done.put(lambda: self._landed(work, generation, landed))

    def _landed(self, work: Work, generation: int, landed: write.Landed) -> None:
        work.running, work.held = False, 0
        self.metrics.put_seconds.observe(landed.seconds)
        self._store_is_up(True)
        if landed.won:
            self.metrics.bytes.labels(landed.footer.source.topic).inc(landed.size)
        owned = work.owned
        if generation != self._generation or not self._is_current(work):
            return
        owned.work = None
        owned.wait = None
        owned.key, owned.won, owned.seen_ms = landed.key, landed.won, work.cut.records.timestamps[0]
        try:
            if landed.footer.source != owned.source:
                raise ValueError(f"the tile is one of {landed.footer.source} {landed.footer.source.topic_id}")
            owned.plan.landed(landed.footer)
        except ValueError as error:
            self._stop_here(owned, "foreign", f"{landed.key} is not what belongs there: {error}")

    def _is_current(self, work: Work) -> bool:
        """Whether the partition is still the one the work was begun for."""
        return self._owned.get(work.owned.id) is work.owned and work.owned.work is work

    def _stop_here(self, owned: Owned, kind: str, reason: str) -> None:
        position = owned.plan.position
        del self._owned[owned.id]
        self._stop(owned.id, Stop(position, Log(position, position), reason, kind))
        self._assign()

    def _not_landed(self, work: Work, generation: int, error: BaseException) -> None:
        work.running = False
        if work.prepared is None:
            work.held = 0
        if generation != self._generation or not self._is_current(work):
            return
        owned, source = work.owned, work.owned.source
        if isinstance(error, write.TopicReplacedError):
            LOGGER.warning("topic replaced", extra={"topic": source.topic, "reason": str(error)})
            self._resolve_again({k for k in self._owned if k[0] == source.topic})
            return
        if isinstance(error, UnreadableError):
            self._stop_here(owned, "unreadable", str(error))
            return
        if isinstance(error, EveryRecordError):
            LOGGER.error("no record of a tile can be written", extra={"topic": source.topic}, exc_info=error)
            self._stop_here(owned, "records", f"{error}. See the log, and go on with a version that can")
            return
        if isinstance(error, UnknownSchemaError):
            if self._is_a_stream_of_unknowns(work):
                self._stop_here(owned, "unknown_schema", _unknown(error, owned, "and so are all that follow"))
                return
            work.unknown = True
            error = UnavailableError(_unknown(error, owned, "and none that follows can be read yet"))
        if isinstance(error, MemoryError) and len(work.cut) > 1:
            work.shrink(len(work.cut) // 2)
        wait = work.backoff.next()
        work.due = time.monotonic() + wait
        step = "decode" if work.prepared is None else "write"
        expected = isinstance(error, UnavailableError)
        if step == "write":
            self._store_is_up(False)
        if owned.waits(f"{step}: {said(error)}", time.time()) or not expected:
            where = {"topic": source.topic, "partition": source.partition}
            extra = {"step": step, **where, "reason": said(error), "retry_in": round(wait, 1)}
            LOGGER.warning("waiting", extra=extra, exc_info=None if expected else error)
        self.metrics.retries.labels(step).inc()

    def _is_a_stream_of_unknowns(self, work: Work) -> bool:
        """Whether enough follows a tile of an unknown schema, and nothing of it can be read."""
        if not work.unknown:
            return False
        owned, plan = work.owned, work.owned.plan
        read_all = plan.seen >= self._end_of(owned.id)
        return (read_all and len(plan.tiles) >= UNKNOWN_TILES) or owned.id in self._paused

    # --- committing

    def _results(self) -> None:
        while True:
            try:
                action = self._done.get_nowait()
            except queue.Empty:
                return
            action()

    def _commit_landed(self, now: float) -> None:
        if now < self._commit_due:
            return
        entries: list[Entry] = []
        parts: list[tuple[Owned, Settlement | None]] = []
        for owned in self._owned.values():
            if now < owned.commit_due:
                continue
            if owned.commit_first and owned.plan.outcome is None:
                entries.append(self._position_entry(owned))
                parts.append((owned, None))
                continue
            settlement = owned.plan.settle()
            if settlement is None:
                continue
            if settlement.rejected and not self._topics.dlq_exists(owned.source.topic):
                missing = f"the dead letter topic {owned.source.topic}{self.settings.dlq_suffix} does not exist"
                owned.waits(missing, time.time())
                continue
            entries.append(entry_of(owned.source, settlement.footer, owned.key, settlement.rejected))
            parts.append((owned, settlement))
        if entries:
            self._commit(entries, parts)

    def _commit(self, entries: list[Entry], parts: list[tuple[Owned, Settlement | None]]) -> None:
        began = time.perf_counter()
        try:
            self._committer.commit(entries)
        except RefusedRecordError as error:
            self.metrics.transactions.labels("aborted").inc()
            if len(entries) > 1:  # the others must not wait for the one
                for entry, one in zip(entries, parts, strict=True):
                    self._commit([entry], [one])
                return
            owned = parts[0][0]
            owned.commit_due = time.monotonic() + self.settings.retry_seconds
            owned.waits(f"commit: {error}", time.time())
            LOGGER.warning("waiting", extra={"step": "commit", "topic": owned.source.topic, "reason": str(error)})
            return
        except AbortedError as error:
            for owned, _ in parts:
                owned.waits(f"commit: {error}", time.time())
            wait = self._commit_backoff.next()
            self._commit_due = time.monotonic() + wait
            self.metrics.transactions.labels("aborted").inc()
            LOGGER.warning("waiting", extra={"step": "commit", "reason": str(error), "retry_in": round(wait, 1)})
            return
        self._commit_backoff.reset()
        self.metrics.transactions.labels("committed").inc()
        self.metrics.transaction_seconds.observe(time.perf_counter() - began)
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
            self._stopped.moved(owned.id)
            self._report.committed(owned, settlement)
            if owned.again:
                again.add(owned.id)
        self._resolve_again(again)

    # --- now and then

    def _flushing(self) -> None:
        for request in list(self._flushes):
            if request.advance(self._owned, self._stopped, self._why_not_owned) or request.abandoned:
                self._flushes.remove(request)

    def _why_not_owned(self, key: Key) -> tuple[str, bool]:
        """Why a partition is neither read nor stopped, and whether it will not be."""
        if key not in self._assigned:
            return "not owned by this instance", self._joined
        return self._unresolved.get(key, ("resolving",))[0], False

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
        name = owned.last_key or tile.name(owned.source, plan.position)
        text = metadata(name, plan.position, covered)
        return Entry(owned.source, plan.position, text, leader_epoch=plan.leader_epoch)

    def _housekeeping(self, now: float) -> None:
        self._start_resolving(now)
        if now >= self._next_covered and now >= self._commit_due and self._shutdown_by is None:
            self._next_covered = now + COVERED_SECONDS
            self._commit_covered()
        self._background.submit(self._topics.refresh)
        self._check_stopped(now)
        self._report.gauges(self._owned, self._end_of, now)
        if now >= self._next_progress:
            self._next_progress = now + PROGRESS_SECONDS
            self._report.progress(self._owned, len(self._stopped))

    def _end_of(self, key: Key) -> int:
        """The end of a partition's log as of the last answer to a fetch."""
        return self._consumer.get_watermark_offsets(TopicPartition(*key), cached=True)[1]
