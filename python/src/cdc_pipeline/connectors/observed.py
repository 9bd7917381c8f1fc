"""What the service sees at one look: connectors in Kafka Connect, the slot in PostgreSQL, and the stored position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RUNNING = "RUNNING"
FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Part:
    """A connector's own state, or that of a task. ``cause``: of a failure, in one line."""

    state: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Connector:
    """``tasks``: by their number."""

    own: Part
    tasks: Mapping[int, Part] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether it and all its tasks are said to run."""
        return self.own.state == RUNNING and bool(self.tasks) and all(t.state == RUNNING for t in self.tasks.values())


@dataclass(frozen=True, slots=True)
class Holder:
    """The client that reads a slot. ``own``: whether it is Debezium, signed in as the CDC role."""

    pid: int
    user: str
    application: str
    own: bool

    def __str__(self) -> str:
        return f"process {self.pid} of PostgreSQL (user {self.user or '?'}, application {self.application or '?'})"


@dataclass(frozen=True, slots=True)
class Slot:
    """A row of pg_replication_slots. Positions in the WAL (LSN) are numbers of bytes.

    Attributes:
        status: ``wal_status``: reserved, extended, unreserved, lost, or empty where there is none.
        confirmed: up to where the client has everything; None while the slot is being made.
        kept: from where on WAL is kept for it; None once it is lost.
        safe: bytes of WAL that may still be written until it can be lost; None where it cannot, or is.
        decoding: whether the server reads WAL for its client at this moment, rather than waits for either.
    """

    active: bool
    status: str
    confirmed: int | None
    kept: int | None
    safe: int | None = None
    holder: Holder | None = None
    decoding: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """What PostgreSQL says.

    Attributes:
        slot: None where there is none of that name.
        end: of the WAL.
        limit: max_slot_wal_keep_size in bytes; None for no limit.
        snapshot: when the transaction began by which Debezium takes its first snapshot, in seconds since the epoch, by
            PostgreSQL's clock; None when there is none.
    """

    slot: Slot | None
    end: int
    limit: int | None = None
    snapshot: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """All of one look.

    Attributes:
        at: seconds of a clock that never goes back.
        connectors: by name; None where no worker answers.
        source: None where PostgreSQL does not answer, or is not looked at.
        position: the connector's stored offset as Kafka Connect shows it, where it was asked for.
        connect_problem: why no worker answers, if so.
        source_problem: why PostgreSQL does not, if so.
        waits: why this service itself has paused the connector that reads the slot, if so.
    """

    at: float
    connectors: Mapping[str, Connector] | None
    source: Source | None = None
    position: str | None = None
    connect_problem: str = ""
    source_problem: str = ""
    waits: str = ""


def lsn(position: int) -> str:
    """A position in the WAL as PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
