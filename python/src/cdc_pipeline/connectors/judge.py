"""What is stuck, of what was seen look by look. It asks nobody, and knows no clock but that of the looks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cdc_pipeline.connectors.observed import FAILED, RUNNING, Connector, Seen, Slot, Source, lsn
from cdc_pipeline.connectors.restarts import Repeat
from cdc_pipeline.trouble import Trouble

# After a longer pause between two looks, the service itself was stopped: that time says nothing of the pipeline.
_HELD_UP_SECONDS = 30.0
_MEBIBYTE = 1024**2
_TAG = "run the tag connectors"
_PAGE = "docs/troubleshooting.md"
# Left until the slot can be lost, as a part of what may be kept.
_FILLING = 0.2
_OF_CONNECT = ("connector", "task")
_OF_SOURCE = ("slot",)


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be there.

    Attributes:
        names: of connectors.
        cdc: the one of them that reads ``slot``.
        slot: its replication slot; empty where PostgreSQL is not looked at.
        heartbeat: whether the connector writes to the WAL itself again and again, so that its slot advances always.
    """

    names: tuple[str, ...] = ()
    cdc: str = ""
    slot: str = ""
    heartbeat: bool = True


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that something must last until it is said.

    Attributes:
        stuck: without progress while there is something to read.
        settle: a connector that is absent, paused or stopped, as while it is being changed.
        task: a task that no worker runs, as while tasks are moved between workers.
        inactive: a slot that nobody reads, as while the connector signs in again.
        occupied: a slot that somebody else reads.
        away: a server that does not answer.
    """

    stuck: float = 300.0
    settle: float = 30.0
    task: float = 60.0
    inactive: float = 60.0
    occupied: float = 30.0
    away: float = 60.0


@dataclass(frozen=True, slots=True)
class _Found:
    """Something of one look; it is a trouble once it has lasted for ``grace`` seconds. ``since``: where it is known."""

    what: str
    name: str
    state: str
    grace: float
    reason: str
    remedy: str
    since: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.what, self.name, self.state


@dataclass(slots=True)
class _Held:
    """``since``: when it was first found, without a pause since. ``said``: whether it has become a trouble."""

    found: _Found
    since: float
    said: bool = False

    def trouble(self) -> Trouble:
        found = self.found
        return Trouble(found.what, found.name, found.state, self.since, found.reason, found.remedy)


class Judge:
    """Given every look in turn, it says what is stuck after each.

    What cannot be seen, since a server does not answer, is as it was; and the time meanwhile does not count.

    Attributes:
        expected: what must be there.
    """

    def __init__(self, expected: Expected, patience: Patience | None = None) -> None:
        self.expected, self._patience = expected, patience or Patience()
        self._held: dict[tuple[str, str, str], _Held] = {}
        self._progress = _Progress(expected, self._patience)

    def see(self, seen: Seen, repeats: Mapping[str, Repeat] | None = None) -> list[Trouble]:
        """What is stuck, with times of the clock of ``seen.at``.

        Args:
            repeats: connectors that fail in the same way again and again.
        """
        found = list(self._find(seen, repeats or {}))
        unseen = (_OF_CONNECT if seen.connectors is None else ()) + (_OF_SOURCE if seen.source is None else ())
        found += [each.found for each in self._held.values() if each.said and each.found.what in unseen]
        held = {}
        for each in found:
            known = self._held.get(each.key)
            since = each.since if each.since is not None else known.since if known else seen.at
            held[each.key] = _Held(each, since, seen.at - since >= each.grace or bool(known and known.said))
        self._held = held
        return [each.trouble() for each in held.values() if each.said]

    def progressed(self) -> float | None:
        """When the slot or the stored position was last seen to move, by the clock of the looks."""
        return self._progress.moved

    def asks_position(self, at: float) -> bool:
        """Whether the next look should hold the stored position: the slot alone does not show progress."""
        return self._progress.asks(at)

    def _find(self, seen: Seen, repeats: Mapping[str, Repeat]) -> Iterator[_Found]:
        away = self._patience.away
        if seen.connectors is None and seen.connect_problem:
            remedy = "See the status and the log of kafka-connect."
            yield _Found("kafka-connect", "workers", "unreachable", away, seen.connect_problem, remedy)
        if seen.source is None and seen.source_problem:
            remedy = "See the status and the log of PostgreSQL; what changes meanwhile is captured later."
            yield _Found("postgresql", "server", "unreachable", away, seen.source_problem, remedy)
        if seen.connectors is not None:
            yield from self._connectors(seen.connectors, seen, repeats)
        if seen.source is not None and self.expected.slot:
            yield from self._slot(seen.connectors, seen.source)
        yield from self._progress.see(seen)

    # --- connectors and tasks

    def _connectors(
        self, connectors: Mapping[str, Connector], seen: Seen, repeats: Mapping[str, Repeat]
    ) -> Iterator[_Found]:
        for name in self.expected.names:
            if name not in connectors:
                reason = "Kafka Connect has no such connector, or no worker has taken it"
                yield _Found("connector", name, "absent", self._patience.settle, reason, f"Make it again: {_TAG}.")
        for name, connector in connectors.items():
            if name in repeats:
                yield _failing(name, repeats[name], seen.source if name == self.expected.cdc else None)
            else:
                yield from _failed(name, connector)
            # What others run, they may stop.
            if name in self.expected.names:
                yield from self._halted(name, connector, seen.waits if name == self.expected.cdc else "")

    def _halted(self, name: str, connector: Connector, waits: str) -> Iterator[_Found]:
        """Of a connector that has not failed, but does not run."""
        state = connector.own.state
        if state == "PAUSED" and waits:
            yield _Found("connector", name, "waiting", 0.0, waits, f"It resumes by itself; see {_PAGE}, `waiting`.")
            return
        if state in ("PAUSED", "STOPPED"):
            reason = f"somebody has {state.lower()} it; Kafka Connect runs no task of it"
            remedy = f"Resume it: PUT /connectors/{name}/resume of Kafka Connect, or {_TAG}."
            yield _Found("connector", name, state.lower(), self._patience.settle, reason, remedy)
            return
        remedy = f"See the log of kafka-connect; restart it: POST /connectors/{name}/restart?includeTasks=true."
        parts = {("connector", name): connector.own}
        parts |= {("task", f"{name} {number}"): task for number, task in connector.tasks.items()}
        for (what, which), part in parts.items():
            if part.state not in (RUNNING, FAILED):
                reason = f"its state is {part.state}: no worker runs it"
                yield _Found(what, which, "unassigned", self._patience.task, reason, remedy)
        if state == RUNNING and not connector.tasks:
            yield _Found("connector", name, "no_task", self._patience.task, "it runs, but has no task", remedy)

    # --- the slot

    def _slot(self, connectors: Mapping[str, Connector] | None, source: Source) -> Iterator[_Found]:
        name, slot = self.expected.slot, source.slot
        cdc = (connectors or {}).get(self.expected.cdc)
        # Nobody reads it while the connector does not run, which is said of that, or takes its first snapshot.
        reads = cdc is not None and cdc.runs and source.snapshot is None
        if slot is None:
            if reads:
                remedy = f"See {_PAGE}, `slot absent`."
                reason = f"the connector {self.expected.cdc} runs, but PostgreSQL has no slot of this name"
                yield _Found("slot", name, "absent", self._patience.inactive, reason, remedy)
            return
        if slot.status == "lost":
            yield _lost(name, slot, source)
            return
        if slot.status == "unreserved" or _filling(slot, source):
            yield _wal_filling(name, slot, source)
        if slot.confirmed is None:
            reason = "PostgreSQL waits, before the slot can be read, for transactions that ran when it was made"
            remedy = "End old transactions, also prepared ones: see pg_stat_activity and pg_prepared_xacts."
            yield _Found("slot", name, "stuck", self._patience.stuck, reason, remedy)
        elif slot.active and slot.holder is not None and not slot.holder.own:
            reason = f"another client reads it: {slot.holder}; what it confirms is lost to the connector"
            end = f"SELECT pg_terminate_backend({slot.holder.pid})"
            remedy = f"End that client: {end}; each pipeline needs its own slot."
            yield _Found("slot", name, "slot_occupied", self._patience.occupied, reason, remedy)
        elif not slot.active and reads:
            reason = f"the connector {self.expected.cdc} runs, but does not read it; it stands at {lsn(slot.confirmed)}"
            remedy = "See the log of kafka-connect for why it cannot sign in or stream."
            yield _Found("slot", name, "slot_inactive", self._patience.inactive, reason, remedy)


def _failed(name: str, connector: Connector) -> Iterator[_Found]:
    remedy = f"It is restarted. If that does not help, remove the cause and {_TAG}; see {_PAGE}, `failed`."
    if connector.own.state == FAILED:
        yield _Found("connector", name, "failed", 0.0, connector.own.cause, remedy)
    for number, task in connector.tasks.items():
        if task.state == FAILED:
            yield _Found("task", f"{name} {number}", "failed", 0.0, task.cause, remedy)


def _failing(name: str, repeat: Repeat, source: Source | None) -> _Found:
    at = _place(repeat.position) or (
        f" (the slot stands at {lsn(source.slot.confirmed)})"
        if source and source.slot and source.slot.confirmed is not None
        else ""
    )
    how = "in the same way" if repeat.position is None else "in the same way at the same position"
    reason = f"failed {repeat.times} times {how}{at}: {repeat.cause}"
    remedy = (
        f"Restarts do not help, and come every {repeat.pause:.0f} s. Remove the cause, then {_TAG}, which restarts it "
        f"at once; see {_PAGE}, `failing`."
    )
    return _Found("connector", name, "failing", 0.0, reason, remedy)


def _place(position: str | None) -> str:
    """Where an offset of Debezium's is in the WAL; nothing for another one."""
    try:
        number = next(each["offset"]["lsn"] for each in json.loads(position or "[]") if each["offset"].get("lsn"))
        return f" (after LSN {lsn(int(number))})"
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration):
        return ""


