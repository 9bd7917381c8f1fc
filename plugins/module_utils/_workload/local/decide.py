# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What has to be done to each replica: a pure comparison of what is and what ought to be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..._disk import Difference
from .plan import ReplicaPlan
from .supervisor import Process

KEEP, START, RESTART = "keep", "start", "restart"
_SECTION = re.compile(r"^\[program:([^\]]+)\]$", re.MULTILINE)


@dataclass(frozen=True)
class Observed:
    """One replica as it is found.

    Attributes:
        process: None where the supervisor does not know it.
        applied: digest that the process was started with; None where no start was completed.
        section_changed: whether the supervisor's section of it has to change.
    """

    process: Process | None
    applied: str | None
    differences: tuple[Difference, ...]
    section_changed: bool = False


@dataclass(frozen=True)
class Decision:
    """What to do to a replica, and why, in words."""

    replica: ReplicaPlan
    action: str
    reasons: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def changes(self) -> bool:
        return self.action != KEEP or bool(self.differences)


def decide(replica: ReplicaPlan, observed: Observed, restart_wanted: bool = False, rereads: bool = False) -> Decision:
    """The decision for one replica.

    Args:
        rereads: its process reads what it runs each time (a cronjob's), so that a change takes no restart.

    A process restarts when what it reads at its start differs from what it was started with: the digest says so, or
    a file was altered by hand (then nobody knows what the process has read).
    """
    edited = [item for item in observed.differences if item.restarts]
    reasons = [_difference(item) for item in observed.differences]
    process = observed.process
    if process is None:
        return Decision(replica, START, ("is not set up yet", *reasons), observed.differences)
    if not process.alive:
        return Decision(replica, START, (f"is {process.state.lower()}", *reasons), observed.differences)
    if observed.applied is None:
        reasons.append("its last start was not completed")
    elif observed.applied != replica.digest and not edited:
        reasons.append("its command or environment changed")
    if observed.section_changed:
        reasons.append("its supervision changed")
    if restart_wanted:
        reasons.append("a restart was asked for")
    outdated = bool(edited) or observed.applied != replica.digest
    needed = (outdated and not rereads) or observed.section_changed or restart_wanted
    return Decision(replica, RESTART if needed else KEEP, tuple(reasons), observed.differences)


def sections(text: str) -> dict[str, str]:
    """The supervisor's sections in ``text`` by program."""
    parts = _SECTION.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def surplus(name: str, known: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Names of replicas of the workload ``name`` among ``known`` that are no longer wanted."""
    pattern = re.compile(re.escape(name) + r"-\d+")
    return sorted(item for item in set(known) - set(wanted) if pattern.fullmatch(item))


def replicas_of(name: str, processes: Mapping[str, Process]) -> list[str]:
    """Names of the workload's replicas that the supervisor knows."""
    return surplus(name, processes, ())


def _difference(item: Difference) -> str:
    name = "/".join(item.path.parts[-2:])
    if item.attributes:
        return f"{name} has {item.attributes[0]} instead of {item.attributes[1]}"
    if item.before is None:
        return f"{name} is missing"
    return f"{name} is not wanted" if item.after is None else f"{name} differs"
