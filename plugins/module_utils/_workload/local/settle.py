# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waits until every process of an instance is ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._errors import DeadlineError
from ..._wait import Deadline, wait_for
from .layout import Instance
from .status import status


def wait_all_ready(
    instance: Instance, seconds: float, look: Callable[[Instance], tuple[bool, list[dict[str, Any]]]] = status
) -> None:
    """Waits until the readiness probes of all replicas succeed; at once where there are none. Jobs have no part in it.

    Args:
        look: gives whether the supervisor runs, and a row for each replica.

    Raises:
        DeadlineError: with each replica that is not ready, and why.
    """
    rows: list[dict[str, Any]] = []

    def all_ready() -> bool | None:
        nonlocal rows
        rows = look(instance)[1]
        return all(map(_settled, rows)) or None

    if wait_for(all_ready, Deadline(seconds), slowest=2.0):
        return
    late = [row for row in rows if not _settled(row)]
    raise DeadlineError(
        f"{', '.join(row['name'] for row in late)} of the instance {instance.name} not ready after {seconds:.0f} s",
        where=late[0]["log"],
        why="; ".join(f"{row['name']} ({row['state']}): {row['detail']}" for row in late),
        remedy="see the logs, such as `make logs`, fix the cause and run again",
    )


def _settled(row: dict[str, Any]) -> bool:
    """A job that has not succeeded is run by the playbook, not by the start of an instance."""
    return row["ready"] or row.get("kind") == "job"
