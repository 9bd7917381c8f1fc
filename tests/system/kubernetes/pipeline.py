# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A pipeline in a cluster: its pods, its connector's tasks, and verify."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cdc_pipeline.instance.answer import Object
from cdc_pipeline.instance.cluster import Cluster, ready, trouble
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.plan import Plan, read_plan
from cdc_pipeline.verify.checks import steps_of
from cdc_pipeline.verify.runner import choose, run
from components import WORKLOADS
from waiting import until

# What is looked at after a fault; what cannot have changed by it is left out.
_COMPONENTS = (*WORKLOADS, "end_to_end", "memory", "services", "workload")
_WORKLOAD = "app.kubernetes.io/name"


@dataclass(frozen=True)
class Pipeline:
    """``file``: the plan's own."""

    plan: Plan
    cluster: Cluster
    file: Path

    @classmethod
    def read(cls, endpoints: Path, kubeconfig: str, namespace: str) -> Pipeline:
        """The pipeline that playbooks/verify.yml has described beside its endpoints."""
        file = endpoints.with_name("verify-plan.json")
        plan = read_plan(file)
        assert plan.cluster is not None, f"{file} is of the runtime {plan.runtime}"
        access = dataclasses.replace(plan.cluster, kubeconfig=kubeconfig, namespace=namespace or plan.cluster.namespace)
        return cls(dataclasses.replace(plan, cluster=access), Cluster(access), file)

    def again(self) -> Pipeline:
        """The same one, as it has been described since."""
        where = self.cluster.where
        return Pipeline.read(self.file.with_name("endpoints.json"), where.kubeconfig, where.namespace)

    def context(self) -> Context:
        """A new one: it remembers what it has seen."""
        return Context(self.plan)

    def pods(self, workload: str = "") -> dict[str, Object]:
        """Those that are there to stay, by name."""
        return {pod["metadata"]["name"]: pod for pod in self.cluster.pods(workload)}

    def pod_of(self, workload: str, ordinal: int = 0) -> Object:
        """One of a workload's pods, in the order of their names."""
        found = sorted(self.pods(workload).items())
        assert len(found) > ordinal, f"{workload} has {len(found)} pods"
        return found[ordinal][1]

    def troubles(self) -> dict[str, str]:
        """Pods that are not ready, pods that are missing, and tasks that do not run, with the reason."""
        controllers, pods = self.cluster.controllers(), self.pods()
        found = {name: trouble(pod) for name, pod in pods.items() if not ready(pod)}
        there = Counter(pod["metadata"]["labels"][_WORKLOAD] for pod in pods.values())
        for each in controllers:
            name, wanted = each["metadata"]["labels"][_WORKLOAD], each["spec"].get("replicas", 1)
            if there[name] != wanted:
                found[name] = f"{there[name]} of {wanted} pods"
        return found or self.idle_tasks()

    def status(self) -> dict[str, Any]:
        """The CDC connector's, from any worker that answers.

        Raises:
            httpx.HTTPError: none does.
        """
        name = self.plan.expected.connectors.names[0]
        with self.context().kafka_connect as client:
            return client.get(f"/connectors/{name}/status").raise_for_status().json()

    def idle_tasks(self) -> dict[str, str]:
        """What of the CDC connector does not run."""
        try:
            status = self.status()
        except httpx.HTTPError as error:
            return {"connector": str(error)}
        states = {"connector": status["connector"], **{f"task {each['id']}": each for each in status["tasks"]}}
        found = {name: each["state"] for name, each in states.items() if each["state"] != "RUNNING"}
        return found if status["tasks"] else {**found, "tasks": "none"}

    def settled(self, seconds: float) -> float:
        """Waits until every pod is ready and the connector runs; gives the seconds that took."""
        began = time.monotonic()
        until(self.troubles, lambda found: not found, seconds, "all pods ready, all tasks running", pause=1)
        return time.monotonic() - began

    def verify(self, components: Iterable[str] = _COMPONENTS) -> None:
        """Everything that verify proves holds, the archive's tiling included."""
        steps = choose(steps_of(self.plan), components, False, True)[0]
        findings = run(steps, self.context())
        wrong = {each.id: json.dumps(each.as_record(), default=str) for each in findings if not each.ok}
        assert findings and not wrong, "\n".join(wrong.values())
        assert not [
            each for each in self.plan.archived_topics if f"archive.covered.{each}" not in {f.id for f in findings}
        ]
        print(f"verify: all {len(findings)} checks ok")
