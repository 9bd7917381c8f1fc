"""A world for the protocol: one partition's log, an object store, a consumer group, and writers that crash.

The writers run the production code: `planner.Partition`, `position.decide`, `write.prepare`, `write.land`, `Store` on
obstore's in-memory store. What is modelled is what surrounds them: Kafka, its transactions and fencing, and time.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl
from cdc_pipeline.archive import tile, write
from cdc_pipeline.archive.cuts import Cut, Limits
from cdc_pipeline.archive.decode import Decoded
from cdc_pipeline.archive.planner import Partition
from cdc_pipeline.archive.position import Committed, Log, Start, Stop, decide, metadata
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.resolve import StoredChain
from cdc_pipeline.archive.seen import Returned
from cdc_pipeline.archive.store import Store
from cdc_pipeline.archive.tile import Footer, Source
from cdc_pipeline.verify.chain import follow, judge_body
from cdc_pipeline.verify.footers import Tile as Object
from obstore.store import MemoryStore

SOURCE = Source("shop", "Zm9vYmFyYmF6cXV4MDEyMw", 3)
PREFIX = "archive"
BAD = b"bad"


@dataclass(frozen=True)
class Message:
    """A record as the log has it. ``value`` is framed; its datum is `BAD` where it must be rejected."""

    offset: int
    timestamp: int
    value: bytes

    @property
    def valid(self) -> bool:
        return not self.value.endswith(BAD)

    def leader_epoch(self) -> int:
        return self.offset // 10


class FakeDecoder:
    """Makes a row of every datum that is not `BAD`."""

    def decode(self, values: list[bytes]) -> Decoded:
        rows = [i for i, v in enumerate(values) if not v.endswith(BAD)]
        bad = [(i, "the model says so") for i, v in enumerate(values) if v.endswith(BAD)]
        return Decoded(pl.DataFrame({"n": rows}, schema={"n": pl.Int64}), rows, bad)


class FakeDecoders:
    """One decoder for every schema id."""

    def decoder(self, schema_id: int) -> FakeDecoder:
        return FakeDecoder()


@dataclass
class World:
    """What outlives writers."""

    log: list[Message | None] = field(default_factory=list)  # None: a hole
    low: int = 0
    store: Store = field(default_factory=lambda: Store(MemoryStore(), PREFIX))
    committed: Committed | None = None
    dlq: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)  # rejected offsets a writer said it cannot send
    generation: int = 0
    offsets_expired: bool = False
    deleted: set[int] = field(default_factory=set)

    def source_log(self) -> Log:
        return Log(self.low, len(self.log))

    def read(self, begin: int, end: int) -> Records:
        found = [m for m in self.log[begin:end] if m is not None]
        return Records(found, [m.value for m in found], [m.offset for m in found], [m.timestamp for m in found])

    def tiles(self) -> list[tuple[str, Footer]]:
        return sorted(
            ((key, self.store.footer(key)) for key in self.store.keys(SOURCE.topic)), key=lambda pair: pair[1].start
        )

    def rows(self, key: str) -> list[int]:
        import obstore

        body = bytes(obstore.get(self.store._client, key).bytes())
        assert judge_body(key, body) == []
        return pl.read_parquet(body).get_column("__offset").to_list()


class Writer:
    """A process. Every method is one step, between any two of which it may be killed or lose the partition."""

    def __init__(self, world: World, limits: Limits) -> None:
        self.world = world
        self.limits = limits
        self.crash()

    def crash(self) -> None:
        self.generation = -1
        self.plan: Partition | None = None
        self.start: Start | None = None
        self.cut: Cut | None = None
        self.prepared: write.Prepared | None = None
        self.key = ""
        self.stopped: Stop | None = None

    @property
    def owns(self) -> bool:
        return self.generation == self.world.generation

    def join(self) -> None:
        """The group gives this writer the partition. The other may not know for long."""
        self.crash()
        self.world.generation += 1
        self.generation = self.world.generation
        self.resolve()

    def resolve(self) -> None:
        chain = StoredChain(self.world.store, SOURCE)
        start = decide(SOURCE, self.world.committed, self.world.source_log(), chain)
        self.plan, self.start, self.cut, self.prepared = None, None, None, None
        if isinstance(start, Stop):
            self.stopped = start
            return
        self.stopped = None
        self.start = start
        self.key = chain.key_at(start.position) or "" if start.adopt else ""
        self.plan = Partition(start.position, self.limits, start.read, start.adopt, start.leader_epoch)
        self.returned = Returned(start.read)
        self.commit_first = start.commit

    def read(self, count: int, again: int, now: float) -> None:
        if self.plan is None:
            return
        begin = self.plan.read
        if begin < self.world.low:
            self.resolve()  # the broker says that the position is out of the log
            return
        end = min(begin + count, len(self.world.log))
        records = self.world.read(max(self.world.low, begin - again), end)
        if records.offsets:
            self.returned.note(records.offsets)
            self.plan.add(records, now)
        if end == len(self.world.log):
            self.plan.end(end)

    def flush(self) -> None:
        if self.plan is not None:
            self.plan.flush(len(self.world.log))

    def flush_read(self) -> None:
        """Cut what was read, whatever there is to read yet."""
        if self.plan is not None:
            self.plan.flush(self.plan.read)

    def begin_write(self, now: float, part: bool = False) -> None:
        """``part``: there is memory for half of the tile."""
        if self.plan is None or self.commit_first or self.cut is not None:
            return
        self.cut = self.plan.cut(now)
        if self.cut is None:
            return
        if part and len(self.cut) > 1:
            self.cut = self.cut.head(len(self.cut) // 2)
        self.prepared = write.prepare(self.cut, SOURCE, PREFIX, FakeDecoders(), self.returned.of(self.cut))

    def make_room(self) -> None:
        """Memory is short: cut what is there, and forget the rest."""
        if self.plan is None:
            return
        self.plan.close()
        if self.plan.shorten():
            self.returned.again(self.plan.read)

    def put(self) -> None:
        """The object is written; the writer does not know yet."""
        if self.prepared is not None:
            self.world.store.put(self.prepared.key, self.prepared.body)

    def land(self) -> None:
        if self.prepared is None or self.plan is None:
            return
        landed = write.land(self.prepared, self.world.store)
        self.key, self.cut, self.prepared = landed.key, None, None
        self.plan.landed(landed.footer)

    def commit(self) -> None:
        """One transaction; the group refuses it from a generation that has passed."""
        if self.plan is None:
            return
        world = self.world
        if self.commit_first and self.plan.outcome is None:
            if not self.owns:
                self.crash()
                return
            world.committed = Committed(self.plan.position, tile.name(SOURCE, self.plan.position))
            self.commit_first = False
            return
        if self.plan.idle and self.plan.flight is None and self.plan.seen > self.plan.position and self.owns:
            position = self.plan.position
            covered = metadata(tile.name(SOURCE, position), position, self.plan.seen)
            world.committed = Committed(position, covered, self.plan.leader_epoch)
            return
        settlement = self.plan.settle()
        if settlement is None:
            return
        if not self.owns:
            self.crash()
            return
        for rejection, message in settlement.rejected:
            assert message.offset == rejection.offset
            world.dlq.append(rejection.offset)
        world.lost += settlement.lost
        world.committed = Committed(settlement.footer.next, self.key, settlement.footer.leader_epoch)
        self.commit_first = False
        self.plan.commit()
        self.returned.forget(self.plan.position)
        if self.start is not None and self.start.again:
            self.resolve()

    def run_to_end(self, now: float) -> None:
        """Everything, in order, until nothing is left."""
        for _ in range(10_000):
            if self.stopped is not None or self.plan is None:
                return
            self.read(7, 0, now)
            self.flush()
            self.begin_write(now)
            self.land()
            self.commit()
            if self.plan is not None and self.plan.flushed(len(self.world.log)) and not self.commit_first:
                return
        raise AssertionError("no progress")


def accept_gap(world: World, stop: Stop) -> None:
    """What the operator's command writes (`gap.accept`)."""
    from cdc_pipeline.archive import parquet, seen

    first = next((m for m in world.log[stop.log.low :] if m is not None), None)
    tiles = world.tiles()
    hour = tile.hour_of(first.timestamp) if first else tile.hour_in(tiles[-1][0]) if tiles else 0
    frame = pl.DataFrame(schema={"__offset": pl.Int64})
    nothing = seen.of_gap(stop.position, stop.log.low, frame)
    footer = Footer(SOURCE, stop.position, stop.log.low, rows=0, gap=True, seen=nothing)
    assert world.store.put(tile.key(PREFIX, SOURCE, stop.position, hour), parquet.encode(frame, footer))


