"""Requests to archive everything that is visible now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from cdc_pipeline.archive.actions import Actions
from cdc_pipeline.archive.clients import Cluster, Key
from cdc_pipeline.archive.errors import UnavailableError
from cdc_pipeline.archive.state import State

RETRY_SECONDS = 0.5
Answer = TypeVar("Answer")


def insist(ask: Callable[[], Answer], deadline: float, shutdown: threading.Event) -> Answer:
    """Ask again while brokers that change places do not answer, until ``deadline`` (monotonic seconds) or ``shutdown``.

    Raises:
        UnavailableError: the last answer.
    """
    while True:
        try:
            return ask()
        except UnavailableError:
            if time.monotonic() + RETRY_SECONDS >= deadline or shutdown.wait(RETRY_SECONDS):
                raise


class FlushRequest:
    """Made by an HTTP thread, worked on by the service's loop, which sets ``done``.

    ``targets``: per partition the offset below which everything is to be archived.
    """

    def __init__(self, targets: dict[Key, int]) -> None:
        self.targets = targets
        self.done = threading.Event()
        self.abandoned = False
        self._began = time.monotonic()
        self._reports: dict[Key, dict[str, Any]] = {}

    def report(
        self, key: Key, topic_id: str, position: int | None, done: bool, reason: str | None, stopped: bool = False
    ) -> None:
        """What is known of one partition."""
        self._reports[key] = {
            "topic": key[0],
            "topic_id": topic_id,
            "partition": key[1],
            "target": self.targets[key],
            "position": position,
            "done": done,
            "stopped": stopped,
            "reason": None if done else reason,
        }

    def advance(self, state: State) -> bool:
        """Cut what is to be cut, and report. Sets ``done`` and returns True when there is nothing left to wait for."""
        for key, target in self.targets.items():
            if (one := state.owned.get(key)) is not None and not one.plan.flushed(target):
                one.plan.flush(target)
        done = [self._advanced(key, target, state) for key, target in self.targets.items()]
        if all(done):
            self.done.set()
        return self.done.is_set()

    def _advanced(self, key: Key, target: int, state: State) -> bool:
        if (one := state.owned.get(key)) is not None:
            self.report(key, one.source.topic_id, one.plan.position, one.plan.flushed(target), one.wait)
            return one.plan.flushed(target) and not one.commit_first
        if (ended := state.stopped.get(key)) is not None:
            self.report(key, "", ended.stop.position, False, ended.stop.reason, stopped=True)
            return True
        reason, final = state.why_not_owned(key)
        self.report(key, "", None, False, reason)
        return final

    def result(self) -> dict[str, Any]:
        """The answer, as JSON will have it."""
        reports = [self._reports[k] for k in sorted(self._reports.copy())]
        complete = len(reports) == len(self.targets) and bool(reports)
        return {
            "ok": complete and all(r["done"] for r in reports),
            "finished": self.done.is_set(),
            "seconds": round(time.monotonic() - self._began, 3),
            "partitions": reports,
        }


class Flushes:
    """The requests of an instance."""

    def __init__(self, state: State, actions: Actions, cluster: Cluster, shutdown: threading.Event) -> None:
        self._state = state
        self._actions = actions
        self._cluster = cluster
        self._shutdown = shutdown
        self._requests: list[FlushRequest] = []

    def request(self, timeout: float) -> FlushRequest:
        """Cut now; returns when everything visible at this moment is archived, or after ``timeout`` seconds.

        Called from a thread of its own.
        """
        state, deadline = self._state, time.monotonic() + timeout
        self._actions.put(state.stopped.hasten)
        while not state.is_assigned() and time.monotonic() < deadline and not self._shutdown.is_set():
            time.sleep(0.05)
        targets: dict[Key, int] = {}
        if state.is_assigned():
            targets = insist(lambda: self._cluster.visible_ends(state.assigned.copy()), deadline, self._shutdown)
        request = FlushRequest(targets)
        self._actions.put(lambda: self._requests.append(request))
        request.done.wait(max(0.0, deadline - time.monotonic()))
        return request

    def advance(self) -> None:
        """Go on with all of them. Called by the loop."""
        for request in list(self._requests):
            if request.advance(self._state) or request.abandoned:
                self._requests.remove(request)

    def close(self) -> None:
        """Nobody is to wait any more."""
        for request in self._requests:
            request.done.set()
