# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Connectors: the steps from what is there to what is wanted. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from .._errors import InvalidError
from .client import Connector


class Step(enum.Enum):
    """One request that changes a connector."""

    CREATE = "create"
    UPDATE = "update"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    RESTART_FAILED = "restart_failed"
    DELETE = "delete"


class Verdict(enum.Enum):
    """How far a connector has come."""

    REACHED = "reached"
    IDLE = "idle"  # runs, and has no task
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True)
class Wanted:
    """A connector as it was asked for.

    :param state: running, paused, stopped or absent.
    :param config: complete, as strings; None leaves it as it is.
    :param restart_failed: whether what failed is restarted.
    """

    name: str
    state: str
    config: Mapping[str, str] | None = None
    restart_failed: bool = True


# (state found, state wanted) -> step. What is not listed needs none: it is there already, or comes by itself.
TRANSITIONS: dict[tuple[str, str], Step] = {
    ("RUNNING", "paused"): Step.PAUSE,
    ("RUNNING", "stopped"): Step.STOP,
    ("PAUSED", "running"): Step.RESUME,
    ("PAUSED", "stopped"): Step.STOP,
    ("STOPPED", "running"): Step.RESUME,
    ("STOPPED", "paused"): Step.PAUSE,
    ("FAILED", "paused"): Step.PAUSE,
    ("FAILED", "stopped"): Step.STOP,
    ("UNASSIGNED", "paused"): Step.PAUSE,
    ("UNASSIGNED", "stopped"): Step.STOP,
    ("RESTARTING", "paused"): Step.PAUSE,
    ("RESTARTING", "stopped"): Step.STOP,
}


def plan(current: Connector | None, wanted: Wanted) -> list[Step]:
    """The steps, in order.

    :raises InvalidError: when a connector is to be created without a configuration.
    """
    if wanted.state == "absent":
        return [] if current is None else [Step.DELETE]
    if current is None:
        if wanted.config is None:
            raise InvalidError(
                f"There is no connector {wanted.name}, and no configuration to create it with",
                where="option config",
                remedy="state config, or correct the name",
            )
        return [Step.CREATE]
    steps = []
    if wanted.config is not None and dict(wanted.config) != dict(current.config):
        steps.append(Step.UPDATE)
    transition = TRANSITIONS.get((current.state, wanted.state))
    if transition is not None:
        steps.append(transition)
    # Connect leaves failed tasks as they are, also when the configuration changes.
    if wanted.state == "running" and current.failures and wanted.restart_failed:
        steps.append(Step.RESTART_FAILED)
    return steps


def judge(current: Connector | None, state: str) -> Verdict:
    """Whether `current` is in the wanted `state`."""
    if state == "absent":
        return Verdict.REACHED if current is None else Verdict.PENDING
    if current is None:
        return Verdict.PENDING
    states = {task.state for task in current.tasks}
    if state == "stopped":
        return Verdict.REACHED if current.state == "STOPPED" and not states else Verdict.PENDING
    if state == "paused":
        # Tasks that had failed before stay so: a paused connector is not asked to work.
        return Verdict.REACHED if current.state == "PAUSED" and states <= {"PAUSED", "FAILED"} else Verdict.PENDING
    if current.failures:
        return Verdict.FAILED
    if current.state != "RUNNING" or not states <= {"RUNNING"}:
        return Verdict.PENDING
    return Verdict.REACHED if states else Verdict.IDLE