def _lost(name: str, slot: Slot, source: Source) -> _Found:
    limit = f" of {_size(source.limit)}" if source.limit is not None else ""
    at = f" after {lsn(slot.confirmed)}" if slot.confirmed is not None else ""
    reason = (
        f"PostgreSQL has removed WAL that was not read, beyond max_slot_wal_keep_size{limit}; "
        f"changes{at} are not captured"
    )
    remedy = f"Make a new slot and take a snapshot: see {_PAGE}, `slot_lost`."
    return _Found("slot", name, "slot_lost", 0.0, reason, remedy)


def _filling(slot: Slot, source: Source) -> bool:
    return slot.safe is not None and source.limit is not None and slot.safe < source.limit * _FILLING


def _wal_filling(name: str, slot: Slot, source: Source) -> _Found:
    held = f"it holds {_size(source.end - slot.kept)} of WAL" if slot.kept is not None else "it holds much WAL"
    limit = f", of {_size(source.limit)} at most" if source.limit is not None else ""
    left = "; it may be lost any moment" if slot.safe is None else f"; after {_size(max(slot.safe, 0))} more it is lost"
    remedy = "See what holds the connector up, and raise max_slot_wal_keep_size until it has caught up."
    return _Found("slot", name, "wal_filling", 0.0, held + limit + left, remedy)


