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


def wait_for_progress(
    read: Callable[[], Value], good: Callable[[Value], bool], seconds: float, most: float, pause: float = 0.5
) -> Value:
    """As :func:`wait_for`, but the time begins again whenever the value changes, up to ``most`` seconds in all."""
    end = time.monotonic() + most
    value = read()
    while not good(value) and time.monotonic() < end:
        before = value
        limit = min(seconds, end - time.monotonic())
        value = wait_for(read, lambda found, before=before: good(found) or found != before, limit, pause)
        if value == before:
            break
    return value
