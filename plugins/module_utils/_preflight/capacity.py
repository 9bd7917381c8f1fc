# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a cluster's nodes have room for every workload. Pure: what the nodes have is read elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._problem import Problem

_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Node:
    """What a node has left for the pipeline.

    :param cpu: thousandths of a core.
    :param memory: bytes.
    :param why_not: why no pod of the pipeline can go there; "" where one can.
    """

    name: str
    cpu: int
    memory: int
    why_not: str = ""


@dataclass(frozen=True)
class Demand:
    """A workload's replicas, and what each of them requests: thousandths of a core, bytes."""

    name: str
    replicas: int
    cpu: int
    memory: int


def room(nodes: Sequence[Node], demands: Sequence[Demand], share: bool = False) -> Iterator[Problem]:
    """What stands in the way of the pipeline's pods.

    :param share: replicas of one workload may share a node.
    """
    usable = [node for node in nodes if not node.why_not]
    if not usable:
        yield Problem(
            "nodes",
            "No node accepts pods",
            found="; ".join(f"{node.name}: {node.why_not}" for node in nodes) or "there is no node",
            remedy="make a node Ready and schedulable (kubectl get nodes, kubectl uncordon)",
        )
        return
    apart = list(_apart(usable, nodes, demands)) if not share else []
    yield from apart
    lacking = list(_lacking(usable, demands))
    yield from lacking
    if not lacking and not apart:
        yield from _unplaced(usable, demands)


def _apart(usable: Sequence[Node], nodes: Sequence[Node], demands: Sequence[Demand]) -> Iterator[Problem]:
    for demand in demands:
        # Only a quorum is lost with a node that holds two of its members.
        if demand.name != "kafka" or demand.replicas <= len(usable):
            continue
        left_out = "; ".join(f"{node.name}: {node.why_not}" for node in nodes if node.why_not)
        yield Problem(
            "nodes",
            f"{demand.replicas} brokers need {demand.replicas} nodes, or the loss of one node stops Kafka",
            found=f"{len(usable)} nodes accept pods ({', '.join(node.name for node in usable)})"
            + (f"; not {left_out}" if left_out else ""),
            remedy="add nodes; or set preflight_brokers_share_nodes to true, which accepts that; "
            "or set kafka_replicas to 1 for a trial",
        )


def _lacking(nodes: Sequence[Node], demands: Sequence[Demand]) -> Iterator[Problem]:
    for what, kind in (("memory", "memory"), ("processor", "cpu")):
        wanted = sum(getattr(demand, kind) * demand.replicas for demand in demands)
        free = sum(max(0, getattr(node, kind)) for node in nodes)
        if wanted > free:
            each = ", ".join(
                f"{demand.name} {_amount(demand.replicas * getattr(demand, kind), kind)}" for demand in demands
            )
            left = ", ".join(f"{node.name} {_amount(getattr(node, kind), kind)}" for node in nodes)
            yield Problem(
                what,
                f"The nodes have too little {what} left for what the components request",
                found=f"{_amount(wanted, kind)} are requested ({each}); {_amount(free, kind)} are free ({left})",
                remedy=f"add nodes, end other pods (kubectl get pods -A), or lower the components' <role>_{kind}",
            )


def _unplaced(nodes: Sequence[Node], demands: Sequence[Demand]) -> Iterator[Problem]:
    """A pod that no order of placing finds room for, although the sum would be enough."""
    largest_first = sorted(demands, key=lambda demand: demand.memory, reverse=True)
    for order in (demands, largest_first):
        failed, spread = place(nodes, order)
        if not failed:
            return
    left = (f"{name} {_amount(cpu, 'cpu')}, {_amount(memory, 'memory')}" for name, (cpu, memory) in spread.items())
    yield Problem(
        "nodes",
        f"No node has room left for {failed.name}: {_amount(failed.memory, 'memory')} of memory and "
        f"{_amount(failed.cpu, 'cpu')} of processor each",
        found=f"free when the others are placed: {'; '.join(left)}",
        remedy="add a node or a larger one, end other pods (kubectl get pods -A), or lower the components' "
        "<role>_memory and <role>_cpu",
    )


def place(nodes: Sequence[Node], demands: Sequence[Demand]) -> tuple[Demand | None, Mapping[str, tuple[int, int]]]:
    """Place the pods as the scheduler would: replicas spread evenly, each on the emptiest node that has room.

    :returns: the first demand that does not fit, None when all do; and processor and memory left on each node.
    """
    free = {node.name: (node.cpu, node.memory) for node in nodes}
    for demand in demands:
        held = Counter(dict.fromkeys(free, 0))
        for _replica in range(demand.replicas):
            fewest = min(held.values())
            fitting = [
                name
                for name, (cpu, memory) in free.items()
                if held[name] == fewest and cpu >= demand.cpu and memory >= demand.memory
            ]
            if not fitting:
                return demand, free
            chosen = max(fitting, key=lambda name: (free[name][1], free[name][0]))
            held[chosen] += 1
            free[chosen] = (free[chosen][0] - demand.cpu, free[chosen][1] - demand.memory)
    return None, free


