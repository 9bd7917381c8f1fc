# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is done to pods and nodes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cdc_pipeline.instance.answer import ClusterError, Object
from cdc_pipeline.instance.cluster import Cluster
from pipeline import Pipeline
from waiting import until

# Of a pod that asked for up to a minute to stop.
_EVICTED_SECONDS = 180.0
_ENDED_SECONDS = 180.0
_PATCH = "application/merge-patch+json"
_FINALIZER = "cdc-pipeline/tests"


@dataclass(frozen=True)
class End:
    """How a container ended, and the last that it said."""

    code: int
    log: str


def kill(pipeline: Pipeline, pod: Object) -> None:
    """Ends a pod without asking: the kubelet kills what has not ended after two seconds, whatever its grace."""
    pipeline.cluster.delete("pods", pod["metadata"]["name"], gracePeriodSeconds=0)


def replaced(pipeline: Pipeline, workload: str, pod: Object, seconds: float) -> float:
    """Waits until another pod stands in the place of a killed one, and all is well; gives the seconds that took."""
    began = time.monotonic()
    uid = pod["metadata"]["uid"]
    until(
        lambda: [each["metadata"]["uid"] for each in pipeline.pods(workload).values()],
        lambda uids: bool(uids) and uid not in uids,
        seconds,
        f"another pod of {workload}",
    )
    pipeline.settled(seconds)
    return time.monotonic() - began


def schedulable(cluster: Cluster, node: str, may: bool) -> None:
    cluster.call("PATCH", f"/api/v1/nodes/{node}", {"spec": {"unschedulable": not may}}, _PATCH)


@contextmanager
def held(cluster: Cluster) -> Iterator[None]:
    """No node takes a pod meanwhile: those that run go on, and who would follow one that ends has to wait."""
    nodes = [each["metadata"]["name"] for each in cluster.items("/api/v1/nodes") if not _cordoned(each)]
    try:
        for node in nodes:
            schedulable(cluster, node, False)
        yield
    finally:
        for node in nodes:
            schedulable(cluster, node, True)


def _cordoned(node: Object) -> bool:
    return bool(node["spec"].get("unschedulable"))


def ended(pipeline: Pipeline, pod: Object) -> End:
    """Asks a pod to end, as any deletion does, and sees it through. One of the same name can follow it only then."""
    cluster, name = pipeline.cluster, pod["metadata"]["name"]
    path, log = cluster.path("pods", name), ""

    def terminated() -> Object:
        nonlocal log
        # The kubelet forgets it soon after.
        with contextlib.suppress(ClusterError):
            log = str(cluster.get(f"{path}/log", tailLines=2000)) or log
        return cluster.get(path)["status"]["containerStatuses"][0]["state"].get("terminated", {})

    with _kept(cluster, name):
        cluster.delete("pods", name)
        state = until(terminated, bool, _ENDED_SECONDS, f"{name} ends", pause=0.2)
    return End(state["exitCode"], log)


@contextmanager
def _kept(cluster: Cluster, pod: str) -> Iterator[None]:
    """What the cluster knows of a pod stays, how it ended included."""
    path = cluster.path("pods", pod)
    cluster.call("PATCH", path, {"metadata": {"finalizers": [_FINALIZER]}}, _PATCH)
    try:
        yield
    finally:
        cluster.call("PATCH", path, {"metadata": {"finalizers": None}}, _PATCH)


def may_not_go(cluster: Cluster, pod: Object) -> str:
    """Asks for a pod's eviction; gives why its disruption budget does not allow it, or nothing where it goes."""
    name = pod["metadata"]["name"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": cluster.namespace}}
    try:
        cluster.call("POST", f"{cluster.path('pods', name)}/eviction", body)
    except ClusterError as error:
        if error.status == 404:
            return ""
        # Too many requests: that is how a budget refuses.
        assert error.status == 429, error
        return str(error)
    return ""


def evict(cluster: Cluster, pod: Object) -> None:
    """Asks for a pod's eviction until its disruption budget allows it, and waits until it is gone."""
    name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
    until(lambda: may_not_go(cluster, pod), lambda refused: not refused, _EVICTED_SECONDS, f"{name} may be evicted")

    def gone() -> bool:
        try:
            return cluster.get(cluster.path("pods", name))["metadata"]["uid"] != uid
        except ClusterError as error:
            return error.status == 404

    until(gone, bool, _EVICTED_SECONDS, f"{name} is gone")


@contextmanager
def drained(pipeline: Pipeline, node: str) -> Iterator[list[str]]:
    """A node without pods of the pipeline, which gets none either; gives the names of those that were on it."""
    mine = {name: pod for name, pod in pipeline.pods().items() if pod["spec"].get("nodeName") == node}
    schedulable(pipeline.cluster, node, False)
    try:
        for pod in mine.values():
            evict(pipeline.cluster, pod)
        yield sorted(mine)
    finally:
        schedulable(pipeline.cluster, node, True)
