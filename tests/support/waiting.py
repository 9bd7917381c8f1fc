# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waits for what a test expects."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any, TypeVar

Value = TypeVar("Value")


def until(
    read: Callable[[], Value], good: Callable[[Value], Any], seconds: float, what: str, pause: float = 0.5
) -> Value:
    """The first value that is good; fails when there is none in time."""
    value, is_good = _wait(read, good, seconds, pause)
    assert is_good, f"{what}: not within {seconds:.0f} s; last seen: {value}"
    return value


def wait(read: Callable[[], Value], good: Callable[[Value], Any], seconds: float, pause: float = 0.5) -> Value:
    """The first value that is good, or the last one when there is none in time."""
    return _wait(read, good, seconds, pause)[0]


def while_it_runs(run: subprocess.Popen[str], good: Callable[[], Any], seconds: float, what: str) -> None:
    """Wait for what a run brings about; fails with what it printed when it ends before."""

    def holds() -> bool:
        ended = run.poll() is not None
        found = bool(good())
        assert found or not ended, f"{what}: the run ended before; it printed:\n{run.communicate()[0][-6000:]}"
        return found

    until(holds, bool, seconds, what, 0.1)


def _wait(read: Callable[[], Value], good: Callable[[Value], Any], seconds: float, pause: float) -> tuple[Value, bool]:
    deadline = time.monotonic() + seconds
    while True:
        value = read()
        if good(value):
            return value, True
        if time.monotonic() >= deadline:
            return value, False
        time.sleep(pause)