def _amount(value: int, kind: str) -> str:
    return f"{value // _MEBIBYTE} MiB" if kind == "memory" else f"{value / 1000:g} cores"


def node_room(
    nodes: Sequence[Mapping[str, Any]],
    pods: Sequence[Mapping[str, Any]],
    own: Mapping[str, str],
    tolerations: Sequence[Mapping[str, Any]] = (),
) -> list[Node]:
    """What each node has left besides what runs there and is not the pipeline's.

    :param nodes: as the API gives them.
    :param pods: the same, of all namespaces.
    :param own: labels of the pipeline's pods, with their `namespace`.
    :param tolerations: of the pipeline's pods.
    """
    used: dict[str, tuple[int, int]] = {}
    for pod in pods:
        name = pod["spec"].get("nodeName")
        if not name or pod["status"].get("phase") in ("Succeeded", "Failed") or _is_own(pod, own):
            continue
        cpu, memory = pod_request(pod["spec"])
        before = used.get(name, (0, 0))
        used[name] = (before[0] + cpu, before[1] + memory)
    found = []
    for node in nodes:
        name, allocatable = node["metadata"]["name"], node["status"].get("allocatable") or {}
        cpu, memory = used.get(name, (0, 0))
        free = (cores(allocatable.get("cpu", 0)) - cpu, amount(allocatable.get("memory", 0)) - memory)
        found.append(Node(name, *free, _why_not(node, tolerations)))
    return found


def running_request(pod: Mapping[str, Any], own: Mapping[str, str]) -> tuple[int, int]:
    """What one of the pipeline's own pods that runs has been promised; nothing of any other pod."""
    runs = pod["status"].get("phase") == "Running" and _is_own(pod, own)
    return pod_request(pod["spec"]) if runs else (0, 0)


def _is_own(pod: Mapping[str, Any], own: Mapping[str, str]) -> bool:
    metadata = pod["metadata"]
    labels = {**(metadata.get("labels") or {}), "namespace": metadata.get("namespace")}
    return all(labels.get(key) == value for key, value in own.items())


def _why_not(node: Mapping[str, Any], tolerations: Sequence[Mapping[str, Any]]) -> str:
    ready = [item for item in node["status"].get("conditions") or () if item["type"] == "Ready"]
    if not ready or ready[0]["status"] != "True":
        return "not Ready" + (f" ({ready[0]['message']})" if ready and ready[0].get("message") else "")
    if node["spec"].get("unschedulable"):
        return "cordoned"
    taints = [item for item in node["spec"].get("taints") or () if item["effect"] in ("NoSchedule", "NoExecute")]
    hindering = [item for item in taints if not any(_tolerates(each, item) for each in tolerations)]
    return f"tainted ({hindering[0]['key']}:{hindering[0]['effect']})" if hindering else ""


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", "")


def pod_request(spec: Mapping[str, Any]) -> tuple[int, int]:
    """Thousandths of a core and bytes that the scheduler counts for a pod: its containers together, or the largest of
    its init steps, and the overhead of its runtime class.
    """
    totals = []
    for kind, number in (("cpu", cores), ("memory", amount)):

        def requested(container: Mapping[str, Any], kind: str = kind, number: Any = number) -> int:
            return int(number(((container.get("resources") or {}).get("requests") or {}).get(kind, 0)))

        # An init step that continues running (a sidecar) counts as a container.
        steps = spec.get("initContainers") or ()
        sidecars = sum(requested(step) for step in steps if step.get("restartPolicy") == "Always")
        running = sum(requested(item) for item in spec["containers"]) + sidecars
        first = max((requested(step) for step in steps if step.get("restartPolicy") != "Always"), default=0)
        totals.append(max(running, first) + int(number((spec.get("overhead") or {}).get(kind, 0))))
    return totals[0], totals[1]


_FACTORS = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_FACTORS |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}


def amount(quantity: Any) -> int:
    """Bytes of a quantity in any notation of the API server, which may also be thousandths (`128974848000m`)."""
    text = str(quantity)
    for suffix in sorted(_FACTORS, key=len, reverse=True):
        if text.endswith(suffix):
            return int(float(text.removesuffix(suffix)) * _FACTORS[suffix])
    return cores(text) // 1000


def cores(quantity: Any) -> int:
    """Thousandths of a core of a quantity such as `250m`, `0.5`, `2` or `1e3`."""
    text = str(quantity)
    for suffix, factor in (("n", 1e-6), ("u", 1e-3), ("m", 1.0), ("k", 1e6)):
        if text.endswith(suffix):
            return int(float(text.removesuffix(suffix)) * factor)
    return round(float(text) * 1000)