def _size(amount: int) -> str:
    return f"{amount / _MEBIBYTE:.0f} MiB"


class _Progress:
    """Whether what PostgreSQL has arrives in Kafka.

    The connector confirms to the slot what it has committed to Kafka, with its offset. So the slot shows the whole way,
    except for the length of one transaction, within which the stored offset alone moves. While the server still
    decodes, as after a long transaction, the connector has nothing yet.
    """

    def __init__(self, expected: Expected, patience: Patience) -> None:
        self._expected, self._patience = expected, patience
        self._confirmed: int | None = None
        self._position: str | None = None
        self._last: float | None = None
        # Since when it could have moved and did not.
        self._counted: float | None = None
        self._asked: float | None = None
        self._said: _Found | None = None
        self.moved: float | None = None

    def see(self, seen: Seen) -> Iterator[_Found]:
        at, slot = seen.at, seen.source.slot if seen.source else None
        if self._last is None or at - self._last > _HELD_UP_SECONDS:
            self._counted = None
        self._last = at
        if self._moves(slot, seen.position):
            self.moved, self._counted, self._said, self._asked = at, None, None, None
        if seen.source is None or slot is None or slot.confirmed is None or not self._waits(seen, slot):
            self._counted = None
            if self._said and (seen.source is None or seen.connectors is None):
                yield self._said
            return
        self._counted = at if self._counted is None else self._counted
        if self._said or at - self._counted >= self._patience.stuck:
            self._said = self._stuck(slot.confirmed, seen.source)
            yield self._said

    def asks(self, at: float) -> bool:
        step = self._patience.stuck / 5
        if self._counted is None or at - self._counted < step or (self._asked is not None and at - self._asked < step):
            return False
        self._asked = at
        return True

    def _moves(self, slot: Slot | None, position: str | None) -> bool:
        confirmed = slot.confirmed if slot else None
        known, before = self._confirmed, self._position
        self._confirmed = confirmed if confirmed is not None else known
        self._position = position if position is not None else before
        return (confirmed is not None and confirmed != known) or (
            position is not None and before is not None and position != before
        )

    def _waits(self, seen: Seen, slot: Slot) -> bool:
        """Whether the connector has something to read, and could."""
        cdc = (seen.connectors or {}).get(self._expected.cdc)
        source = seen.source
        return (
            self._expected.heartbeat
            and cdc is not None
            and cdc.runs
            and source is not None
            and source.snapshot is None
            and slot.status != "lost"
            and slot.active
            and (slot.holder is None or slot.holder.own)
            and slot.confirmed is not None
            and slot.confirmed < source.end
            and not slot.decoding
        )

    def _stuck(self, confirmed: int, source: Source) -> _Found:
        reason = (
            f"RUNNING, but nothing more of what PostgreSQL has comes to Kafka: the slot {self._expected.slot} stands "
            f"at {lsn(confirmed)}, {_size(source.end - confirmed)} of WAL wait"
        )
        remedy = (
            "It is restarted, again and again with growing pauses. See the log of kafka-connect for what it waits "
            f"for, and {_PAGE}, `stuck`."
        )
        return _Found("connector", self._expected.cdc, "stuck", 0.0, reason, remedy, self.moved)
