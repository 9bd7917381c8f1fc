"""What other threads want done in the loop's thread."""

from __future__ import annotations

import queue
from collections.abc import Callable
from functools import partial


class Actions:
    """They are done in the order in which they came."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def put(self, action: Callable[[], None]) -> None:
        """Have it done. Called from any thread."""
        self._queue.put(action)

    def end(self, error: BaseException) -> None:
        """Raise in the loop's thread what another thread met, so that it ends the process."""
        self._queue.put(partial(_raise, error))

    def run(self) -> None:
        """Do all that are there. Called by the loop alone."""
        while True:
            try:
                action = self._queue.get_nowait()
            except queue.Empty:
                return
            action()


def _raise(error: BaseException) -> None:
    raise error
