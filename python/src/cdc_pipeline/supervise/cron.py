"""`cdc-cron FILE`: runs a cronjob's command, by cdc-run, when its time comes.

It is the cronjob's process for supervisord, which starts and stops it, keeps its log and that of its runs, and starts
it again should it end. SIGTERM stops a run in progress and ends it. SIGUSR1 starts a run now. SIGHUP makes it read its
definition at once, which it does by itself every ten seconds and before each run.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path

from cronsim import CronSimError

from cdc_pipeline.supervise.parent import control_process, die_with_parent
from cdc_pipeline.supervise.scheduler import Scheduler, shown

_STOP = (signal.SIGTERM, signal.SIGINT)
_HEARD = (*_STOP, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)
_EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h


def main(arguments: list[str] | None = None) -> int:
    """Runs until it is told to stop; status 0 then, 78 where the schedule cannot be read."""
    parent = os.getppid()
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        print("usage: cdc-cron FILE", file=sys.stderr)
        return _EXIT_CONFIGURATION
    die_with_parent(control_process(), "TERM", parent, "cdc-cron")
    # Of a supervisor that was killed, the predecessor may still wait for the end of its run.
    with Path(arguments[0]).with_suffix(".cron.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        return _run(Path(arguments[0]))


def _run(file: Path) -> int:
    version = _version()
    scheduler = Scheduler(file, log, outdated=lambda: _version() != version)
    try:
        while (pause := scheduler.step()) is not None:
            heard = signal.sigtimedwait(_HEARD, pause)
            if heard is not None and heard.si_signo in _STOP:
                scheduler.stop()
            elif heard is not None and heard.si_signo == signal.SIGUSR1:
                scheduler.run_now()
    except CronSimError as error:
        log(f"the schedule cannot be read: {error}")
        return _EXIT_CONFIGURATION
    return 0


def log(message: str) -> None:
    """One line with the time, among the output of the runs."""
    # Nobody reads it any more when the supervisor has been killed, and there still is a run to be stopped.
    with contextlib.suppress(OSError):
        print(f"{shown(time.time())} cdc-cron: {message}", flush=True)


def _version() -> float:
    """Changes when the tools are set up for a new version of the services."""
    try:
        return Path(sys.argv[0]).stat().st_mtime
    except OSError:
        return 0.0


if __name__ == "__main__":
    sys.exit(main())
