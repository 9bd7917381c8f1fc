"""The service: looks at all connectors every few seconds, restarts what has failed or hangs, and says what is stuck."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from cdc_pipeline.connectors.judge import Judge
from cdc_pipeline.connectors.metrics import Metrics
from cdc_pipeline.connectors.observed import Connector, Seen, Source, lsn
from cdc_pipeline.connectors.restarts import Restarts
from cdc_pipeline.connectors.workers import Failure, Workers, WorkersError, failures
from cdc_pipeline.trouble import Trouble, plain, stamp

LOGGER = logging.getLogger("cdc-connectors")
EVERY_SECONDS = 2.0
_HANGS_SECONDS = 120.0


class Watch(Protocol):
    """Looks at PostgreSQL."""

    def latest(self) -> tuple[Source | None, str]:
        """What was seen last, or why nothing is."""


class Service:
    """Runs until `stop`.

    Args:
        restarts: of what has failed.
        judge: of what is stuck.
        source: looks at PostgreSQL; None where nobody does.
        hung: restarts of what runs and makes no progress; None for none.
        every: seconds between two looks.
        clock: seconds of a clock that never goes back.

    Attributes:
        waits: says why this process itself has paused the connector that reads the slot; nothing where it has not.
    """

    def __init__(
        self,
        workers: Workers,
        restarts: Restarts,
        judge: Judge,
        source: Watch | None = None,
        hung: Restarts | None = None,
        every: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workers, self._restarts, self._judge, self._source, self._hung = workers, restarts, judge, source, hung
        self._every, self._clock = every, clock
        self.waits: Callable[[], str] = str
        self._ended = threading.Event()
        self._looked = clock()
        self._known: set[Failure] = set()
        self._away, self._said_away = "Kafka Connect was not asked yet", False
        self._seen: Seen | None = None
        self._troubles: tuple[Trouble, ...] = ()
        self._position: str | None = None
        self.metrics = Metrics(source is not None)

    @property
    def registry(self) -> CollectorRegistry:
        return self.metrics.registry

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
        return self._clock() - self._looked < _HANGS_SECONDS

    def not_ready(self) -> list[str]:
        """Why the connectors may yet come to run; empty when they do, or when restarts do not help.

        What is wrong for good is not this service's state: `troubles` says it, beside this.
        """
        hopeful = [failure for failure in self._known if self._restarts.hopeful(failure.connector)]
        named = sorted(f"{failure.name}: {failure.cause}" for failure in hopeful)
        return [self._away] if self._away else named

    def troubles(self) -> list[dict[str, Any]]:
        """What is stuck, since when, why, and what to do."""
        return [each.document() for each in self._troubles]

    def notes(self) -> list[str]:
        """What explains a slot and an offset that stand still, and is no trouble."""
        snapshot = self._seen.source.snapshot if self._seen and self._seen.source else None
        return [f"the first snapshot runs since {stamp(snapshot)}"] if snapshot is not None else []

    def status(self) -> dict[str, Any]:
        """All that was seen at the last look."""
        seen, progressed = self._seen, self._judge.progressed()
        return {
            "troubles": self.troubles(),
            "notes": self.notes(),
            "connectors": _states((seen.connectors if seen else None) or {}),
            "slot": _slot(seen.source if seen else None),
            "progressed": stamp(None if progressed is None else self._wall(progressed)),
            "snapshot_since": stamp(seen.source.snapshot if seen and seen.source else None),
            "position": self._position,
        }

    def look(self) -> None:
        """Once; what is away is looked for again the next time."""
        connectors, problem = self._connectors()
        now = self._clock()
        position = self._ask_position(connectors) if connectors is not None and self._judge.asks_position(now) else None
        source, source_problem = self._source.latest() if self._source else (None, "")
        failed = failures(connectors) if connectors is not None else []
        due = self._restarts.due({failure.connector for failure in failed}, now)
        self._note(failed)
        self._seen = Seen(now, connectors, source, position, plain(problem), source_problem, self.waits())
        troubles = self._judge.see(self._seen, self._restarts.repeats())
        self._note_progress(connectors or {})
        self._say_troubles(troubles)
        if connectors is not None:
            self._say_failed(set(failed))
            problem = self._act(due, troubles)
        self._say_reached(problem)
        self.metrics.show(self._seen, self._troubles, self._wall_or_none(self._judge.progressed()), not problem)

    def _connectors(self) -> tuple[Mapping[str, Connector] | None, str]:
        try:
            return self._workers.connectors(), ""
        except WorkersError as error:
            return None, str(error)

    def _ask_position(self, names: Iterable[str]) -> str | None:
        """The stored offset of the connector that reads the slot, if it is one of these; None where there is none."""
        cdc = self._judge.expected.cdc
        if cdc not in names:
            return None
        try:
            self._position = self._workers.position(cdc)
        except WorkersError:
            return None
        return self._position

    def _note(self, failed: Iterable[Failure]) -> None:
        """What the last restart of each connector has led to."""
        causes: dict[str, list[str]] = {}
        for failure in failed:
            causes.setdefault(failure.connector, []).append(failure.cause)
        for name, each in causes.items():
            if self._restarts.unjudged(name):
                # Of one connector alone, since each answer may take its time.
                self._restarts.failed(name, "; ".join(sorted(set(each))), self._ask_position({name}))

    def _note_progress(self, connectors: Mapping[str, Connector]) -> None:
        cdc, progressed = self._judge.expected.cdc, self._judge.progressed()
        if progressed is not None and cdc in connectors and connectors[cdc].runs:
            self._restarts.progressed(cdc, progressed)

    def _act(self, due: Iterable[str], troubles: Iterable[Trouble]) -> str:
        """Restart what is due; why something could not be, if so: it does not keep the others from it."""
        problem = ""
        for name in due:
            problem = self._restart(name, self._restarts, self._workers.restart_failed) or problem
        if self._hung is not None:
            stuck = {each.name for each in troubles if (each.what, each.state) == ("connector", "stuck")}
            for name in self._hung.due(stuck, self._clock()):
                problem = self._restart(name, self._hung, self._workers.restart) or problem
        return problem

    def _restart(self, name: str, restarts: Restarts, restart: Callable[[str], None]) -> str:
        """Why it could not be done, if so."""
        try:
            restart(name)
        except WorkersError as error:
            return str(error)
        restarts.restarted(name, self._clock())
        self.metrics.restarted.labels(name).inc()
        LOGGER.info("restarted", extra={"connector": name})
        return ""

    def _say_reached(self, problem: str) -> None:
        if bool(problem) != self._said_away:
            if problem:
                LOGGER.warning("Kafka Connect does not do what it is asked", extra={"reason": plain(problem)})
            else:
                LOGGER.info("Kafka Connect answers again")
        self._away, self._said_away = plain(problem), bool(problem)

    def _say_failed(self, found: set[Failure]) -> None:
        for failure in sorted(found - self._known, key=lambda each: (each.connector, each.task or -1)):
            LOGGER.warning(
                "failed", extra={"connector": failure.connector, "task": failure.task, "reason": failure.cause}
            )
        self._known = found

    def _say_troubles(self, troubles: Iterable[Trouble]) -> None:
        """A line for each that is new, and for each that is over. Failures have lines of their own."""
        now = {_key(each): each for each in troubles}
        before = {_key(each): each for each in self._troubles}
        for key, each in now.items():
            if key not in before and each.state != "failed":
                extra = {"what": each.what, "which": each.name, "reason": each.reason, "remedy": each.remedy}
                LOGGER.warning(each.state, extra=extra)
        for key, each in before.items():
            if key not in now and each.state != "failed":
                LOGGER.info("over", extra={"what": each.what, "which": each.name, "state": each.state})
        # A time once given stays the same, however the two clocks run.
        self._troubles = tuple(
            dataclasses.replace(each, since=before[key].since if key in before else self._wall_or_none(each.since))
            for key, each in now.items()
        )

    def _wall(self, at: float) -> float:
        """A time of this service's clock in seconds since the epoch."""
        return time.time() - (self._clock() - at)

    def _wall_or_none(self, at: float | None) -> float | None:
        return None if at is None else self._wall(at)


def _key(trouble: Trouble) -> tuple[str, str, str]:
    return trouble.what, trouble.name, trouble.state


def _states(connectors: Mapping[str, Connector]) -> dict[str, Any]:
    return {
        name: {"state": each.own.state, "tasks": {str(id): task.state for id, task in each.tasks.items()}}
        for name, each in connectors.items()
    }


def _slot(source: Source | None) -> dict[str, Any] | None:
    if source is None or source.slot is None:
        return None
    slot = source.slot
    return {
        "active": slot.active,
        "wal_status": slot.status,
        "confirmed_flush_lsn": None if slot.confirmed is None else lsn(slot.confirmed),
        "restart_lsn": None if slot.kept is None else lsn(slot.kept),
        "retained_bytes": None if slot.kept is None else source.end - slot.kept,
        "safe_wal_bytes": slot.safe,
        "read_by": None if slot.holder is None else str(slot.holder),
    }
