"""`cdc-prober`: the supervisor's event listener that fixes what the supervisor itself does not.

supervisord restarts a process that ends. It does not see one that hangs, gives up on one that fails often, and does
not survive its own death. This listener restarts what fails its liveness probe, starts again what was given up, with
a growing but capped delay, and starts supervisord again where no systemd does it.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from cdc_pipeline.supervise.mending import Mender
from cdc_pipeline.supervise.rpc import Supervisor

_REVIVE_PAUSE = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Runs until supervisord closes the connection or sends SIGTERM."""
    parser = argparse.ArgumentParser(prog="cdc-prober", description="Mends the processes of a pipeline instance.")
    parser.add_argument("--home", type=Path, required=True, help="the instance's home")
    parser.add_argument("--socket", type=Path, required=True, help="supervisord's unix socket")
    options = parser.parse_args(arguments)
    # An orderly stop: end at once and do not bring supervisord back.
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(0))
    control = options.home / "supervisor"
    mender = Mender(control / "replicas", Supervisor(options.socket), log)
    ticks = threading.Event()
    threading.Thread(target=_mend, args=(mender, ticks), daemon=True).start()
    log("started")
    _listen(ticks)
    _own_log(options.home / "log" / "cdc-prober.log")
    log("supervisord has gone without saying goodbye")
    _revive(control)
    return 0


def log(message: str) -> None:
    """One line with the time, to stderr: stdout belongs to the supervisor's protocol."""
    print(time.strftime("%Y-%m-%dT%H:%M:%S%z"), message, file=sys.stderr, flush=True)


def _own_log(path: Path) -> None:
    """From here on writes to the log itself: stderr was a pipe to supervisord, and nobody reads it any more."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    os.dup2(descriptor, sys.stderr.fileno())
    os.close(descriptor)


def _listen(ticks: threading.Event) -> None:
    """Speaks the event listener's protocol (http://supervisord.org/events.html) until the other end closes."""
    while True:
        try:
            sys.stdout.write("READY\n")
            sys.stdout.flush()
            header = sys.stdin.readline()
            if not header:
                return
            fields = dict(field.split(":", 1) for field in header.split())
            sys.stdin.read(int(fields["len"]))
            ticks.set()
            sys.stdout.write("RESULT 2\nOK")
            sys.stdout.flush()
        except BrokenPipeError:
            return


def _mend(mender: Mender, ticks: threading.Event) -> None:
    # In a thread of its own, so that a slow probe never lets the supervisor's events pile up.
    while True:
        ticks.wait()
        ticks.clear()
        try:
            mender.tick()
        except Exception as error:
            # One bad round (supervisord busy, a file just replaced) must not end the watch over everything else.
            log(f"this round failed: {type(error).__name__}: {error}")


def _revive(control: Path) -> None:
    """Starts supervisord again. Its processes end by themselves: they asked the kernel to tell them of its death."""
    if os.environ.get("INVOCATION_ID"):  # set by systemd, which restarts it
        return
    command = [str(control / "tools" / "supervisord"), "--configuration", str(control / "supervisord.conf")]
    time.sleep(_REVIVE_PAUSE)
    for _ in range(10):
        if not (control / "supervisord.conf").exists():
            return
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
        if done.returncode == 0:
            log("started supervisord again")
            return
        log("supervisord does not start: " + done.stderr.decode("utf-8", "replace").strip())
        time.sleep(3)


if __name__ == "__main__":
    sys.exit(main())
