# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The runs of a job or cronjob, as both runtimes show them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

SUCCEEDED = "succeeded"


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Attributes:
        started: such as 2026-05-01T03:00:00Z.
        seconds: how long it took; None where nobody saw it end.
        outcome: succeeded, or what became of it.
        exit_status: of its process; None where that is not known.
    """

    started: str
    seconds: float | None
    outcome: str
    exit_status: int | None

    def document(self) -> dict[str, Any]:
        """A part of a module's result."""
        return asdict(self)


def moment(seconds: float) -> str:
    """Seconds since the epoch as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_of(data: Mapping[str, Any]) -> Run:
    """A run of the record that cdc-cron keeps."""
    return Run(moment(data["started"]), data["seconds"], data["outcome"], data["exit_status"])


def sentence(run: Run | None) -> str:
    """What became of the last run, for people."""
    if run is None:
        return "no run yet"
    took = f", took {run.seconds:.0f} s" if run.seconds is not None else ""
    if run.outcome == SUCCEEDED:
        return f"last ok {run.started}{took}"
    status = f" (exit status {run.exit_status})" if run.exit_status is not None else ""
    return f"last {run.outcome.upper()}{status} {run.started}{took}"
