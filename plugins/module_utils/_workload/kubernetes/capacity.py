# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What nodes have left for pods, against what pods ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._kubernetes.api import Api
from ..._kubernetes.faults import StatusError
from ..._units import cpu_millis, memory_bytes
from .manifests.labels import selector

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Amount:
    """Thousandths of a core, and bytes."""

    cpu: int = 0
    memory: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.cpu + other.cpu, self.memory + other.memory)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.cpu - other.cpu, self.memory - other.memory)

    def __str__(self) -> str:
        return f"{self.cpu}m CPU and {self.memory / 2**20:.0f}Mi of memory"


def requested(pod: Document) -> Amount:
    """What a pod asks for: the sum of its containers, or its largest init step if that is more."""
    spec = pod["spec"]
    total = sum((_requests(item) for item in spec.get("containers") or ()), Amount())
    first = [_requests(item) for item in spec.get("initContainers") or ()]
    return Amount(
        max([total.cpu, *(item.cpu for item in first)]), max([total.memory, *(item.memory for item in first)])
    )


def left(node: Document, pods: Sequence[Document]) -> Amount:
    """What a node has left beside ``pods``, of which those that are not its own or have ended do not count."""
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    taken = [
        requested(pod)
        for pod in pods
        if pod["spec"].get("nodeName") == node["metadata"]["name"]
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]
    return Amount(_cpu(allocatable.get("cpu")), _memory(allocatable.get("memory"))) - sum(taken, Amount())


def shortage(api: Api, workload: str) -> list[str]:
    """What one pod of ``workload`` asks for and what every node has left, in words; empty where we may not look."""
    try:
        nodes, pods = api.list("Node"), api.list("Pod", everywhere=True)
    except StatusError:
        return []
    own = [pod for pod in api.list("Pod", selector(workload)) if not pod["spec"].get("nodeName")]
    found = [f"{own[0]['metadata']['name']} asks for {requested(own[0])}"] if own else []
    for node in nodes:
        closed = ", accepts no new pods" if node["spec"].get("unschedulable") else ""
        found.append(f"node {node['metadata']['name']} has {left(node, pods)} left{closed}")
    return found


def _requests(container: Document) -> Amount:
    found = (container.get("resources") or {}).get("requests") or {}
    return Amount(_cpu(found.get("cpu")), _memory(found.get("memory")))


def _cpu(value: Any) -> int:
    try:
        return cpu_millis(value) if value is not None else 0
    except ValueError:
        return 0


def _memory(value: Any) -> int:
    try:
        return memory_bytes(value) if value is not None else 0
    except ValueError:
        return 0
