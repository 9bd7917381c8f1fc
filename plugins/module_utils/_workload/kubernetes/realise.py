# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The realiser of the runtime kubernetes: applies a workload's manifests and sees its pods through.

An interruption at any point is fixed by the next run: what was applied is compared again, and a pod that is not of the
present revision is replaced.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..._contents import as_text
from ..._errors import DeadlineError, FailedError
from ..._kubernetes.api import Api
from .. import diagnosis
from ..report import NEW, RUNNING, STOPPED, Report
from ..spec.model import Workload
from .apply import apply
from .fixed import require_room
from .gate import Gate
from .manifests.labels import PART, WORKLOAD_LABEL, selector
from .manifests.workload import manifests
from .owned import OWNED, RUNNERS
from .pods import Cluster
from .records import Change, record
from .rollout import Turns, complete, observed, turns
from .runs import exit_status, job_of, job_outcome
from .trouble import is_going, is_ready, is_stuck
from .waiting import View, Waiter, failing_container

Document = Mapping[str, Any]


class Realiser:
    """Brings one workload to be as specified. ``dry`` only reports what it would do.

    Args:
        api: None in check mode where there is no cluster yet, or no namespace.
    """

    def __init__(
        self, workload: Workload, cluster: Cluster, gate: Gate | None, api: Api | None, timeout: float, dry: bool
    ) -> None:
        self.workload, self.gate, self.timeout, self.dry = workload, gate, timeout, dry
        self.manifests = manifests(workload, cluster)
        self.openshift = cluster.openshift
        self.mask = diagnosis.Masker(as_text(content) for content in workload.secrets.values())
        self.runner = next(item for item in self.manifests if item["kind"] in RUNNERS)
        self._api = api

    @property
    def api(self) -> Api:
        if self._api is None:
            raise FailedError("There is no cluster")
        return self._api

    def start(self, restart: bool = False, only: Collection[str] = ()) -> Report:
        """Makes everything be as specified, and every pod be new and ready.

        Args:
            restart: replace the pods that are there, too, one after the other.
            only: names of the replicas that are replaced; all where there are none.

        Raises:
            PipelineError: it cannot be; the message says why.
        """
        self.workload.require_replicas(only)
        if self._api is None:
            report = self._all_missing()
            report.found = NEW
            return report
        waiter = self._waiter()
        before = waiter.look()
        report = self._apply()
        wanted = {pod["metadata"]["uid"] for pod in before.pods if restart and self._is_among(pod, only)}
        self._note_starts(report)
        if self.dry:
            report.found = self._found()
            self._note_restarts(report, self._predicted(report, before, wanted), before)
            return report
        self._note_restarts(report, self._replace(waiter, report, before, wanted), before)
        return report

    def run_job(self) -> Report:
        """Runs a workload of kind job to its end, unless this very job has succeeded before.

        Raises:
            FailedError: it ended with an error.
            DeadlineError: it took too long.
        """
        if self._api is None:
            return self._all_missing()
        name = self.runner["metadata"]["name"]
        found = self.api.get("Job", name)
        outcome = job_outcome(found) if found else None
        failed = outcome is not None and not outcome[0]
        if failed and not self.dry:
            # A job that has failed does not try again by itself.
            self.api.delete("Job", name)
            self._wait_gone("Job", name)
        report = self._apply()
        if outcome is None or failed:
            report.started.append(name)
            report.changed = True
        if not self.dry:
            self._see_job_through(name)
        return report

    def set_schedule(self) -> Report:
        """Makes a workload of kind cronjob be as specified; it runs when its time comes.

        Raises:
            PipelineError: it cannot be; the message says why.
        """
        if self._api is None:
            return self._all_missing()
        report = self._apply()
        change = self._runner_change(report)
        if change is not None and (change.before is None or change.before["spec"].get("suspend")):
            report.started = self.workload.replica_names()
            why = "is not set up yet" if change.before is None else "is stopped"
            report.reasons = {name: [why] for name in report.started}
        return report

    def replicas(self) -> list[dict[str, Any]]:
        """Each pod as it is now."""
        return [
            {
                "name": pod["metadata"]["name"],
                "state": (pod.get("status") or {}).get("phase", "Unknown"),
                "ready": is_ready(pod),
                "node": pod["spec"].get("nodeName", ""),
                "address": (pod.get("status") or {}).get("podIP", ""),
            }
            for pod in sorted(
                self.api.list("Pod", selector(self.workload.name)), key=lambda item: item["metadata"]["name"]
            )
        ]

    def _all_missing(self) -> Report:
        changes = [Change(item["kind"], item["metadata"]["name"], None, record(item)) for item in self.manifests]
        report = Report(changed=True, differences=changes, started=self.workload.replica_names())
        report.reasons = {name: ["the cluster or its namespace is not there yet"] for name in report.started}
        return report

    def _apply(self) -> Report:
        """Applies every manifest and removes what is no longer one of them."""
        present = self._present()
        before = present.get(("StatefulSet", self.runner["metadata"]["name"]))
        if before is not None and self.runner["kind"] == "StatefulSet":
            require_room(self.api, self.workload.name, before, self.runner)
        wanted = {(item["kind"], item["metadata"]["name"]) for item in self.manifests}
        surplus = [found for key, found in present.items() if key not in wanted]
        # Pods of one that makes them otherwise would stand in the way of the new ones, or do the same work beside them.
        for found in surplus:
            if found["kind"] in RUNNERS and not self.dry:
                self.api.delete(found["kind"], found["metadata"]["name"])
                self._wait_no_pods()
        changes = [
            apply(self.api, item, present.get((item["kind"], item["metadata"]["name"])), self.dry)
            for item in self.manifests
        ]
        for found in surplus:
            if not self.dry:
                self.api.delete(found["kind"], found["metadata"]["name"])
            changes.append(Change(found["kind"], found["metadata"]["name"], record(found), None))
        changes = [item for item in changes if item.differs]
        removed = [f"{item.kind} {item.name}" for item in changes if item.after is None]
        return Report(changed=bool(changes), differences=changes, removed=removed)

    def _found(self) -> str:
        """What there is before anything is done. A service may keep its state in another's volumes."""
        runner = self.api.get(self.runner["kind"], self.runner["metadata"]["name"])
        if runner is not None:
            return RUNNING if runner["spec"].get("replicas") else STOPPED
        return STOPPED if self.api.list("PersistentVolumeClaim", PART) else NEW

    def _present(self) -> dict[tuple[str, str], Document]:
        kinds = [kind for kind in OWNED if kind != "Route" or self.openshift]
        label = f"{WORKLOAD_LABEL}={self.workload.name}"
        return {(kind, item["metadata"]["name"]): item for kind in kinds for item in self.api.list(kind, label)}

    def _runner_change(self, report: Report) -> Change | None:
        key = (self.runner["kind"], self.runner["metadata"]["name"])
        return next((item for item in report.differences if (item.kind, item.name) == key), None)

    def _note_starts(self, report: Report) -> None:
        change = self._runner_change(report)
        if change is None:
            return
        known = int((change.before or {"spec": {}})["spec"].get("replicas") or 0)
        report.started = self.workload.replica_names()[known:]
        for name in report.started:
            report.reasons[name] = ["is stopped" if change.before else "is not set up yet"]

    def _note_restarts(self, report: Report, names: list[str], before: View) -> None:
        change = self._runner_change(report)
        stuck = {pod["metadata"]["name"] for pod in before.pods if is_stuck(pod)}
        causes = [item.reason for item in report.differences if item.kind in ("ConfigMap", "Secret")]
        if change is not None and change.before is not None and _template(change.before) != _template(change.after):
            causes.append(change.reason)
        for name in names:
            report.restarted.append(name)
            report.reasons[name] = list(causes) or (
                ["keeps ending"] if name in stuck else ["is not of the present revision"]
            )
        report.changed = report.changed or bool(names)

    def _predicted(self, report: Report, before: View, wanted: set[str]) -> list[str]:
        change = self._runner_change(report)
        names = [pod["metadata"]["name"] for pod in before.pods if not is_going(pod)]
        if change is not None and change.before is not None and _template(change.before) != _template(change.after):
            return names
        return turns(before.pods, self._revision(before), wanted, self._pod_template).names

    def _replace(self, waiter: Waiter, report: Report, before: View, wanted: set[str]) -> list[str]:
        """Replaces pods until all are new and ready; their names."""
        view = waiter.until(
            lambda found: found.runner is not None and observed(found.runner),
            concerns=lambda pod: False,
            what="was not taken up by the cluster",
        )
        by_controller = self.runner["kind"] == "Deployment" or self.gate is None
        replaced = []
        if by_controller:
            stuck = [pod for pod in view.pods if is_stuck(pod) and not is_going(pod)]
            replaced = self._delete(stuck)
            change = self._runner_change(report)
            if change is not None and change.before is not None and _template(change.before) != _template(change.after):
                replaced += [pod["metadata"]["name"] for pod in before.pods if not is_going(pod)]
            view = self._until_complete(waiter)
            left = turns(view.pods, None, wanted)
        else:
            left = turns(view.pods, self._revision(view), wanted, self._pod_template)
        self._in_turn(waiter, left)
        self._until_complete(waiter)
        return list(dict.fromkeys([*replaced, *left.names]))

    def _in_turn(self, waiter: Waiter, left: Turns) -> None:
        self._delete([pod for pod in waiter.look().pods if pod["metadata"]["name"] in left.together])
        if left.together:
            self._until_back(waiter, left.together, ())
        for name in left.in_turn:
            self._require_gate(name)
            pods = [pod for pod in waiter.look().pods if pod["metadata"]["name"] == name]
            self._delete(pods)
            self._until_back(waiter, (name,), tuple(pod["metadata"]["uid"] for pod in pods))

    def _require_gate(self, name: str) -> None:
        if self.gate is None:
            return
        found = self.gate.wait(self.timeout)
        if found is not None:
            raise DeadlineError(
                f"The rolling restart stops before {name}: its gate did not hold for {self.timeout:.0f} s",
                why=self.mask(found),
                remedy="fix what the gate found (the replicas restarted so far are ready), then run again",
            )

    def _until_back(self, waiter: Waiter, names: tuple[str, ...], gone: tuple[str, ...]) -> None:
        """Waits until the named pods are ready and none of those that were deleted is left."""
        if self.runner["kind"] == "Deployment":
            self._until_complete(waiter)
            return

        def back(view: View) -> bool:
            found = {pod["metadata"]["name"]: pod for pod in view.pods}
            return all(
                name in found and is_ready(found[name]) and found[name]["metadata"]["uid"] not in gone for name in names
            )

        waiter.until(back, concerns=lambda pod: pod["metadata"]["name"] in names)

    def _until_complete(self, waiter: Waiter) -> View:
        return waiter.until(lambda view: view.runner is not None and complete(view.runner, view.pods))

    def _delete(self, pods: list[Document]) -> list[str]:
        for pod in pods:
            self.api.delete("Pod", pod["metadata"]["name"], uid=pod["metadata"]["uid"])
        return [pod["metadata"]["name"] for pod in pods]

    @property
    def _pod_template(self) -> Document:
        return self.runner["spec"]["template"]

    def _revision(self, view: View) -> str | None:
        if view.runner is None or view.runner["kind"] != "StatefulSet":
            return None
        return (view.runner.get("status") or {}).get("updateRevision")

    def _waiter(self) -> Waiter:
        name = self.runner["metadata"]["name"]
        return Waiter(self.api, self.workload.name, self.runner["kind"], name, self.mask, self.timeout)

    def _is_among(self, pod: Document, only: Collection[str]) -> bool:
        """Whether a pod that stays is one of the replicas named; a deployment has one, whose pod has another name."""
        named = not only or self.runner["kind"] == "Deployment" or pod["metadata"]["name"] in only
        return named and not is_going(pod)

    def _wait_no_pods(self) -> None:
        self._waiter().until(lambda view: not view.pods, what="did not end")

    def _wait_gone(self, kind: str, name: str) -> None:
        waiter = Waiter(self.api, self.workload.name, kind, name, self.mask, self.timeout)
        waiter.until(lambda view: view.runner is None and not view.pods, concerns=lambda pod: False, what="did not go")

    def _see_job_through(self, name: str) -> None:
        waiter = Waiter(self.api, self.workload.name, "Job", name, self.mask, self.timeout)
        view = waiter.until(
            lambda found: found.runner is not None and job_outcome(found.runner) is not None,
            # A pod that fails is followed by another; the job says when that is enough.
            concerns=lambda pod: (pod.get("status") or {}).get("phase") == "Pending",
            what="did not end",
        )
        outcome = job_outcome(view.runner or {})
        if outcome is None or outcome[0]:
            return
        pods = [pod for pod in view.pods if job_of(pod) == name]
        last = max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")), default=None)
        text = self.mask(
            self.api.log(last["metadata"]["name"], failing_container(last, self.workload.name)) if last else ""
        )
        cause = diagnosis.recognise(text)
        lines = diagnosis.last_lines(text) or ["(it wrote nothing)" if last else "(gone with its pod)"]
        status = exit_status(last) if last else None
        raise FailedError(
            f"{self.workload.name}: the job failed"
            + (f": {cause.what}" if cause else "")
            + (f" (exit status {status})" if status is not None else ""),
            where=f"namespace {self.api.namespace}, job {name}",
            why=self.mask(f"{outcome[1]}; its last lines are\n") + "\n".join("  " + line for line in lines),
            remedy=cause.remedy if cause else f"see the whole log: `kubectl -n {self.api.namespace} logs job/{name}`",
        )


def _template(document: Document | None) -> Any:
    return ((document or {}).get("spec") or {}).get("template")
