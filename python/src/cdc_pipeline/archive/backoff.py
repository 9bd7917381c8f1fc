"""Growing, jittered waits between attempts."""

from __future__ import annotations

import random


class Backoff:
    """From a tenth of a second, doubling, to ``most`` seconds; each wait is between half and all of that."""

    def __init__(self, most: float, first: float = 0.1) -> None:
        self._first = self._next = min(first, most)
        self._most = most

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        wait, self._next = self._next, min(self._next * 2, self._most)
        return wait * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It worked: the next failure waits briefly again."""
        self._next = self._first
