# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What to do about a cluster that is there, half there, or not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .._errors import RefusedError
from .wanted import Wanted, differences, unmapped


@dataclass(frozen=True)
class Node:
    """A container that is a node (or the load balancer before several control planes)."""

    name: str
    role: str
    running: bool
    address: str = ""


@dataclass(frozen=True)
class Found:
    """The cluster as it is.

    Attributes:
        record: what it was made of; None where it is not known to have been made to its end by this module.
        begun: this module began to make it, and did not come to the end.
    """

    nodes: Sequence[Node] = ()
    record: Mapping[str, Any] | None = None
    begun: bool = False

    @property
    def stopped(self) -> list[str]:
        """Nodes that do not run, in the order of the addresses they had.

        Containers get the lowest free address. Started in this order each gets its own again, which certificates and
        etcd rely on.
        """
        addresses = (self.record or {}).get("addresses", {})
        down = [node.name for node in self.nodes if not node.running]
        return sorted(down, key=lambda name: ([int(part) for part in addresses.get(name, "").split(".") if part], name))


@dataclass(frozen=True)
class Step:
    """``action``: what is done first. ``why``: for the result's ``actions``."""

    action: Literal["create", "replace", "start", "keep"]
    why: str = ""
    nodes: Sequence[str] = field(default=())


def decide_present(wanted: Wanted, found: Found, recreate: bool) -> Step:
    """
    Raises:
        RefusedError: it takes the removal of a cluster that may hold data.
    """
    name = wanted.name
    if not found.nodes:
        return Step("create", "there was none")
    if found.record is None:
        if found.begun:
            return Step("replace", "its creation was interrupted")
        if recreate:
            return Step("replace", "it was made by something else")
        raise _foreign(name)
    known = {key: found.record.get(key) for key in ("config", "image")}
    differing = differences(known, wanted.record())
    members = [node for node in found.nodes if node.role in ("control-plane", "worker")]
    if not differing and len(members) < wanted.nodes:
        differing = [f"nodes: {len(members)} are left of {wanted.nodes}"]
    if differing:
        if recreate:
            return Step("replace", f"it differed: {'; '.join(differing)}")
        raise RefusedError(
            f"The kind cluster {name} differs from its configuration, and kind can only recreate it",
            why="; ".join(differing),
            remedy="Keep the settings it was made with; or, if its contents may be removed, run again with recreate "
            "(cluster_recreate in the role), or remove it: playbooks/destroy.yml -e destroy_data=true",
            differences=differing,
        )
    if found.stopped:
        return Step("start", "nodes had stopped", found.stopped)
    return Step("keep")


def ports_missing(wanted: Wanted, found: Found, step: Step) -> list[int]:
    """Host ports that are wanted, and that the cluster does not have after ``step``: kind can add none to it."""
    if found.record is None or step.action in ("create", "replace"):
        return []
    return unmapped(found.record["config"], wanted.config)


def decide_absent(name: str, found: Found) -> bool:
    """Whether there is a cluster to remove.

    Raises:
        RefusedError: it was not made by this module.
    """
    if found.nodes and found.record is None and not found.begun:
        raise _foreign(name)
    return bool(found.nodes)


def _foreign(name: str) -> RefusedError:
    return RefusedError(
        f"The kind cluster {name} was not created by this collection",
        remedy=f"Choose another name (cdc_instance in the role), or remove it: kind delete cluster --name {name}",
    )
