# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The state of every pod of a pipeline in a cluster, for people and for checks."""

from __future__ import annotations

import base64
import datetime
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._kubernetes.api import Api
from ..._kubernetes.faults import StatusError
from ..._table import table
from ..._units import memory_bytes
from .. import diagnosis
from ..choose import chosen
from ..runs import SUCCEEDED, sentence
from .manifests.labels import NAME_LABEL, PART, WORKLOAD_LABEL
from .runs import job_of, job_outcome, jobs_of, last_run
from .trouble import is_going, is_ready, pod_trouble, restarts

Document = Mapping[str, Any]

_RUNNERS = ("StatefulSet", "Deployment")
_COLUMNS = ["name", "state", "ready", "restarts", "uptime", "memory_mib", "limit_mib", "node", "detail"]


def status(api: Api, component: str = "", log_lines: int = 0) -> list[dict[str, Any]]:
    """Each pod of a service, each workload that is stopped, and each job and cronjob with its latest pod.

    Args:
        component: only this workload's, or one pod alone; empty for all.
        log_lines: the last lines of its log come along.

    Raises:
        PipelineError: the cluster does not answer, pods may not be listed, or there is no such component.
    """
    pods = {item["metadata"]["name"]: item for item in api.list("Pod", PART)}
    stopped = {item["name"]: item for kind in _RUNNERS for item in _stopped(api.list(kind, WORKLOAD_LABEL))}
    ending = _ending(api, pods.values())
    pods = {name: pod for name, pod in pods.items() if job_of(pod) is None}
    others = stopped | {item["name"]: item for item, _pod in ending}
    workloads = {name: _workload(pod) for name, pod in pods.items()} | {name: name for name in others}
    names = chosen(component, workloads)
    pods = {name: pod for name, pod in pods.items() if name in names}
    memory = _memory(api, {pod["spec"]["nodeName"] for pod in pods.values() if pod["spec"].get("nodeName")})
    now = datetime.datetime.now(datetime.UTC)
    found = [row(pod, memory.get(name), now) for name, pod in pods.items()]
    if log_lines:
        masker = _masker(api)
        for pod, shown in zip(pods.values(), found, strict=True):
            shown["log_tail"] = _tail(api, pod, log_lines, masker)
        for shown, pod in ending:
            if shown["name"] in names and pod is not None:
                shown["log_tail"] = _tail(api, pod, log_lines, masker)
    found += [item for name, item in others.items() if name in names]
    return sorted(found, key=lambda item: item["name"])


def row(pod: Document, memory: int | None, now: datetime.datetime) -> dict[str, Any]:
    """A pod's state. ``memory`` is its working set in bytes, None where the kubelet does not tell."""
    trouble = pod_trouble(pod)
    started = (pod.get("status") or {}).get("startTime")
    age = (now - datetime.datetime.fromisoformat(started)).total_seconds() if started else 0
    limits = [(item.get("resources") or {}).get("limits", {}).get("memory") for item in pod["spec"]["containers"]]
    return {
        "name": pod["metadata"]["name"],
        "workload": _workload(pod),
        "kind": "service",
        "state": _state(pod),
        "ready": is_ready(pod),
        "restarts": sum(restarts(pod).values()),
        "uptime": int(age),
        "memory_bytes": memory,
        "memory_limit_bytes": sum(memory_bytes(item) for item in limits if item),
        "node": pod["spec"].get("nodeName", ""),
        "address": (pod.get("status") or {}).get("podIP", ""),
        "detail": f"{trouble.what}: {trouble.why}".rstrip(": ") if trouble else "",
    }


def as_table(rows: Sequence[Mapping[str, Any]], api: Api) -> str:
    """The rows as a table for people."""
    shown = [
        {
            **item,
            "uptime": _duration(item["uptime"]),
            "memory_mib": None if item["memory_bytes"] is None else item["memory_bytes"] / 2**20,
            "limit_mib": item["memory_limit_bytes"] / 2**20 if item["memory_limit_bytes"] else None,
        }
        for item in rows
    ]
    heading = f"namespace {api.namespace} of {api.server}"
    return heading + ("\n" + table(shown, _COLUMNS) if rows else "\nno workloads")


def _workload(pod: Document) -> str:
    return str(_labels(pod).get(NAME_LABEL, ""))