def check_tiles(world: World) -> None:
    """No overlap, one hour rule, one schema: true at every moment."""
    tiles = world.tiles()
    for (_, a), (_, b) in itertools.pairwise(tiles):
        assert a.next <= b.start, f"{a} overlaps {b}"
    for key, footer in tiles:
        assert footer.source == SOURCE
        assert tile.parse(key) == (SOURCE, footer.start)


def check_complete(world: World) -> None:
    """The guarantee, once a writer has run to the end."""
    check_tiles(world)
    tiles = world.tiles()
    records = [m for m in world.log if m is not None]
    position = 0
    for _, footer in tiles:
        assert footer.start == position, f"a gap at {position}"
        position = footer.next
    last = records[-1].offset if records else -1
    assert position in {last + 1, max(last + 1, world.low)}
    rows: list[int] = []
    objects = [Object(key, footer, footer.rows, datetime.now()) for key, footer in tiles]
    assert follow(objects).problems == []
    for key, footer in tiles:
        offsets = world.rows(key)
        assert len(offsets) == footer.rows
        assert all(footer.start <= o < footer.next for o in offsets)
        covered = [m for m in world.log[footer.start : footer.next] if m is not None]
        if footer.gap:
            assert footer.rows == 0
            world.deleted -= {m.offset for m in covered}
            assert all(m.offset < world.low for m in covered)
            records = [m for m in records if m not in covered]
            continue
        assert footer.holes == footer.next - footer.start - len(covered)
        assert footer.seen is not None
        assert footer.seen.consumed == len(covered)
        assert (footer.seen.first_offset, footer.seen.last_offset) == (covered[0].offset, covered[-1].offset)
        assert footer.leader_epoch == covered[-1].leader_epoch()
        hour = tile.hour_in(key)
        assert tile.hour_of(covered[0].timestamp) == hour
        assert all(tile.hour_of(m.timestamp) <= hour for m in covered)
        assert {int.from_bytes(m.value[1:5], "big") for m in covered if m.value[0] == 0} <= {footer.schema_id}
        rows += offsets
    assert sorted(rows) == [m.offset for m in records if m.valid], "a row is missing or twice"
    rejected = sorted(m.offset for m in records if not m.valid)
    sent = sorted(world.dlq)
    if world.offsets_expired:
        assert sorted({*sent, *world.lost}) == rejected
    else:
        assert sorted(sent + world.lost) == rejected, "a rejected record is missing or twice in the dead letter topic"
    assert all(o < world.low for o in world.lost)
