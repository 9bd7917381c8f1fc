# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which pod a forwarded connection goes to. Pure.

The services have this file, too, by a link: it imports nothing of either side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]


def is_ready(pod: Document) -> bool:
    """Whether a pod takes requests, and stays."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return not is_going(pod) and any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def is_going(pod: Document) -> bool:
    """Whether a pod has been told to end."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def choose(pods: Sequence[Document], workload: str, ordinal: int | None) -> str | None:
    """The pod of a workload's ordinal; without one a pod that is ready, or at least runs."""
    running = [item for item in pods if (item.get("status") or {}).get("phase") == "Running" and not is_going(item)]
    names = [item["metadata"]["name"] for item in sorted(running, key=is_ready, reverse=True)]
    exact = f"{workload}-{ordinal}"
    if ordinal is not None and exact in names:
        return exact
    # A deployment's only pod has a name of its own.
    own = [name for name in names if not _of_a_set(name, workload)]
    if ordinal not in (None, 0):
        return None
    return (own or names if ordinal is None else own or [None])[0] if names else None


def _of_a_set(name: str, workload: str) -> bool:
    return name.removeprefix(f"{workload}-").isdigit()
