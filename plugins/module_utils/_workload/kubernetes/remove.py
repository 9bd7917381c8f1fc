# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Stops a workload in a cluster, starts it again, or removes it, by its name alone; or all of a namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._kubernetes.api import Api
from .. import diagnosis
from ..report import Report
from .manifests.labels import NAME_LABEL, PART, PEOPLE_CHOSEN, WORKLOAD_LABEL, selector
from .owned import OWNED, RUNNERS
from .records import Change, record
from .rollout import complete
from .runs import job_of, job_outcome
from .waiting import Waiter

Document = Mapping[str, Any]

# How many replicas a stopped workload had.
REPLICAS_NOTE = "cdc-pipeline/replicas"
_SCALED = ("Deployment", "StatefulSet")


@dataclass
class Keeper:
    """The workloads of a namespace that this collection made.

    Attributes:
        name: of one workload; empty for all.
        timeout: seconds for each wait.
        order: workloads in the order in which they need each other.
    """

    api: Api
    name: str
    timeout: float
    dry: bool
    openshift: bool = False
    order: tuple[str, ...] = ()

    def stop(self) -> Report:
        """Scales to nothing and remembers how many there were, clients before their servers.

        Schedules pause first, and what runs of them, or of a job, ends. The next run of the playbook runs such a job
        again.
        """
        report = Report()
        for found in self._all(("CronJob",)):
            if not found["spec"].get("suspend"):
                self._patch(found, {"spec": {"suspend": True}}, report)
                report.stopped.append(f"{found['metadata']['name']}-0")
        for found in self._running_jobs():
            self._delete(found, report)
            if not self.dry:
                self._waiter(found).until(
                    lambda view, name=found["metadata"]["name"]: not any(job_of(pod) == name for pod in view.pods),
                    what="did not end",
                )
        for found in reversed(self._in_order()):
            wanted = int(found["spec"].get("replicas") or 0)
            if not wanted:
                continue
            note = {REPLICAS_NOTE: str(wanted)}
            self._patch(found, {"metadata": {"annotations": note}, "spec": {"replicas": 0}}, report)
            report.stopped += [f"{found['metadata']['name']}-{each}" for each in range(wanted)]
            if not self.dry:
                self._waiter(found).until(lambda view: not view.pods, what="did not end")
        report.changed = bool(report.differences)
        return report

    def start(self) -> Report:
        """Scales to what was remembered, servers before their clients, each when the ones before are ready."""
        report = Report()
        for found in self._in_order():
            notes = found["metadata"].get("annotations") or {}
            wanted = int(notes.get(REPLICAS_NOTE) or 0)
            if int(found["spec"].get("replicas") or 0) == 0 and wanted:
                self._patch(found, {"spec": {"replicas": wanted}}, report)
                report.started += [f"{found['metadata']['name']}-{each}" for each in range(wanted)]
            if not self.dry:
                self._waiter(found).until(lambda view: view.runner is not None and complete(view.runner, view.pods))
        for found in self._all(("CronJob",)):
            if found["spec"].get("suspend"):
                self._patch(found, {"spec": {"suspend": False}}, report)
                report.started.append(f"{found['metadata']['name']}-0")
        report.changed = bool(report.differences)
        return report

    def remove(self, purge_data: bool) -> Report:
        """Removes every object; volumes stay unless ``purge_data``."""
        report = Report()
        runners = []
        for found in self._all([kind for kind in OWNED if kind != "Route" or self.openshift]):
            if found["kind"] in RUNNERS:
                runners.append(found)
            self._delete(found, report)
        for found in [] if self.dry else runners:
            self._waiter(found).until(lambda view: not view.pods, what="did not end")
        if purge_data:
            for found in self.api.list("PersistentVolumeClaim", self._part):
                self._delete(found, report)
            # People are known by what was on the volumes, too.
            for found in [] if self.name else self.api.list("Secret", PEOPLE_CHOSEN):
                self._delete(found, report)
        report.changed = bool(report.differences)
        return report

    @property
    def _part(self) -> str:
        return selector(self.name) if self.name else PART

    def _running_jobs(self) -> list[Document]:
        """Those of schedules, too, which do not carry a workload's label: they belong to their schedule."""
        return [found for found in self.api.list("Job", self._part) if job_outcome(found) is None]

    def _in_order(self) -> list[Document]:
        def place(found: Document) -> tuple[int, str]:
            name = found["metadata"]["labels"][WORKLOAD_LABEL]
            return (self.order.index(name) if name in self.order else len(self.order), name)

        return sorted(self._all(_SCALED), key=place)

    def _all(self, kinds: Any) -> list[Document]:
        label = f"{WORKLOAD_LABEL}={self.name}" if self.name else WORKLOAD_LABEL
        return [found for kind in kinds for found in self.api.list(kind, label)]

    def _patch(self, found: Document, patch: Mapping[str, Any], report: Report) -> None:
        kind, name = found["kind"], found["metadata"]["name"]
        after = _merged(found, patch) if self.dry else self.api.merge(kind, name, patch)
        report.differences.append(Change(kind, name, record(found), record(after)))

    def _delete(self, found: Document, report: Report) -> None:
        kind, name = found["kind"], found["metadata"]["name"]
        if not self.dry:
            self.api.delete(kind, name)
        report.removed.append(f"{kind} {name}")
        report.differences.append(Change(kind, name, record(found), None))

    def _waiter(self, found: Document) -> Waiter:
        workload = found["metadata"]["labels"][NAME_LABEL]
        mask = diagnosis.Masker([])
        return Waiter(self.api, workload, found["kind"], found["metadata"]["name"], mask, self.timeout)


def _merged(document: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(document)
    for key, value in patch.items():
        result[key] = _merged(result.get(key) or {}, value) if isinstance(value, Mapping) else value
    return result
