"""The pods of an instance in a cluster, as the cluster's API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.state import Row, State, Stuck
from cdc_pipeline.endpoints import ConnectorsEndpoint, Endpoints
from cdc_pipeline.instance.answer import ClusterError
from cdc_pipeline.instance.cluster import Cluster, ready, trouble
from cdc_pipeline.instance.pod_servers import working_set
from cdc_pipeline.trouble import notes_in, troubles_in
from cdc_pipeline.units import quantity

_NAME = "app.kubernetes.io/name"
# Whose readiness lists what is stuck.
SAYING = ("archive", "connectors")


def cluster_of(instance: Instance) -> Cluster:
    """The instance's cluster.

    Raises:
        CdcError: there is no kubeconfig, or it has no such context.
    """
    where = instance.note.cluster
    assert where is not None, "the runtime local has no cluster"
    try:
        return Cluster(where)
    except ClusterError as error:
        raise CdcError(f"The cluster of the instance {instance.name} cannot be reached: {error}") from None


def read_pods(instance: Instance) -> State:
    """The state of every pod, and of every replica that has none.

    Raises:
        CdcError: the cluster does not answer, or does not let us look.
    """
    cluster = cluster_of(instance)
    try:
        pods, controllers = cluster.pods(), cluster.controllers()
    except ClusterError as error:
        raise CdcError(f"The pods in the namespace {cluster.namespace} cannot be queried: {error}") from None
    rows = state_of(pods, controllers, memory_of(cluster, pods))
    where = f"context {cluster.where.context}" if cluster.where.context else "the kubeconfig's context"
    stuck, notes = stuck_of(cluster, pods, endpoints_of(instance))
    return State(f"instance {instance.name}: namespace {cluster.namespace}, {where}", rows, True, stuck, notes)


def endpoints_of(instance: Instance) -> Endpoints | None:
    """How to sign in; None as long as the instance was not set up to its end."""
    try:
        return instance.plan().endpoints
    except CdcError:
        return None


def stuck_of(
    cluster: Cluster, pods: Sequence[Mapping[str, Any]], endpoints: Endpoints | None
) -> tuple[list[Stuck], list[str]]:
    """What the pods say is stuck; and what they note beside, or why one of them cannot be asked."""
    stuck, notes = [], []
    known = {"archive": endpoints.archive, "connectors": endpoints.connectors} if endpoints else {}
    for pod in pods:
        workload, name = workload_of(pod), pod["metadata"]["name"]
        if workload not in SAYING or (pod.get("status") or {}).get("phase") != "Running":
            continue
        try:
            where = known.get(workload, ConnectorsEndpoint())
            body = cluster.ask_ready(pod, login=where.reader, ca=where.ca)
        except (ClusterError, OSError) as error:
            notes.append(f"{name}: what is stuck cannot be queried: {error}")
            continue
        stuck += [Stuck(name, workload, trouble) for trouble in troubles_in(body)]
        notes += [f"{name}: {note}" for note in notes_in(body)]
    return stuck, notes


def memory_of(cluster: Cluster, pods: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Working set of each pod by its uid, as far as we may ask the kubelets."""
    nodes = sorted({pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")})
    try:
        return {uid: used for uid, each in cluster.stats(nodes).items() if (used := working_set(each))}
    except ClusterError:
        return {}


def state_of(
    pods: Sequence[Mapping[str, Any]], controllers: Sequence[Mapping[str, Any]], memory: Mapping[str, int]
) -> list[Row]:
    """A row for each pod, and one for each controller that wants more pods than there are."""
    rows = [_row(pod, memory.get(pod["metadata"]["uid"])) for pod in pods]
    for each in controllers:
        name, wanted = each["metadata"]["name"], int(each["spec"].get("replicas") or 0)
        found = sum(row.component == name for row in rows)
        if wanted == 0:
            rows.append(Row(name, name, "Stopped", False))
        elif found < wanted:
            rows.append(Row(name, name, "Missing", False, detail=f"{found} of {wanted} pods are there"))
    return sorted(rows, key=lambda row: row.name)


def workload_of(pod: Mapping[str, Any]) -> str:
    """The workload that a pod's labels name."""
    return str((pod["metadata"].get("labels") or {}).get(_NAME, ""))


def _row(pod: Mapping[str, Any], memory: int | None) -> Row:
    status = pod.get("status") or {}
    started = status.get("startTime")
    limits = [((each.get("resources") or {}).get("limits") or {}).get("memory") for each in pod["spec"]["containers"]]
    done, good = status.get("phase") == "Succeeded", ready(pod)
    return Row(
        name=pod["metadata"]["name"],
        component=workload_of(pod),
        state=_state(status),
        ready=good,
        done=done,
        since=datetime.fromisoformat(started).timestamp() if started else None,
        restarts=sum(int(each.get("restartCount") or 0) for each in status.get("containerStatuses") or ()),
        memory=memory,
        limit=int(sum(quantity(each) for each in limits if each)) or None,
        place=pod["spec"].get("nodeName") or "",
        detail="" if good or done else trouble(pod),
    )


def _state(status: Mapping[str, Any]) -> str:
    """As kubectl puts it."""
    for each in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        state = each.get("state") or {}
        for kind in ("waiting", "terminated"):
            reason = (state.get(kind) or {}).get("reason")
            if reason and reason != "Completed":
                return str(reason)
    return str(status.get("reason") or status.get("phase") or "Unknown")
