"""What the service answers when it is asked whether it works, and which partitions do not. Deciding only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cdc_pipeline.archive.clients import Key


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a partition does not continue, and since when (Unix seconds)."""

    key: Key
    reason: str
    since: float

    def to_raw(self) -> dict[str, Any]:
        """As JSON has it."""
        since = dt.datetime.fromtimestamp(self.since, dt.UTC).isoformat(timespec="seconds")
        return {"topic": self.key[0], "partition": self.key[1], "reason": self.reason, "since": since}


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the instance as a whole works, why it does not, and which of its partitions do not."""

    reasons: tuple[str, ...]
    stopped: tuple[Trouble, ...] = ()
    waiting: tuple[Trouble, ...] = ()

    @property
    def ready(self) -> bool:
        return not self.reasons

    def to_raw(self) -> dict[str, Any]:
        """The lists that the answer shows."""
        return {
            "reasons": list(self.reasons),
            "stopped": [each.to_raw() for each in self.stopped],
            "waiting": [each.to_raw() for each in self.waiting],
        }


def judge(
    start: Sequence[str], assigned: int, store_up: bool, stopped: Sequence[Trouble], waiting: Sequence[Trouble]
) -> Readiness:
    """Partitions that stop or wait do not make an instance unready while others of it continue.

    Args:
        start: what is lacking before it can begin.
        assigned: how many partitions it has.
        store_up: whether the last request to the object store succeeded; without it, nothing is read.
    """
    reasons = list(start)
    idle = {each.key for each in (*stopped, *waiting)}
    if not reasons and idle and (not store_up or len(idle) >= assigned):
        reasons = sorted({each.reason for each in (*stopped, *waiting)})
    return Readiness(tuple(reasons), tuple(stopped), tuple(waiting))
