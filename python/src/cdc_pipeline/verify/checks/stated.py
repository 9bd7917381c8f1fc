"""T8 of every role: what it states is there, whether or not it has checks of its own."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding
from cdc_pipeline.instance.plan import Plan, StatedWorkload
from cdc_pipeline.supervise import runs
from cdc_pipeline.verify.step import Step

_LOOK = "Check {cdc} status, then {cdc} logs "


def stated_steps(plan: Plan) -> list[Step]:
    """A step for each role that states workloads."""
    roles = dict.fromkeys(workload.role for workload in plan.workloads)
    return [Step(f"{role}.stated", role, functools.partial(_stated, role=role), "T8", ("stated",)) for role in roles]


def _stated(context: Context, role: str) -> Iterator[Finding]:
    wrong = {}
    workloads = [workload for workload in context.plan.workloads if workload.role == role]
    for workload in workloads:
        problem = _problem(context, workload)
        if problem:
            wrong[workload.name] = problem
    what = f"workloads of {role} that are not as stated, of {len(workloads)}"
    yield Finding(f"{role}.stated", what, {}, wrong, not wrong, _LOOK + next(iter(wrong), role))


def _problem(context: Context, workload: StatedWorkload) -> str:
    """What is wrong with a workload; empty when it is as stated."""
    if workload.kind == "service":
        try:
            context.servers.of(workload.key)
        except LookupError as error:
            return str(error)
        return ""
    if workload.kind == "cronjob":
        return _scheduled_in_cluster(context, workload) if context.plan.cluster else _scheduled(context, workload)
    # A job has run to its end before its role continued, and what it did shows elsewhere.
    return ""


def _scheduled(context: Context, workload: StatedWorkload) -> str:
    folder = Path(context.plan.paths.home) / "supervisor" / "replicas"
    record = runs.read(folder / f"{workload.name}-0.runs")
    if record is None:
        return "nothing waits for its time"
    last = record.runs[-1] if record.runs else None
    return f"its last run {last.outcome}, exit status {last.exit_status}" if last and _failed(last) else ""


def _failed(run: runs.Run) -> bool:
    return run.outcome in (runs.FAILED, runs.LATE)


def _scheduled_in_cluster(context: Context, workload: StatedWorkload) -> str:
    cluster = context.cluster
    label = f"app.kubernetes.io/name={workload.name}"
    found = cluster.items(cluster.path("cronjobs", group="batch/v1"), labelSelector=label)
    if not found:
        return "the CronJob does not exist"
    jobs = cluster.items(cluster.path("jobs", group="batch/v1"), labelSelector=label)
    ended = [job for job in jobs if job.get("status", {}).get("conditions")]
    if not ended:
        return ""
    last = max(ended, key=lambda job: job["metadata"]["creationTimestamp"])
    failed = [each for each in last["status"]["conditions"] if each["type"] == "Failed" and each["status"] == "True"]
    return f"its last run failed: {failed[0].get('message', '')}" if failed else ""
