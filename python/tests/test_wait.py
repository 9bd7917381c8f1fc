"""Waiting continues while there is progress, and ends without it."""

from __future__ import annotations

import itertools
import time

from cdc_pipeline.wait import wait_for_progress


def test_what_comes_slowly_is_waited_for():
    began = time.monotonic()

    def read() -> int:
        return int((time.monotonic() - began) / 0.2)

    assert wait_for_progress(read, lambda value: value >= 5, seconds=0.5, most=60, pause=0.01) == 5


def test_what_comes_no_more_is_not():
    values = itertools.chain([1, 2, 3], itertools.repeat(3))
    began = time.monotonic()
    assert wait_for_progress(lambda: next(values), lambda value: value > 3, seconds=0.3, most=60, pause=0.01) == 3
    assert time.monotonic() - began < 30


def test_what_never_ends_is_given_up():
    values = itertools.count()
    assert wait_for_progress(lambda: next(values), lambda value: value < 0, seconds=0.2, most=0.5, pause=0.01) > 1
