"""Ends a process when the one that started it ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_EXIT_TEMPORARY = 75  # EX_TEMPFAIL of sysexits.h


def control_process() -> Callable[..., int] | None:
    """The function prctl(2). It is loaded as root: the services' user may not be able to read this Python's library."""
    try:
        import ctypes

        return ctypes.CDLL(None, use_errno=True).prctl
    except (ImportError, OSError, AttributeError):
        return None


def die_with_parent(prctl: Callable[..., int] | None, stop_signal: str, parent: int, tool: str) -> None:
    """Asks the kernel to stop this process when its parent dies, or nobody would watch it any more.

    A change of user clears that wish, so it comes after.

    Args:
        stop_signal: without the SIG.
        parent: the parent's process id, as it was when this process started.
        tool: who speaks where it does not work.
    """
    if prctl is None or prctl(_SET_PARENT_DEATH_SIGNAL, signal.Signals[f"SIG{stop_signal}"].value, 0, 0, 0) != 0:
        _say(tool, "this process will outlive its supervisor: prctl(PR_SET_PDEATHSIG) is not available")
    if os.getppid() != parent:
        _say(tool, "the supervisor ended while this process started")
        sys.exit(_EXIT_TEMPORARY)


def _say(tool: str, message: str) -> None:
    print(f"{tool}: {message}", file=sys.stderr, flush=True)
