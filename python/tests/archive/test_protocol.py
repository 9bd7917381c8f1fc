"""The protocol under every order of reads, writes, commits, crashes and rebalances that hypothesis thinks of."""

from __future__ import annotations

import sys
from pathlib import Path

from cdc_pipeline.archive.cuts import Limits
from cdc_pipeline.archive.tile import MS_PER_HOUR
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

sys.path.insert(0, str(Path(__file__).parent))
from model import BAD, Message, World, Writer, accept_gap, check_complete, check_tiles

LIMITS = Limits(flush_records=4, flush_seconds=10.0, tile_bytes=60)
EPOCH_HOUR = 470_000

KINDS = st.sampled_from(["good", "good", "good", "other-schema", "bad", "unframed", "hole"])


class Protocol(RuleBasedStateMachine):
    """Two writers and one partition. ``now`` and the log's clock only go on when a rule says so."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.writers = [Writer(self.world, LIMITS), Writer(self.world, LIMITS)]
        self.now = 0.0
        self.clock = EPOCH_HOUR * MS_PER_HOUR

    @rule(kinds=st.lists(KINDS, min_size=1, max_size=8), step=st.sampled_from([0, 1, MS_PER_HOUR // 3, -MS_PER_HOUR]))
    def produce(self, kinds: list[str], step: int) -> None:
        for kind in kinds:
            offset = len(self.world.log)
            self.clock += step
            value = {
                "good": b"\0\0\0\0\x01good",
                "other-schema": b"\0\0\0\0\x02good",
                "bad": b"\0\0\0\0\x01" + BAD,
                "unframed": b"x" + BAD,
            }.get(kind)
            self.world.log.append(None if value is None else Message(offset, self.clock, value))

    @rule(w=st.integers(0, 1))
    def rebalance(self, w: int) -> None:
        """The partition goes to ``w``; who had it goes on as if nothing had happened."""
        self.writers[w].join()

    @rule(w=st.integers(0, 1))
    def crash(self, w: int) -> None:
        self.writers[w].crash()

    @rule(w=st.integers(0, 1), count=st.integers(1, 9), again=st.integers(0, 3))
    def read(self, w: int, count: int, again: int) -> None:
        self.writers[w].read(count, again, self.now)

    @rule(w=st.integers(0, 1))
    def flush(self, w: int) -> None:
        self.writers[w].flush()

    @rule(w=st.integers(0, 1))
    def begin_write(self, w: int) -> None:
        self.writers[w].begin_write(self.now)

    @rule(w=st.integers(0, 1))
    def begin_half_a_write(self, w: int) -> None:
        self.writers[w].begin_write(self.now, part=True)

    @rule(w=st.integers(0, 1))
    def make_room(self, w: int) -> None:
        self.writers[w].make_room()

    @rule(w=st.integers(0, 1))
    def put(self, w: int) -> None:
        self.writers[w].put()

    @rule(w=st.integers(0, 1))
    def land(self, w: int) -> None:
        self.writers[w].land()

    @rule(w=st.integers(0, 1))
    def commit(self, w: int) -> None:
        self.writers[w].commit()

    @rule(w=st.integers(0, 1), count=st.integers(1, 9))
    def whole_round(self, w: int, count: int) -> None:
        """All steps at once, so that long histories happen."""
        writer = self.writers[w]
        writer.read(count, 0, self.now)
        writer.begin_write(self.now)
        writer.land()
        writer.commit()

    @rule(
        w=st.integers(0, 1),
        mine=st.integers(1, 6),
        theirs=st.integers(1, 6),
        kinds=st.lists(KINDS, min_size=1, max_size=6),
        killed=st.integers(0, 4),
        first=st.booleans(),
    )
    def race(self, w: int, mine: int, theirs: int, kinds: list[str], killed: int, first: bool) -> None:
        """Both read from one position, cut differently and write; one is killed at some step, the other at none."""
        old, new = self.writers[w], self.writers[1 - w]
        self.produce(kinds, 1)
        if old.plan is None:
            old.join()
            old.commit()
        old.read(mine, 0, self.now)
        old.flush_read()
        old.begin_write(self.now)
        if killed == 0:
            old.crash()
        if first:
            old.put()
        if killed == 1:
            old.crash()
        new.join()
        new.commit()
        new.read(theirs, 0, self.now)
        new.flush_read()
        new.begin_write(self.now)
        if not first:
            old.put()
        if killed == 2:
            old.crash()
        new.land()
        if killed == 3:
            new.crash()
        old.land()
        old.commit()
        new.read(theirs, 0, self.now)
        new.commit()
        if killed == 4:
            new.crash()

    @rule(seconds=st.sampled_from([0.5, 6.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def tiles_never_overlap(self) -> None:
        check_tiles(self.world)

    def teardown(self) -> None:
        """Whatever happened, one writer that is left alone completes the archive."""
        last = Writer(self.world, LIMITS)
        for zombie in self.writers:  # what they had begun still happens, in the worst order
            zombie.put()
        last.join()
        for zombie in self.writers:
            zombie.land()
            zombie.commit()
        last.run_to_end(self.now)
        while last.stopped is not None:
            accept_gap(self.world, last.stopped)
            last.resolve()
            last.run_to_end(self.now)
        check_complete(self.world)


class Retention(Protocol):
    """Also: the log's beginning moves, also beyond what is archived; the group forgets its offsets."""

    @rule(share=st.floats(0, 1))
    def delete_old(self, share: float) -> None:
        self.world.low = max(self.world.low, int(len(self.world.log) * share))

    @rule()
    def forget_offsets(self) -> None:
        """Kafka forgets a group's offsets once it has been empty for a week, so no writer is left."""
        for writer in self.writers:
            writer.crash()
        self.world.generation += 1
        self.world.committed = None
        self.world.offsets_expired = True


Protocol.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
Retention.TestCase.settings = Protocol.TestCase.settings
TestProtocol = Protocol.TestCase
TestRetention = Retention.TestCase
