# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The runs of jobs and cronjobs in a cluster. Pure: the API's objects in, what they mean out."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..runs import SUCCEEDED, Run

Document = Mapping[str, Any]

# Of pods that a job makes, in every version of Kubernetes.
_JOB_LABEL = "job-name"
_OUTCOMES = {"DeadlineExceeded": "deadline exceeded"}


def job_of(pod: Document) -> str | None:
    """The name of the job that made a pod; None for what no job made."""
    return (pod["metadata"].get("labels") or {}).get(_JOB_LABEL)


def job_outcome(job: Document) -> tuple[bool, str] | None:
    """Whether a job has succeeded, and what the cluster says; None while it runs."""
    found = _condition(job)
    return (
        None if found is None else (found["type"] == "Complete", str(found.get("message") or found.get("reason") or ""))
    )


def _condition(job: Document) -> Document | None:
    for item in (job.get("status") or {}).get("conditions") or ():
        if item["status"] == "True" and item["type"] in ("Complete", "Failed"):
            return item
    return None


def exit_status(pod: Document) -> int | None:
    """Of the container that ended a pod; None where none has ended."""
    status = pod.get("status") or {}
    ended = [
        item["state"]["terminated"]["exitCode"]
        for item in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
        if (item.get("state") or {}).get("terminated")
    ]
    return next((code for code in ended if code), ended[-1] if ended else None)


def jobs_of(cronjob: Document, jobs: Iterable[Document]) -> list[Document]:
    """The jobs that belong to a cronjob, the latest at the end."""
    uid = cronjob["metadata"].get("uid")
    own = [job for job in jobs if any(item.get("uid") == uid for item in job["metadata"].get("ownerReferences") or ())]
    return sorted(own, key=_began)


def last_run(jobs: Sequence[Document], pods: Iterable[Document]) -> Run | None:
    """The last of ``jobs`` that has ended."""
    for job in reversed(jobs):
        condition = _condition(job)
        if condition is None:
            continue
        status, name = job.get("status") or {}, job["metadata"]["name"]
        began, ended = _began(job), str(status.get("completionTime") or condition.get("lastTransitionTime") or "")
        seconds = (_time(ended) - _time(began)).total_seconds() if began and ended else None
        codes = [code for pod in pods if job_of(pod) == name and (code := exit_status(pod)) is not None]
        failed = _OUTCOMES.get(str(condition.get("reason")), "failed")
        outcome = SUCCEEDED if condition["type"] == "Complete" else failed
        return Run(began, seconds, outcome, codes[-1] if codes else 0 if outcome == SUCCEEDED else None)
    return None


def _began(job: Document) -> str:
    return str((job.get("status") or {}).get("startTime") or job["metadata"].get("creationTimestamp") or "")


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
