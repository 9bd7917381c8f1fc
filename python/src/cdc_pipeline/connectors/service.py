"""The service: looks at all connectors every few seconds, and restarts what has failed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, PlatformCollector, ProcessCollector

from cdc_pipeline.connectors.restarts import Restarts
from cdc_pipeline.connectors.workers import Failure, Workers, WorkersError

LOGGER = logging.getLogger("cdc-connectors")
EVERY_SECONDS = 2.0
_STUCK_SECONDS = 120.0


class Service:
    """Runs until `stop`.

    Args:
        every: seconds between two looks.
        clock: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        workers: Workers,
        restarts: Restarts,
        every: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workers, self._restarts, self._every, self._clock = workers, restarts, every, clock
        self._ended = threading.Event()
        self._looked = clock()
        self._known: set[Failure] = set()
        self._away, self._said_away = "Kafka Connect was not asked yet", False
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._restarted = Counter(
            "cdc_connectors_restarts", "Restarts of what had failed of a connector", ("connector",), registry=registry
        )
        self._failed = Gauge("cdc_connectors_failed", "Connectors and tasks that have failed", registry=registry)
        self._reached = Gauge(
            "cdc_connectors_connect_up", "Whether a worker of Kafka Connect answers", registry=registry
        )

    def run(self) -> None:
        """Look, act, wait."""
        while not self._ended.is_set():
            self.look()
            self._looked = self._clock()
            self._ended.wait(self._every)

    def stop(self) -> None:
        """End `run` soon."""
        self._ended.set()

    def alive(self) -> bool:
        """Whether it still looks."""
        return self._clock() - self._looked < _STUCK_SECONDS

    def not_ready(self) -> list[str]:
        """Why the connectors may yet come to run; empty when they do, or when restarts do not help.

        What is wrong for good is not this service's state; metrics, log and verification tell of it.
        """
        hopeful = [failure for failure in self._known if self._restarts.hopeful(failure.connector)]
        named = sorted(f"{failure.name}: {failure.cause}" for failure in hopeful)
        return [self._away] if self._away else named

    def look(self) -> None:
        """Once; what is away is looked for again the next time."""
        problem = ""
        try:
            failures = self._workers.failures()
            self._say_failed(set(failures))
            for name in self._restarts.due({failure.connector for failure in failures}, self._clock()):
                # One that cannot be restarted does not keep the others from it.
                problem = self._restart(name) or problem
        except WorkersError as error:
            problem = str(error)
        self._say_reached(problem)

    def _restart(self, name: str) -> str:
        """Why it could not be done, if so."""
        try:
            self._workers.restart_failed(name)
        except WorkersError as error:
            return str(error)
        self._restarts.restarted(name, self._clock())
        self._restarted.labels(name).inc()
        LOGGER.info("restarted", extra={"connector": name})
        return ""

    def _say_reached(self, problem: str) -> None:
        self._reached.set(not problem)
        if bool(problem) != self._said_away:
            if problem:
                LOGGER.warning("Kafka Connect does not do what it is asked", extra={"reason": problem})
            else:
                LOGGER.info("Kafka Connect answers again")
        self._away, self._said_away = problem, bool(problem)

    def _say_failed(self, failures: set[Failure]) -> None:
        self._failed.set(len(failures))
        for failure in sorted(failures - self._known, key=lambda each: (each.connector, each.task or -1)):
            LOGGER.warning(
                "failed", extra={"connector": failure.connector, "task": failure.task, "reason": failure.cause}
            )
        self._known = failures
