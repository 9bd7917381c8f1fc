# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What makes the pods of jobs and cronjobs."""

from __future__ import annotations

from ...._contents import digest
from ..pods import Pods
from .config import config_digest
from .labels import Manifest, labelled, labels
from .pod import pod_template

_DISRUPTED = {"type": "DisruptionTarget", "status": "True"}
# Of each outcome, with their pods and so with their logs.
_KEPT_RUNS = 3


def _job_spec(made: Pods) -> Manifest:
    spec: Manifest = {
        # As on a host, a failure is reported, not repeated. A pod that a node's drain takes away has not failed.
        "backoffLimit": 0,
        "podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [_DISRUPTED]}]},
        "template": pod_template(made, "Never"),
    }
    if made.workload.deadline_seconds is not None:
        spec["activeDeadlineSeconds"] = made.workload.deadline_seconds
    return spec


def job(made: Pods) -> Manifest:
    """A job that runs once."""
    # A job cannot be changed, so another one gets another name.
    spec = _job_spec(made)
    name = f"{made.workload.name}-{digest([spec, config_digest(made)])[:8]}"
    return labelled("batch/v1", "Job", name, made, spec=spec)


def cron_job(made: Pods) -> Manifest:
    """A job that runs by a schedule."""
    workload = made.workload
    spec: Manifest = {
        "schedule": workload.schedule,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        # A job that a stop suspended continues.
        "suspend": False,
        "successfulJobsHistoryLimit": _KEPT_RUNS,
        "failedJobsHistoryLimit": _KEPT_RUNS,
        "jobTemplate": {"metadata": {"labels": labels(workload.name)}, "spec": _job_spec(made)},
    }
    if workload.starting_deadline_seconds is not None:
        spec["startingDeadlineSeconds"] = workload.starting_deadline_seconds
    return labelled("batch/v1", "CronJob", workload.name, made, spec=spec)
