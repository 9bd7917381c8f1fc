"""What the prober does, tick by tick, with a clock of its own."""

from __future__ import annotations

import itertools
import signal
import time

import pytest
from cdc_pipeline.supervise.checks import Result
from cdc_pipeline.supervise.mending import Mender
from cdc_pipeline.supervise.rpc import Process

PROBE = {"exec": ["x"], "period_seconds": 5, "timeout_seconds": 1, "failure_threshold": 3}


class World:
    """A supervisor with one program, probes that are told what to find, and a clock."""

    def __init__(self, folder, write_replica, **changes):
        self.now = 1000.0
        self.process = Process("web-0", "RUNNING", 10, 0)
        self.healthy = True
        self.kills = []
        self.starts = []
        self.log = []
        write_replica(**{"probes": {"liveness": PROBE}, **changes})
        self.mender = Mender(
            folder,
            self,
            self.log.append,
            kill=lambda pid, number: self.kills.append((pid, number)),
            clock=lambda: self.now,
            probe=lambda replica, probe: Result(self.healthy, "told so"),
        )

    def processes(self):
        return {"web-0": self.process, "stranger": Process("stranger", "FATAL", 0, 0)}

    def start(self, name):
        self.starts.append((name, self.now))

    def ticks(self, count):
        for _ in range(count):
            self.mender.tick()
            # The probe runs in a thread; its result counts at the next tick.
            watch = self.mender._watches.get("web-0")
            deadline = time.monotonic() + 5
            while watch and watch.pending and not watch.pending.done():
                assert time.monotonic() < deadline
                time.sleep(0.001)
            self.now += 5

    def state(self, state, pid=0):
        self.process = Process("web-0", state, pid, 0)


@pytest.fixture
def world(tmp_path, write_replica):
    return lambda **changes: World(tmp_path, write_replica, **changes)


def test_leaves_a_healthy_process_alone(world):
    it = world()
    it.ticks(50)
    assert not it.kills and not it.starts and not it.log


def test_stops_a_hung_process_and_kills_it_when_it_does_not_end(world):
    it = world()
    it.ticks(3)
    it.healthy = False
    it.ticks(4)
    assert it.kills == [(10, signal.SIGTERM)]
    it.ticks(1)
    assert it.kills[-1] == (10, signal.SIGKILL)
    # Its successor starts with a clean slate.
    it.state("RUNNING", 11)
    it.healthy = True
    it.ticks(5)
    assert len(it.kills) == 2


def test_one_failure_is_none(world):
    it = world()
    it.ticks(3)
    for healthy in (False, False, True, False, False, True):
        it.healthy = healthy
        it.ticks(1)
    assert not it.kills and any("well again" in line for line in it.log)


def test_uses_the_stop_signal(world):
    it = world(start={"stop_signal": "INT"})
    it.ticks(2)
    it.healthy = False
    it.ticks(4)
    assert it.kills[0] == (10, signal.SIGINT)


def test_a_slow_start_is_no_hang(world):
    it = world(probes={"liveness": PROBE, "readiness": PROBE})
    it.healthy = False
    it.ticks(100)
    assert not it.kills
    it.healthy = True
    it.ticks(3)
    it.healthy = False
    it.ticks(5)
    assert it.kills


def test_a_startup_probe_limits_a_start(world):
    it = world(probes={"liveness": PROBE, "startup": {**PROBE, "failure_threshold": 6}})
    it.healthy = False
    it.ticks(6)
    assert not it.kills
    it.ticks(1)
    assert it.kills == [(10, signal.SIGTERM)]


def test_starts_again_what_was_given_up_later_and_later_but_never_later_than_half_a_minute(world):
    it = world()
    it.state("FATAL")
    it.ticks(60)
    times = [at for _, at in it.starts]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert times[0] <= 1010 and gaps == sorted(gaps) and 30 <= gaps[-1] <= 40
    # Once healthy for a while, the delay is short again.
    it.state("RUNNING", 12)
    it.ticks(30)
    it.state("FATAL")
    before = it.now
    it.ticks(3)
    assert it.starts[-1][1] - before <= 10


def test_what_was_stopped_on_purpose_stays_stopped(world):
    it = world()
    it.state("STOPPED")
    it.ticks(30)
    it.state("BACKOFF")
    it.ticks(5)
    assert not it.starts and not it.kills


def test_a_damaged_file_does_not_end_the_watch(world, tmp_path):
    it = world()
    (tmp_path / "web-0.json").write_text("{")
    it.ticks(2)
    assert any("web-0" in line for line in it.log) and not it.kills
    (tmp_path / "web-0.json").unlink()
    it.ticks(2)
