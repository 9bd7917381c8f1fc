"""Servers that are pods of a cluster, found by the labels of their workload."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath

from cdc_pipeline.instance.answer import ClusterError, Object
from cdc_pipeline.instance.cluster import Cluster, ready, trouble
from cdc_pipeline.instance.servers import Usage
from cdc_pipeline.wait import wait_for

# Until the kubelet has measured a pod that has just started.
_STATS_SECONDS = 45.0
# The kubelet measures every ten seconds or so.
_METER_SECONDS = 4.0
# What is older is of a pod that has ended.
_OLDEST_SECONDS = 30.0


def workload_of(component: str) -> str:
    """The workload's name, as its labels have it."""
    return component.replace("_", "-")


@dataclass(frozen=True)
class PodServer:
    """A pod, whose process is the first of its container."""

    cluster: Cluster
    pod: Object = field(repr=False)

    @property
    def name(self) -> str:
        return self.pod["metadata"]["name"]

    @property
    def place(self) -> str:
        return f"pod {self.name}"

    @functools.cached_property
    def command(self) -> Sequence[str]:
        return tuple(each for each in self._run("cat", "/proc/1/cmdline").split("\0") if each)

    def memory(self) -> int:
        uid, node = self.pod["metadata"]["uid"], self.pod["spec"]["nodeName"]
        found = wait_for(
            lambda: self.cluster.stats([node]).get(uid), lambda stats: bool(working_set(stats)), _STATS_SECONDS, pause=2
        )
        if not working_set(found):
            raise LookupError(f"the kubelet of {node} has measured no memory of pod {self.name}")
        return working_set(found)

    def read(self, path: PurePath) -> str:
        return self._run("cat", self._path(path))

    def tail(self, path: PurePath, size: int) -> str:
        return self._run("tail", "-c", str(size), self._path(path))

    def _path(self, path: PurePath) -> str:
        return str(path if path.is_absolute() else "/proc/1/cwd" / path)

    def _run(self, *command: str) -> str:
        try:
            output = self.cluster.execute(self.name, command, self.pod["spec"]["containers"][0]["name"])
        except ClusterError as error:
            raise OSError(f"{' '.join(command)} in {self.place}: {error}") from None
        if output.code:
            raise OSError(f"{' '.join(command)} in {self.place}: {output.err.strip() or f'exit code {output.code}'}")
        return output.out


@dataclass(frozen=True)
class PodServers:
    """The pods of the pipeline's workloads, as the API shows them when asked.

    Attributes:
        services: whose use is measured.
    """

    cluster: Cluster
    services: Sequence[str] = ()
    measure: str = "working set"

    def runs(self, component: str) -> bool:
        return bool(self.cluster.controllers(workload_of(component)))

    def of(self, component: str) -> list[PodServer]:
        workload = workload_of(component)
        wanted = sum(each["spec"].get("replicas", 1) for each in self.cluster.controllers(workload))
        pods = sorted(self.cluster.pods(workload), key=lambda pod: pod["metadata"]["name"])
        unready = [f"{pod['metadata']['name']} is not ready ({trouble(pod)})" for pod in pods if not ready(pod)]
        absent = [f"{len(pods)} of {wanted} are there"] if not wanted or len(pods) < wanted else []
        if unready or absent:
            raise LookupError(
                f"pods of {workload} in namespace {self.cluster.namespace}: {'; '.join([*absent, *unready])}"
            )
        return [PodServer(self.cluster, pod) for pod in pods]

    def meter(self) -> PodMeter:
        pods: dict[str, set[str]] = {}
        nodes: set[str] = set()
        for component in self.services:
            for pod in self.cluster.pods(workload_of(component)):
                pods.setdefault(component, set()).add(pod["metadata"]["uid"])
                nodes.add(pod["spec"].get("nodeName", ""))
        return PodMeter(self.cluster, pods, sorted(nodes - {""}))


def working_set(stats: Mapping | None) -> int:
    """Bytes of memory of a pod's containers that cannot simply be dropped, as the kubelet sees it when it evicts."""
    return sum(each.get("memory", {}).get("workingSetBytes", 0) for each in (stats or {}).get("containers", ()))


def processor_time(stats: Mapping, now: float) -> float:
    """Seconds of CPU time of a pod's containers: what was measured, carried on at the last rate until ``now``."""
    seconds = 0.0
    for each in stats.get("containers", ()):
        cpu = each.get("cpu", {})
        if "usageCoreNanoSeconds" in cpu:
            age = now - datetime.fromisoformat(cpu["time"].replace("Z", "+00:00")).timestamp()
            age = min(max(age, 0.0), _OLDEST_SECONDS)
            seconds += (cpu["usageCoreNanoSeconds"] + cpu.get("usageNanoCores", 0) * age) / 1e9
    return seconds


class PodMeter:
    """``pods``: uids of each component's pods, on ``nodes``. A pod that ends takes its time with it."""

    def __init__(self, cluster: Cluster, pods: Mapping[str, set[str]], nodes: Sequence[str]) -> None:
        self._cluster, self._pods, self._nodes = cluster, pods, nodes
        self._read_at = 0.0
        self._stats: dict[str, Object] = {}

    def take(self) -> dict[str, Usage]:
        if time.monotonic() - self._read_at > _METER_SECONDS:
            self._read_at = time.monotonic()
            # A node may be away for a while; what it said last must do.
            with contextlib.suppress(ClusterError):
                self._stats.update(self._cluster.stats(self._nodes))
        now = time.time()
        found = {}
        for component, uids in self._pods.items():
            stats = [self._stats[uid] for uid in uids if uid in self._stats]
            # What was never measured has no figures, rather than figures of 0.
            if not stats:
                continue
            found[component] = Usage(
                sum(processor_time(each, now) for each in stats), sum(working_set(each) for each in stats)
            )
        return found
