"""Waiting with a predicate and a monotonic deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def wait_for(read: Callable[[], Value], good: Callable[[Value], bool], seconds: float, pause: float = 0.1) -> Value:
    """The first value that is good, or the last one read when time is up; the caller judges it again."""
    deadline = time.monotonic() + seconds
    while True:
        value = read()
        if good(value) or time.monotonic() >= deadline:
            return value
        time.sleep(pause)