def _state(pod: Document) -> str:
    """As kubectl puts it."""
    status = pod.get("status") or {}
    if is_going(pod):
        return "Terminating"
    for item in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        state = item.get("state") or {}
        for kind in ("waiting", "terminated"):
            reason = (state.get(kind) or {}).get("reason")
            if reason and reason != "Completed":
                return str(reason)
    return str(status.get("reason") or status.get("phase") or "Unknown")


def _stopped(runners: Iterable[Document]) -> list[dict[str, Any]]:
    return [
        _without_pod(item["metadata"]["name"], "service", "Stopped", False, "")
        for item in runners
        if int(item["spec"].get("replicas") or 0) == 0
    ]


def _ending(api: Api, pods: Iterable[Document]) -> list[tuple[dict[str, Any], Document | None]]:
    """A row for each job and cronjob, and its latest pod, if it has one."""
    jobs, pods = api.list("Job", PART), list(pods)
    found = []
    for item in [*api.list("CronJob", WORKLOAD_LABEL), *(job for job in jobs if WORKLOAD_LABEL in _labels(job))]:
        runs = jobs_of(item, jobs) if item["kind"] == "CronJob" else [item]
        names = [run["metadata"]["name"] for run in runs]
        own = sorted((pod for pod in pods if job_of(pod) in names), key=_created)
        latest = own[-1] if own else None
        found.append((_run_row(item, runs, own, latest), latest))
    return found


def _run_row(
    item: Document, runs: Sequence[Document], pods: Sequence[Document], latest: Document | None
) -> dict[str, Any]:
    running = any(job_outcome(run) is None for run in runs)
    last = last_run(runs, pods)
    known = {"last_run": last.document() if last else None}
    parts = [sentence(last)] if last or not running else []
    if item["kind"] == "CronJob":
        schedule, paused = item["spec"]["schedule"], bool(item["spec"].get("suspend"))
        state, ready = "Stopped" if paused else "Running" if running else "Waiting", not paused
        known |= {"schedule": schedule}
        parts.insert(0, f"{schedule} UTC")
    else:
        ready = not running and last is not None and last.outcome == SUCCEEDED
        state = "Running" if running else "Done" if ready else "Failed"
    trouble = pod_trouble(latest) if running and latest else None
    if trouble:
        parts.insert(0, f"{trouble.what}: {trouble.why}".rstrip(": "))
    row = _without_pod(_workload(item), item["kind"].lower(), state, ready, "; ".join(parts))
    return {**row, "node": latest["spec"].get("nodeName", "") if running and latest else "", **known}


def _without_pod(name: str, kind: str, state: str, ready: bool, detail: str) -> dict[str, Any]:
    return {
        "name": name,
        "workload": name,
        "kind": kind,
        "state": state,
        "ready": ready,
        "restarts": 0,
        "uptime": 0,
        "memory_bytes": None,
        "memory_limit_bytes": 0,
        "node": "",
        "address": "",
        "detail": detail,
    }


def _labels(document: Document) -> Mapping[str, str]:
    return document["metadata"].get("labels") or {}


def _created(document: Document) -> str:
    return str(document["metadata"].get("creationTimestamp") or "")


def _memory(api: Api, nodes: Iterable[str]) -> dict[str, int]:
    """Working set of each of the namespace's pods by its name, as far as the kubelets tell us."""
    found = {}
    for node in nodes:
        summary = api.read(f"/api/v1/nodes/{node}/proxy/stats/summary") or {}
        for item in summary.get("pods") or ():
            used = (item.get("memory") or {}).get("workingSetBytes")
            # Of a container that has just started, the kubelet has not looked at anything yet.
            if item["podRef"]["namespace"] == api.namespace and used:
                found[item["podRef"]["name"]] = int(used)
    return found


def _masker(api: Api) -> diagnosis.Masker:
    try:
        secrets = api.list("Secret", WORKLOAD_LABEL)
    except StatusError:
        secrets = []
    values = [value for item in secrets for value in (item.get("data") or {}).values()]
    return diagnosis.Masker(base64.b64decode(value).decode("utf-8", "replace") for value in values)


def _tail(api: Api, pod: Document, lines: int, mask: diagnosis.Masker) -> list[str]:
    container = pod["spec"]["containers"][0]["name"]
    text = api.log(pod["metadata"]["name"], container, lines=lines)
    return [mask(line) for line in diagnosis.last_lines(text, lines)]


def _duration(seconds: float) -> str:
    """Seconds for people."""
    if not seconds:
        return "-"
    days, rest = divmod(int(seconds), 86400)
    clock = time.strftime("%H:%M:%S", time.gmtime(rest))
    return f"{days}d {clock}" if days else clock
