"""T8 on the runtime kubernetes: every pod runs, as its workload says, without root, and within its memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from cdc_pipeline.instance.cluster import ready, trouble
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.units import quantity

_LOOK = "See the events and the log of the pod: {cdc} logs."
_AGAIN = "Run the site again: it continues where the last run ended."
# A control group of version 2, or of version 1, as the container sees it.
_BOUNDS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_PAGE = 4096
_WORKLOAD = "app.kubernetes.io/name"
Object = Mapping[str, Any]


@dataclass(frozen=True)
class Inside:
    """What a pod looks like from inside.

    Attributes:
        owner: user id of the first process; None where it cannot be seen.
        bound: bytes of memory that the kernel lets it have; None without a bound.
    """

    owner: int | None
    bound: int | None


def read_inside(text: str) -> Inside:
    """Of /proc/1/status, followed by the bound of the control group."""
    owner = bound = None
    for line in text.splitlines():
        if line.startswith("Uid:"):
            owner = int(line.split()[1])
        elif line.strip().isdigit():
            bound = int(line)
    return Inside(owner, bound)


def judge_controllers(controllers: Iterable[Object]) -> Finding:
    """What keeps pods running."""
    names = sorted(each["metadata"]["name"] for each in controllers)
    return Finding(
        "services.supervisor",
        "controllers that keep the pods running",
        "a StatefulSet or Deployment each",
        names,
        bool(names),
        _AGAIN,
    )


def judge_pods(states: Mapping[str, str]) -> Finding:
    """Why a pod does not run, or nothing, by its name."""
    down = {name: why for name, why in states.items() if why}
    return equal("services.processes", f"pods that do not run, of {len(states)}", {}, down, _LOOK)


def judge_owners(owners: Mapping[str, int | None]) -> Finding:
    """User ids of the pods' processes by name."""
    root = sorted(name for name, owner in owners.items() if not owner)
    return equal("services.not_root", "pods whose process runs as root", [], root, "Its image must name another user.")


def judge_rollouts(controllers: Iterable[Object]) -> Finding:
    """Each workload's pods are of its last version."""
    behind = {}
    for each in controllers:
        status, wanted = each.get("status", {}), each["spec"].get("replicas", 1)
        if status.get("observedGeneration", 0) < each["metadata"].get("generation", 0):
            behind[each["metadata"]["name"]] = "its last change was not seen yet"
        elif status.get("updatedReplicas", 0) < wanted:
            behind[each["metadata"]["name"]] = f"{status.get('updatedReplicas', 0)} of {wanted} pods are new"
    return equal("workload.applied", "workloads whose last change is not applied", {}, behind, _AGAIN)


def judge_spread(controllers: Iterable[Object], pods: Iterable[Object]) -> Finding:
    """Replicas that must not share a node, such as brokers, do not."""
    apart = {each["metadata"]["name"] for each in controllers if _keeps_apart(each["spec"]["template"]["spec"])}
    nodes: dict[str, list[str]] = {name: [] for name in apart}
    for pod in pods:
        name = pod["metadata"].get("labels", {}).get(_WORKLOAD, "")
        if name in apart and pod["spec"].get("nodeName"):
            nodes[name].append(pod["spec"]["nodeName"])
    shared = {name: sorted(found) for name, found in nodes.items() if len(found) != len(set(found))}
    what = f"workloads of which two pods share a node, of {', '.join(sorted(apart)) or 'none'}"
    return equal("workload.spread", what, {}, shared, "Delete one of the pods; the scheduler keeps them apart.")


def _keeps_apart(spec: Object) -> bool:
    return any(
        each["whenUnsatisfiable"] == "DoNotSchedule" and each["topologyKey"] == "kubernetes.io/hostname"
        for each in spec.get("topologySpreadConstraints", ())
    )


def judge_bounds(limits: Mapping[str, int | None], bounds: Mapping[str, int | None]) -> Finding:
    """Bytes of each pod's limit, and what the kernel holds it to; the kernel counts whole pages."""
    loose = {
        name: {"limit": limit, "bound": bounds.get(name)}
        for name, limit in limits.items()
        if limit is None or bounds.get(name) != limit // _PAGE * _PAGE
    }
    return equal("workload.memory_bounds", "pods that the kernel does not hold to their limit", {}, loose, _AGAIN)


def memory_of(pod: Object, kind: str) -> int | None:
    """Bytes that a pod's containers request, or are limited to (`requests`, `limits`); None if one of them is not.

    Init containers run before and alone, so they count only where one takes more.
    """
    spec = pod["spec"]
    found = [_memory(each, kind) for each in spec["containers"]]
    if None in found:
        return None
    first = [_memory(each, kind) or 0 for each in spec.get("initContainers", ())]
    return max(sum(each or 0 for each in found), *first, 0)


def _memory(container: Object, kind: str) -> int | None:
    text = container.get("resources", {}).get(kind, {}).get("memory")
    return None if text is None else int(quantity(text))


def running(context: Context) -> Iterator[Finding]:
    """What the runtime local has a supervisor for."""
    cluster = context.cluster
    yield judge_controllers(cluster.controllers())
    # What a job makes runs to its end; whether that is a good one, the job says.
    pods = [pod for pod in cluster.pods() if not _by_job(pod)]
    yield judge_pods({pod["metadata"]["name"]: "" if ready(pod) else trouble(pod) for pod in pods})
    yield judge_owners({name: inside.owner for name, inside in _insides(context).items()})


def applied(context: Context) -> Iterator[Finding]:
    """Workloads as they are, against what was asked for."""
    cluster = context.cluster
    yield judge_rollouts(cluster.controllers())
    yield judge_spread(cluster.controllers(), [pod for pod in cluster.pods() if not _finished(pod)])
    limits = {pod["metadata"]["name"]: memory_of(pod, "limits") for pod in cluster.pods() if not _finished(pod)}
    yield judge_bounds(limits, {name: inside.bound for name, inside in _insides(context).items()})


def _by_job(pod: Object) -> bool:
    return "job-name" in pod["metadata"].get("labels", {})


def _finished(pod: Object) -> bool:
    """A job's pod that has ended."""
    return _by_job(pod) and pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def _insides(context: Context) -> dict[str, Inside]:
    """Of every pod that runs."""
    return context.once("pods.inside", lambda: _look_inside(context))


def _look_inside(context: Context) -> dict[str, Inside]:
    cluster = context.cluster
    pods = [pod for pod in cluster.pods() if pod.get("status", {}).get("phase") == "Running"]

    def look(pod: Object) -> Inside:
        # One of the bounds is not there, which does not matter.
        command = ["cat", "/proc/1/status", *_BOUNDS]
        return read_inside(cluster.execute(pod["metadata"]["name"], command, pod["spec"]["containers"][0]["name"]).out)

    with ThreadPoolExecutor(8) as pool:
        return dict(zip([pod["metadata"]["name"] for pod in pods], pool.map(look, pods), strict=True))
