# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waits for what a test expects."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

Value = TypeVar("Value")


def until(
    read: Callable[[], Value], good: Callable[[Value], Any], seconds: float, what: str, pause: float = 0.5
) -> Value:
    """The first value that is good; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = read()
        if good(value):
            return value
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s; last seen: {value}"
        time.sleep(pause)
