"""`cdc-run FILE`: becomes the process of a replica.

It sets what the process cannot set for itself (memory bound, limits, user, environment), then executes it, so the
process keeps this one's id and the supervisor's signals reach it. `cdc-run FILE --step NAME` becomes a one-shot step.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import sys
import time

from cdc_pipeline.supervise.cgroup import bound_for, enter
from cdc_pipeline.supervise.parent import control_process, die_with_parent
from cdc_pipeline.supervise.replica import Start, identity, read_replica

# A predecessor that was told to stop gets this long to let go of its data.
_LOCK_SECONDS = 30.0
# A broker keeps every segment and index open; the usual default of 1024 does not suffice for one.
_OPEN_FILES = 65536
_EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h
_EXIT_TEMPORARY = 75  # EX_TEMPFAIL


def main(arguments: list[str] | None = None) -> int:
    """Never returns when all is well. Otherwise prints why and gives the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    step = None
    if len(arguments) == 3 and arguments[1] == "--step":
        step = arguments.pop()
        arguments.pop()
    if len(arguments) != 1:
        return _fail("usage: cdc-run FILE [--step NAME]", _EXIT_CONFIGURATION)
    parent = os.getppid()
    try:
        replica = read_replica(arguments[0])
        command = replica.start.command if step is None else replica.steps[step]
        who = identity(replica.start.user)
    except (OSError, ValueError, KeyError) as error:
        return _fail(f"cannot start: {error}", _EXIT_CONFIGURATION)
    if not _lock(replica.start, replica.name):
        return _EXIT_TEMPORARY
    _bound_memory(replica.instance, replica.name, replica.start)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_OPEN_FILES, hard), hard))
    prctl = control_process()
    try:
        if who is not None:
            os.setgroups(who.groups)
            os.setgid(who.gid)
            os.setuid(who.uid)
        os.umask(0o027)
        os.chdir(replica.start.cwd)
    except OSError as error:
        return _fail(f"cannot start {replica.name}: {error}", _EXIT_CONFIGURATION)
    die_with_parent(prctl, replica.start.stop_signal, parent, "cdc-run")
    # Python ignores these two; a program expects the default.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), dict(replica.start.env))
    except OSError as error:
        status = 127 if error.errno == errno.ENOENT else 126
        return _fail(f"cannot execute {command[0]}: {error.strerror}", status)


def _fail(message: str, status: int) -> int:
    print(f"cdc-run: {message}", file=sys.stderr, flush=True)
    return status


def _lock(start: Start, name: str) -> bool:
    """Locks the replica for the life of the process: the descriptor is inherited and closes when the last holder ends.

    It keeps a second process off the data when a supervisor was killed and its successor starts while the old
    processes still stop.
    """
    descriptor = os.open(start.lock, os.O_RDWR | os.O_CREAT, 0o600)
    end = time.monotonic() + _LOCK_SECONDS
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if not told:
                _fail(f"an earlier process of {name} has not ended yet; waiting up to {_LOCK_SECONDS:.0f} s", 0)
                told = True
            if time.monotonic() > end:
                _fail(f"an earlier process of {name} still runs; find it with: fuser -v {start.lock}", 0)
                return False
            time.sleep(0.1)
    os.set_inheritable(descriptor, True)
    return True


def _bound_memory(instance: str, name: str, start: Start) -> None:
    if not start.memory_bytes:
        return
    try:
        bound = bound_for(instance, name)
        if bound is not None:
            enter(bound, start.memory_bytes)
    except OSError as error:
        # A container without a writable control group: the process's own bound (-Xmx, shared_buffers) has to do.
        _fail(f"no memory bound for {name}, the control group is not writable: {error}", 0)


if __name__ == "__main__":
    sys.exit(main())
