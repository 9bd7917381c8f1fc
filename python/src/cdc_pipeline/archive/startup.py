"""What has to hold before the first record is read, tried until it does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cdc_pipeline.archive.backoff import Backoff
from cdc_pipeline.archive.errors import UnavailableError
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.transaction import AbortedError

Step = tuple[str, Callable[[], Any]]


@dataclass(slots=True)
class Startup:
    """The steps of a start.

    Attributes:
        waits: why the present step is tried again.
        beat: monotonic seconds of the last try.
    """

    steps: Sequence[Step]
    retry_seconds: float
    waits: str | None = None
    beat: float = 0.0

    def run(self, shutdown: threading.Event, metrics: Metrics) -> bool:
        """Take the steps in order, until all are done or ``shutdown`` is set. Returns whether all are.

        Raises:
            RefusedError: the surroundings cannot carry the protocol.
            FencedError: another process has this instance's transactional id.
        """
        for name, action in self.steps:
            backoff = Backoff(self.retry_seconds)
            while not shutdown.is_set():
                self.beat = time.monotonic()
                try:
                    action()
                    self.waits = None
                    break
                except (UnavailableError, AbortedError) as error:
                    wait = backoff.next()
                    self.waits = f"{name}: {error}"
                    metrics.retries.labels(name).inc()
                    LOGGER.warning("waiting", extra={"step": name, "reason": str(error), "retry_in": round(wait, 1)})
                    shutdown.wait(wait)
        return not shutdown.is_set()
