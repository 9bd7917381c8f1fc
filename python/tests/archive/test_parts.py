"""The parts of the service, each with a made-up surrounding: what they do to the state, and what they leave alone."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from cdc_pipeline.archive.actions import Actions
from cdc_pipeline.archive.assignment import Assignment
from cdc_pipeline.archive.clients import Key
from cdc_pipeline.archive.committing import Committing
from cdc_pipeline.archive.cuts import Limits
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.owned import Owned
from cdc_pipeline.archive.planner import Partition
from cdc_pipeline.archive.position import Log, Start, Stop
from cdc_pipeline.archive.reporting import Report
from cdc_pipeline.archive.resolve import Resolved, Unresolved
from cdc_pipeline.archive.seen import Returned
from cdc_pipeline.archive.start_positions import StartPositions
from cdc_pipeline.archive.state import State
from cdc_pipeline.archive.stopped import StoppedPartitions
from cdc_pipeline.archive.tile import Footer, Source
from cdc_pipeline.archive.transaction import AbortedError, Entry, RefusedRecordError
from confluent_kafka import TopicPartition

SETTINGS: Any = SimpleNamespace(dlq_suffix=".dlq", retry_seconds=15.0, limits=Limits())
A, B = ("a", 0), ("b", 1)


class FakeConsumer:
    """What librdkafka is told."""

    def __init__(self) -> None:
        self.fetched: dict[Key, int] = {}
        self.paused: set[Key] = set()

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.fetched = {(tp.topic, tp.partition): tp.offset for tp in partitions}
        self.paused = set()

    def unassign(self) -> None:
        self.fetched = {}

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.paused |= {(tp.topic, tp.partition) for tp in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.paused -= {(tp.topic, tp.partition) for tp in partitions}


class FakeResolver:
    """Knows the starts of some partitions."""

    def __init__(self, starts: dict[Key, Start | Stop]) -> None:
        self.starts = starts

    def resolve(self, keys: Iterable[Key]) -> list[Resolved | Unresolved]:
        return [self._one(key) for key in sorted(keys)]

    def _one(self, key: Key) -> Resolved | Unresolved:
        start = self.starts.get(key)
        return Unresolved(key, "no answer") if start is None else Resolved(Source(key[0], "id", key[1]), start)


class Later:
    """An executor that works when it is told to."""

    def __init__(self) -> None:
        self.tasks: list[Any] = []

    def submit(self, task: Any, *arguments: Any) -> Future[None]:
        self.tasks.append(lambda: task(*arguments))
        return Future()

    def run(self) -> None:
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            task()


class World:
    """Assignment and start positions over fakes."""

    def __init__(self, starts: dict[Key, Start | Stop]) -> None:
        self.state = State(StoppedPartitions(30.0))
        self.consumer, self.metrics, self.actions, self.later = FakeConsumer(), Metrics(), Actions(), Later()
        consumer: Any = self.consumer
        later: Any = self.later
        resolver: Any = FakeResolver(starts)
        self.assignment = Assignment(consumer, self.state, self.metrics, 1 << 20)
        self.positions = StartPositions(
            SETTINGS, self.metrics, self.state, self.actions, self.assignment, resolver, later
        )

    def assign(self, *keys: Key) -> None:
        self.assignment._on_assign(self.consumer, [TopicPartition(*key) for key in keys])  # type: ignore[arg-type]

    def revoke(self) -> None:
        self.assignment._on_revoke(self.consumer, [])  # type: ignore[arg-type]

    def resolve(self, now: float = 1e12) -> None:
        self.positions.begin(now)
        self.later.run()
        self.actions.run()


def test_what_is_assigned_is_resolved_and_then_fetched_from_its_start() -> None:
    world = World({A: Start(5, 7), B: Stop(3, Log(9, 9), "a gap", "gap")})
    world.assign(A, B)
    assert not world.state.is_assigned() and world.consumer.fetched == {}
    world.resolve()
    assert world.state.is_assigned()
    assert world.consumer.fetched == {A: 7}
    assert list(world.state.stopped) == [B]


def test_what_cannot_be_resolved_is_tried_again_and_holds_up_no_other() -> None:
    starts: dict[Key, Start | Stop] = {A: Start(5, 5)}
    world = World(starts)
    world.assign(A, B)
    world.resolve()
    assert world.consumer.fetched == {A: 5}
    assert world.state.why_not_owned(B) == ("no answer", False)
    world.state.resolve_due = 0.0
    starts[B] = Start(0, 0)
    world.resolve()
    assert world.consumer.fetched == {A: 5, B: 0}


def test_what_was_found_out_for_an_earlier_assignment_does_not_count() -> None:
    world = World({A: Start(5, 5)})
    world.assign(A)
    world.positions.begin(1e12)
    world.revoke()
    world.assign(A)  # another instance may have gone on from there meanwhile
    world.later.run()
    world.actions.run()
    assert world.state.owned == {} and world.consumer.fetched == {}
    assert world.state.resolving == {A}


def test_a_rebalance_drops_all_that_is_not_committed() -> None:
    world = World({A: Start(5, 5), B: Stop(3, Log(9, 9), "a gap", "gap")})
    world.assign(A, B)
    world.resolve()
    generation = world.state.generation
    world.revoke()
    state = world.state
    assert state.generation > generation and not state.joined
    assert (state.owned, state.assigned, list(state.stopped), state.resolving) == ({}, set(), [], set())


def test_pauses_outlast_a_new_assignment_of_what_is_fetched() -> None:
    world = World({A: Start(5, 5), B: Start(6, 6)})
    world.assign(A, B)
    world.resolve()
    world.assignment.pause(frozenset({A, B}))
    world.positions.stop(world.state.owned[B], "foreign", "not ours")
    assert world.consumer.fetched == {A: 5} and world.consumer.paused == {A}
    world.assignment.pause(frozenset())
    assert world.consumer.paused == set()


# --- committing


class FakeCommitter:
    """Takes transactions, but for what it is told to refuse."""

    def __init__(self) -> None:
        self.transactions: list[list[tuple[str, int]]] = []
        self.refused: set[str] = set()
        self.aborts = False

    def commit(self, entries: list[Entry]) -> None:
        if self.aborts:
            raise AbortedError("not now")
        if any(entry.source.topic in self.refused for entry in entries):
            raise RefusedRecordError("too large")
        self.transactions.append([(entry.source.topic, entry.next) for entry in entries])


def landed(world: World, key: Key, position: int, end: int) -> Owned:
    source = Source(key[0], "id", key[1])
    plan = Partition(position, Limits(), adopt=Footer(source, position, end, rows=end - position))
    owned = world.state.owned[key] = Owned(source, plan, Returned(position), key=f"key of {key[0]}")
    world.state.assigned.add(key)
    return owned


def committing_of(world: World) -> tuple[Committing, FakeCommitter]:
    committer: Any = FakeCommitter()
    topics: Any = SimpleNamespace(dlq_exists=lambda _: True)
    report = Report(world.metrics)
    return Committing(SETTINGS, world.metrics, world.state, world.positions, committer, topics, report), committer


def test_what_has_landed_is_committed_in_one_transaction_and_once() -> None:
    world = World({})
    one, other = landed(world, A, 0, 5), landed(world, B, 7, 9)
    committing, committer = committing_of(world)
    committing.commit_landed(0.0)
    committing.commit_landed(1.0)
    assert committer.transactions == [[("a", 5), ("b", 9)]]
    assert (one.plan.position, other.plan.position) == (5, 9)
    assert one.last_key == "key of a"


def test_a_refused_dead_letter_holds_up_its_own_partition_alone() -> None:
    world = World({})
    one, other = landed(world, A, 0, 5), landed(world, B, 7, 9)
    committing, committer = committing_of(world)
    committer.refused = {"a"}
    committing.commit_landed(0.0)
    assert committer.transactions == [[("b", 9)]]
    assert one.plan.position == 0 and one.wait == "commit: too large"
    assert other.plan.position == 9 and other.wait is None


def test_nothing_moves_where_the_transaction_does_not_happen() -> None:
    world = World({})
    one = landed(world, A, 0, 5)
    committing, committer = committing_of(world)
    committer.aborts = True
    committing.commit_landed(0.0)
    assert one.plan.position == 0 and one.wait == "commit: not now"
    committer.aborts = False
    committing.commit_landed(0.0)
    assert committer.transactions == [], "it waits before it tries again"
    committing.commit_landed(1e12)
    assert committer.transactions == [[("a", 5)]] and one.wait is None


def test_a_position_that_came_from_the_chain_is_committed_first_and_moves_nothing() -> None:
    world = World({A: Start(5, 5, commit=True)})
    world.assign(A)
    world.resolve()
    committing, committer = committing_of(world)
    committing.commit_landed(0.0)
    assert committer.transactions == [[("a", 5)]]
    assert not world.state.owned[A].commit_first and world.state.owned[A].plan.position == 5


def test_a_tile_beyond_which_the_log_begins_is_resolved_again_after_its_commit() -> None:
    world = World({})
    owned = landed(world, A, 0, 5)
    owned.again = True
    committing, _ = committing_of(world)
    committing.commit_landed(0.0)
    assert A in world.state.resolving and A not in world.state.owned
