"""What is kept of a cronjob's runs: a JSON file beside the replica's, for the scheduler's next start and for people."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

_KEPT = 10
SUCCEEDED, FAILED, LATE, STOPPED, LOST = "succeeded", "failed", "deadline exceeded", "stopped", "lost"


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Attributes:
        scheduled: when it was due; seconds since the epoch. None for one that was asked for by hand.
        started: the same of its start.
        seconds: how long it took; None where nobody saw it end.
        outcome: succeeded, failed, deadline exceeded, stopped (with the instance), or lost (the scheduler was killed).
        exit_status: as a shell has it: 128 and the signal's number for one that a signal ended.
    """

    scheduled: float | None
    started: float
    seconds: float | None
    outcome: str
    exit_status: int | None


@dataclass
class Record:
    """A cronjob's memory.

    Attributes:
        schedule: what the times were computed of.
        since: times up to this one have been dealt with.
        next: the next time.
        running: the run in progress, as far as it is known.
        runs: the last ones, the latest at the end.
    """

    schedule: str
    since: float
    next: float | None = None
    running: Run | None = None
    runs: list[Run] = field(default_factory=list)

    def ended(self, run: Run) -> None:
        """Adds a run that has ended; the oldest one goes."""
        self.running = None
        self.runs = [*self.runs, run][-_KEPT:]


def read(path: Path) -> Record | None:
    """The record at ``path``; None where there is none, or none that can be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        running = Run(**data["running"]) if data["running"] else None
        runs = [Run(**item) for item in data["runs"]]
        return Record(data["schedule"], data["since"], data["next"], running, runs)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: Path, record: Record) -> None:
    """Replaces the file at once: what is half written is never read."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(asdict(record), stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
