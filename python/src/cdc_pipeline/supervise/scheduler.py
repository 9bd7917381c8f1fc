"""One cronjob from one look to the next: whether a run starts, how long it may take, what became of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from cdc_pipeline.supervise import runs
from cdc_pipeline.supervise.replica import Cron, Replica, read_replica
from cdc_pipeline.supervise.runs import Record, Run
from cdc_pipeline.supervise.schedule import due, following

# A change of the definition, or of the clock, is noticed within this time.
_LONGEST_PAUSE = 10.0
_SIGNALLED = 128


class Child(Protocol):
    """A run's process and all that it started."""

    def ended(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs. What it left behind is killed."""

    def send(self, number: int) -> None:
        """Sends a signal to the process."""

    def kill(self) -> None:
        """Kills the process and all that it started."""


class Group:
    """A process with a group of its own, started by cdc-run."""

    def __init__(self, file: Path) -> None:
        self._process = subprocess.Popen(
            [str(Path(sys.argv[0]).with_name("cdc-run")), str(file)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            process_group=0,
            # The scheduler waits for signals and so blocks them, which a process would inherit.
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ()),
        )

    def ended(self) -> int | None:
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        if os.waitid(os.P_PID, self._process.pid, flags) is None:
            return None
        # As long as the process has not been waited for, nobody else gets its number.
        self.kill()
        return self._process.wait()

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


class Scheduler:
    """Looks after one cronjob.

    Args:
        file: the replica's file. Beside it lie its record (.runs), and the mark that its definition is complete
            (.applied), without which nothing starts.
        launch: starts a run.
        clock: seconds since the epoch.
        ticks: seconds on a clock that never jumps.
        outdated: whether this program has been replaced by a new version.
    """

    def __init__(
        self,
        file: Path,
        log: Callable[[str], None],
        launch: Callable[[Path], Child] = Group,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        outdated: Callable[[], bool] = lambda: False,
    ) -> None:
        self._file, self._log, self._launch = file, log, launch
        self._clock, self._ticks, self._outdated = clock, ticks, outdated
        self._memory = file.with_suffix(".runs")
        self._complete = file.with_suffix(".applied")
        self._child: Child | None = None
        self._replica: Replica | None = None
        self._began = 0.0
        self._asked: tuple[float, str] | None = None
        self._stopping = False
        self._by_hand = False
        self._said = ""
        self._record = runs.read(self._memory)
        if self._record is not None and self._record.running is not None:
            self._log("the last run was lost: nobody saw it end")
            self._record.ended(replace(self._record.running, outcome=runs.LOST))
            self._write()

    def stop(self) -> None:
        """Nothing starts any more; a run in progress is asked to stop."""
        self._stopping = True

    def run_now(self) -> None:
        """A run starts now, unless one is in progress."""
        if self._child is not None:
            self._log("a run was asked for, but one is in progress")
        else:
            self._by_hand = True

    def step(self) -> float | None:
        """One look at everything. Seconds until the next one; None when there is nothing more to do.

        Raises:
            cronsim.CronSimError: the schedule cannot be read.
        """
        if self._child is not None:
            self._look_after(self._child)
        if self._child is not None:
            return self._until_intervention()
        if self._stopping or self._outdated():
            return None
        return self._wait_or_start()

    def _wait_or_start(self) -> float:
        replica = self._definition()
        if replica is None or replica.cron is None:
            return _LONGEST_PAUSE
        now = self._clock()
        record = self._remembered(replica.cron, now)
        scheduled = due(replica.cron.schedule, record.since, now, replica.cron.starting_deadline_seconds)
        if scheduled is None and not self._by_hand:
            next_time = following(replica.cron.schedule, record.since, now)
            if next_time != record.next:
                record.next = next_time
                self._write()
            return max(0.0, min(next_time - now, _LONGEST_PAUSE))
        self._start(replica, record, scheduled, now)
        return self._until_intervention()

    def _definition(self) -> Replica | None:
        """None while it is not complete: a run of half a definition would do nobody knows what."""
        try:
            if self._complete.exists():
                replica = read_replica(self._file)
                self._said = ""
                return replica
            said = "its definition is not complete; nothing starts until the playbook has run to its end"
        except (OSError, ValueError) as error:
            said = str(error)
        if said != self._said:
            self._log(said)
            self._said = said
        return None

    def _remembered(self, cron: Cron, now: float) -> Record:
        if self._record is None or self._record.schedule != cron.schedule:
            # Times of a new schedule that are over were never waited for.
            known = self._record.runs if self._record else []
            self._record = Record(cron.schedule, now, runs=known)
            self._write()
        return self._record

    def _start(self, replica: Replica, record: Record, scheduled: float | None, now: float) -> None:
        self._by_hand = False
        # Before the run itself: should all end here, it is not started a second time.
        if scheduled is not None:
            record.since = scheduled
        record.next = following(replica.cron.schedule, record.since, now) if replica.cron else None
        record.running = Run(scheduled, now, None, "running", None)
        self._write()
        self._log("run by hand starts" if scheduled is None else f"run of {shown(scheduled)} starts")
        self._replica, self._began, self._asked = replica, self._ticks(), None
        self._child = self._launch(self._file)

    def _look_after(self, child: Child) -> None:
        status = child.ended()
        if status is not None:
            self._finish(status)
            return
        now = self._ticks()
        if self._asked is None:
            if self._stopping:
                self._ask(child, runs.STOPPED, "the run is asked to stop")
            elif now >= self._began + self._deadline():
                self._ask(child, runs.LATE, f"the run has taken {self._deadline():.0f} s, its deadline; stopping it")
        elif now >= self._asked[0] + self._grace():
            self._log(f"the run did not stop within {self._grace():.0f} s; killing it")
            child.kill()

    def _ask(self, child: Child, outcome: str, why: str) -> None:
        self._log(why)
        self._asked = (self._ticks(), outcome)
        child.send(signal.Signals[f"SIG{self._replica.start.stop_signal if self._replica else 'TERM'}"])

    def _finish(self, status: int) -> None:
        self._child = None
        seconds = round(self._ticks() - self._began, 1)
        code = status if status >= 0 else _SIGNALLED - status
        outcome = self._asked[1] if self._asked else runs.FAILED if status else runs.SUCCEEDED
        self._log(f"run {outcome} after {seconds:g} s (exit status {code})")
        if self._record is not None and self._record.running is not None:
            run = replace(self._record.running, seconds=seconds, outcome=outcome, exit_status=code)
            self._record.ended(run)
            self._write()

    def _deadline(self) -> float:
        cron = self._replica.cron if self._replica else None
        return cron.deadline_seconds if cron and cron.deadline_seconds else float("inf")

    def _grace(self) -> float:
        return self._replica.stop_grace if self._replica else 0.0

    def _until_intervention(self) -> float:
        """Seconds until the run in progress has to be asked to stop, or killed. Its end is told by a signal."""
        end = self._asked[0] + self._grace() if self._asked else self._began + self._deadline()
        return max(0.05, min(end - self._ticks(), _LONGEST_PAUSE))

    def _write(self) -> None:
        if self._record is not None:
            runs.write(self._memory, self._record)


def shown(seconds: float) -> str:
    """A time for people."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
