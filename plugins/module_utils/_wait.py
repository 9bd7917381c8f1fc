# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waiting: a predicate and a monotonic deadline, never a blind sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Deadline:
    """A point on the monotonic clock.

    :param seconds: how far away it is; 0 has passed already.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self._clock())

    @property
    def expired(self) -> bool:
        return self.remaining <= 0.0


def wait_for(
    probe: Callable[[], T | None],
    deadline: Deadline,
    *,
    interval: float = 0.1,
    slowest: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> T | None:
    """Call `probe` until it gives something other than None.

    :param interval: seconds before the second call; grows by half up to `slowest`.
    :returns: what the probe gave, or None when the deadline passed first. The probe is called at least once.
    """
    while True:
        found = probe()
        if found is not None:
            return found
        if deadline.expired:
            return None
        sleep(min(interval, deadline.remaining))
        interval = min(interval * 1.5, slowest)
