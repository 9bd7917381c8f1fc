"""The state of an instance's processes, on a host or in a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from cdc_pipeline.trouble import Trouble


@dataclass(frozen=True)
class Row:
    """A process of a host or a pod.

    Attributes:
        state: as the supervisor or the cluster has it.
        ready: whether it passes its readiness probe.
        done: whether it has ended as it should, as a job does.
        since: seconds since the epoch at which it was started; None when it does not run.
        restarts: how often it has ended by itself, or was ended because it hung, since it was last set up.
        memory: bytes in use; None when they are not known.
        limit: bytes that it may use at most; None without a limit.
        place: the process id on a host, the node in a cluster.
        detail: what is wrong with it, or what its probe found.
    """

    name: str
    component: str
    state: str
    ready: bool
    since: float | None = None
    restarts: int = 0
    memory: int | None = None
    limit: int | None = None
    place: str = ""
    detail: str = ""
    done: bool = False

    @property
    def up(self) -> bool:
        return self.ready or self.done

    def document(self) -> dict[str, Any]:
        """As in the output of `cdc status --json`."""
        since = None if self.since is None else datetime.fromtimestamp(self.since, UTC).isoformat(timespec="seconds")
        renamed = {"memory_bytes": self.memory, "memory_limit_bytes": self.limit, "since": since, "up": self.up}
        kept = {key: value for key, value in asdict(self).items() if key not in ("memory", "limit", "done")}
        return {**kept, **renamed}


@dataclass(frozen=True)
class Stuck:
    """What a process or pod, by its name, says is stuck."""

    process: str
    component: str
    trouble: Trouble

    def document(self) -> dict[str, Any]:
        """As in the output of `cdc status --json`."""
        return {"component": self.component, "process": self.process, **self.trouble.document()}


@dataclass(frozen=True)
class State:
    """The rows, and what they say is stuck.

    Attributes:
        heading: what the rows are of, and how that is, in a line.
        runs: whether what starts them works.
        notes: what explains what looks like trouble, or why a pod cannot be asked for it, a sentence each.
    """

    heading: str
    rows: Sequence[Row]
    runs: bool = True
    stuck: Sequence[Stuck] = ()
    notes: Sequence[str] = ()

    @property
    def up(self) -> bool:
        """Whether every process is, and nothing is stuck."""
        return self.runs and bool(self.rows) and all(row.up for row in self.rows) and not self.stuck
