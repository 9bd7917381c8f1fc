"""Which replica needs what, from one tick to the next."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cdc_pipeline.supervise.checks import Result, check
from cdc_pipeline.supervise.replica import Replica, read_replica
from cdc_pipeline.supervise.rpc import Process, Supervisor

# A program that was given up is started again after 5, 10, 20, then every 30 seconds: it never waits longer than
# that for what it needs, and costs next to nothing while it does.
_FIRST_DELAY = 5.0
_LONGEST_DELAY = 30.0
# A program that ran so long after a fix starts with the short delay again.
_HEALTHY_SECONDS = 120.0
_GIVEN_UP = ("FATAL", "EXITED", "UNKNOWN")
_PROBES_AT_ONCE = 8


@dataclass
class _Watch:
    """What is known of one replica; probes count for one process id only."""

    pid: int = 0
    up: bool = False
    failures: int = 0
    due: float = 0.0
    pending: Future[Result] | None = None
    kill_at: float | None = None
    delay: float = _FIRST_DELAY
    start_at: float | None = None
    alive_since: float = 0.0


class Mender:
    """Looks at every replica at each tick.

    Args:
        folder: the replicas' files.
        kill: sends a signal to a process id, as os.kill does.
        clock: seconds on a clock that never jumps.
    """

    def __init__(
        self,
        folder: Path,
        supervisor: Supervisor,
        log: Callable[[str], None],
        kill: Callable[[int, int], None] = os.kill,
        clock: Callable[[], float] = time.monotonic,
        probe: Callable[[Replica, dict], Result] = check,
    ) -> None:
        self._folder = folder
        self._supervisor = supervisor
        self._log = log
        self._kill = kill
        self._clock = clock
        self._probe = probe
        self._watches: dict[str, _Watch] = {}
        self._pool = ThreadPoolExecutor(_PROBES_AT_ONCE, thread_name_prefix="probe")

    def tick(self) -> None:
        """One look at everything. Probes run in the background; their results count at the next tick."""
        now = self._clock()
        for name, process in self._supervisor.processes().items():
            path = self._folder / f"{name}.json"
            if not path.exists():
                continue
            watch = self._watches.setdefault(name, _Watch())
            try:
                if process.state in _GIVEN_UP:
                    self._start_again(watch, process, now)
                elif process.state in ("RUNNING", "STARTING"):
                    self._look_after(watch, process, read_replica(path), now)
            except (OSError, ValueError) as error:
                self._log(f"{name}: {error}")

    def _start_again(self, watch: _Watch, process: Process, now: float) -> None:
        if watch.start_at is None:
            watch.start_at = now + watch.delay
            self._log(f"{process.name} is {process.state.lower()}; starting it again in {watch.delay:.0f} s")
            return
        if now >= watch.start_at:
            watch.start_at = None
            watch.delay = min(2 * watch.delay, _LONGEST_DELAY)
            self._supervisor.start(process.name)
            self._log(f"started {process.name} again")

    def _look_after(self, watch: _Watch, process: Process, replica: Replica, now: float) -> None:
        if process.pid != watch.pid:
            watch.pid, watch.up, watch.failures, watch.pending, watch.kill_at = process.pid, False, 0, None, None
            watch.due = watch.alive_since = now
            watch.start_at = None
        if now - watch.alive_since > _HEALTHY_SECONDS:
            watch.delay = _FIRST_DELAY
        if watch.kill_at is not None:
            if now >= watch.kill_at:
                self._log(f"{process.name} did not stop within {replica.stop_grace:.0f} s; killing it")
                self._signal(process.pid, signal.SIGKILL)
            return
        kind = "liveness"
        if not watch.up:
            # Until it is up, only the startup probe counts: a slow start is not a hang.
            kind = next((kind for kind in ("startup", "readiness") if kind in replica.probes), "liveness")
        probe = replica.probes.get(kind)
        if probe is None:
            return
        if watch.pending is not None and watch.pending.done():
            self._judge(watch, process, replica, kind, watch.pending.result(), now)
            watch.pending = None
        if watch.pending is None and watch.kill_at is None and now >= watch.due:
            probe = replica.probes.get("liveness") if watch.up else probe
            watch.due = now + float((probe or {}).get("period_seconds", 0))
            if probe is not None:
                watch.pending = self._pool.submit(self._probe, replica, dict(probe))

    def _judge(self, watch: _Watch, process: Process, replica: Replica, kind: str, result: Result, now: float) -> None:
        if result.ok:
            if watch.failures and watch.up:
                self._log(f"{process.name} is well again")
            watch.up, watch.failures = True, 0
            return
        watch.failures += 1
        if not watch.up and kind == "readiness":
            # Not being ready (a dependency is away) is no reason for a restart; only a startup probe sets a limit.
            return
        threshold = int(replica.probes[kind]["failure_threshold"])
        self._log(f"{process.name}: {kind} probe failed {watch.failures} of {threshold} times: {result.detail}")
        if watch.failures >= threshold:
            self._log(f"{process.name} hangs; stopping process {process.pid}, supervisord starts it again")
            watch.kill_at = now + replica.stop_grace
            self._signal(process.pid, signal.Signals[f"SIG{replica.start.stop_signal}"])

    def _signal(self, pid: int, number: int) -> None:
        # By process id and not through supervisord: it then sees an unexpected end and starts the process again,
        # even if this listener dies in the same moment.
        with contextlib.suppress(ProcessLookupError):
            self._kill(pid, number)
