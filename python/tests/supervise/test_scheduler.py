"""The scheduler's decisions, with a clock and processes of the test's own."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from cdc_pipeline.supervise import runs
from cdc_pipeline.supervise.scheduler import Scheduler

MIDNIGHT = 1_800_000_000 - 1_800_000_000 % 86400


class Process:
    """A run of the test's own."""

    def __init__(self, deaf: bool = False) -> None:
        self.status: int | None = None
        self.got: list[int] = []
        self.deaf = deaf

    def ended(self) -> int | None:
        return self.status

    def send(self, number: int) -> None:
        self.got.append(number)
        if not self.deaf:
            self.status = -number

    def kill(self) -> None:
        self.status = -signal.SIGKILL


class World:
    def __init__(self, write_replica) -> None:
        self.now = MIDNIGHT + 12 * 3600.0
        self.outdated = False
        self.deaf = False
        self.processes: list[Process] = []
        self.lines: list[str] = []
        self._write = write_replica
        self.define()
        self.file.with_suffix(".applied").write_text("digest\n")
        self.start()

    def define(self, schedule: str = "0 * * * *", **changes) -> None:
        cron = {"schedule": schedule, "deadline_seconds": None, "starting_deadline_seconds": None, **changes}
        self.file: Path = self._write(cron=cron, stop_grace=5, start={"stop_signal": "INT"})

    def start(self) -> None:
        self.scheduler = Scheduler(
            self.file,
            self.lines.append,
            self._launch,
            lambda: self.now,
            lambda: self.now,
            lambda: self.outdated,
        )

    def _launch(self, file: Path) -> Process:
        assert file == self.file and all(item.status is not None for item in self.processes), "two runs at once"
        self.processes.append(Process(self.deaf))
        return self.processes[-1]

    def step(self, seconds: float = 0.0) -> float | None:
        self.now += seconds
        return self.scheduler.step()

    @property
    def record(self) -> runs.Record:
        found = runs.read(self.file.with_suffix(".runs"))
        assert found is not None
        return found

    def outcomes(self) -> list[str]:
        return [item.outcome for item in self.record.runs]


@pytest.fixture
def world(write_replica):
    return World(write_replica)


def test_runs_when_its_time_comes_and_keeps_the_result(world):
    assert world.step() == 10.0 and not world.processes, "not at once: the time before the first look was never due"
    assert world.record.next == MIDNIGHT + 13 * 3600
    world.step(3600)
    assert len(world.processes) == 1 and world.record.running.scheduled == MIDNIGHT + 13 * 3600
    world.step(7)
    assert len(world.processes) == 1
    world.processes[0].status = 3
    world.step(2.5)
    (run,) = world.record.runs
    assert (run.outcome, run.exit_status, run.seconds) == ("failed", 3, 9.5)
    assert world.record.running is None and world.record.next == MIDNIGHT + 14 * 3600
    world.step(3600)
    world.processes[1].status = 0
    world.step(1)
    assert world.outcomes() == ["failed", "succeeded"]


def test_the_last_moment_before_a_time_is_waited_for_exactly(world):
    world.step()
    assert world.step(3597.5) == 2.5


def test_never_two_at_once(world):
    world.step()
    world.step(3600)
    for _ in range(4):
        world.step(3600)
    assert len(world.processes) == 1
    world.processes[0].status = 0
    world.step(60)
    assert len(world.processes) == 2, "what was missed meanwhile starts then, once"
    assert world.record.running.scheduled == MIDNIGHT + 17 * 3600


def test_what_was_missed_while_stopped_runs_once(world):
    world.step()
    world.scheduler.stop()
    assert world.step() is None
    world.now += 5 * 3600 + 60
    world.start()
    world.step()
    assert world.record.running.scheduled == MIDNIGHT + 17 * 3600
    world.processes[0].status = 0
    world.step(1)
    world.step(60)
    assert len(world.processes) == 1


def test_what_was_missed_too_long_ago_does_not_run(world):
    world.define(starting_deadline_seconds=30)
    world.step()
    world.now += 3600 + 31
    world.start()
    world.step()
    assert not world.processes
    world.step(3600 - 31 + 29)
    assert len(world.processes) == 1


def test_another_schedule_does_not_run_at_once(world):
    world.step()
    world.now += 1800
    # 12:15 is over.
    world.define("15 12 * * *")
    world.step()
    assert not world.processes and world.record.next == MIDNIGHT + 86400 + 12.25 * 3600


def test_nothing_starts_of_half_a_definition(world):
    world.step()
    mark = world.file.with_suffix(".applied")
    mark.unlink()
    world.step(3600)
    world.step(10)
    assert not world.processes
    assert world.lines == ["its definition is not complete; nothing starts until the playbook has run to its end"]
    mark.write_text("digest\n")
    world.step(10)
    assert len(world.processes) == 1


def test_a_deadline_stops_a_run_and_kills_it_at_last(world):
    world.define(deadline_seconds=60)
    world.deaf = True
    world.step()
    world.step(3600)
    assert world.step(55) == 5.0 and not world.processes[0].got
    assert world.step(5) == 5.0 and world.processes[0].got == [signal.SIGINT]
    world.step(5)
    world.step(1)
    (run,) = world.record.runs
    assert (run.outcome, run.exit_status) == ("deadline exceeded", 128 + signal.SIGKILL)


def test_a_stop_asks_the_run_first(world):
    world.step()
    world.step(3600)
    world.scheduler.stop()
    world.step()
    assert world.processes[0].got == [signal.SIGINT]
    assert world.step(1) is None and world.outcomes() == ["stopped"]
    world.start()
    world.step(10)
    assert len(world.processes) == 1, "a run that was stopped waits for the next time"


def test_a_killed_scheduler_does_not_start_its_run_a_second_time(world):
    world.step()
    world.step(3600)
    world.processes[0].status = -15
    world.start()
    world.step(5)
    assert world.outcomes() == ["lost"] and len(world.processes) == 1


def test_by_hand(world):
    world.step()
    world.scheduler.run_now()
    world.step()
    assert world.record.running.scheduled is None
    world.scheduler.run_now()
    assert world.lines[-1] == "a run was asked for, but one is in progress"
    world.processes[0].status = 0
    world.step(1)
    world.step(1)
    assert len(world.processes) == 1 and world.record.next == MIDNIGHT + 13 * 3600


def test_a_new_version_takes_over_between_two_runs(world):
    world.step()
    world.step(3600)
    world.outdated = True
    assert world.step(1) is not None
    world.processes[0].status = 0
    assert world.step(1) is None and world.outcomes() == ["succeeded"]


def test_only_the_last_runs_are_kept_and_a_damaged_record_begins_again(world):
    world.step()
    for _ in range(12):
        world.step(3600)
        world.processes[-1].status = 0
        world.step(1)
        world.now -= 1
    assert len(world.record.runs) == 10
    world.file.with_suffix(".runs").write_text("{half")
    world.start()
    world.step()
    assert len(world.processes) == 12 and world.record.runs == []
