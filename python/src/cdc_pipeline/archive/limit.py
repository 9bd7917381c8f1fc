"""An end for a call that has none of its own."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from cdc_pipeline.archive.log import LOGGER


@contextlib.contextmanager
def limit(seconds: float, what: str) -> Iterator[None]:
    """End the process, which its supervisor starts again, where what is done here takes longer than ``seconds``.

    For calls into libraries that no thread can interrupt. Nothing is lost: the archive may end between any two steps.
    """
    timer = threading.Timer(seconds, _end, [what, seconds])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(what: str, seconds: float) -> None:
    reason = f"{what} did not come back within {seconds:.0f} s; ended, to start over from what is committed"
    LOGGER.error("failed", extra={"reason": reason})
    os._exit(1)
