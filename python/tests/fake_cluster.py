"""A cluster of made-up objects: lists and objects by their path, and what commands in pods give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cdc_pipeline.instance.answer import ClusterError, Output
from cdc_pipeline.instance.cluster import Cluster
from cdc_pipeline.instance.plan_cluster import ClusterAccess

NAMESPACE = "/api/v1/namespaces/data-ingestion"
APPS = "/apis/apps/v1/namespaces/data-ingestion"
MIB = 1024**2


class FakeCluster(Cluster):
    """``objects``: by path, a list for a list, a function for what it gives at each call."""

    def __init__(self, objects: Mapping[str, Any], commands: Callable[[str, Sequence[str]], Output] | None = None):
        self.where = ClusterAccess(probe_image="probe:1")
        self.namespace = self.where.namespace
        self.objects = dict(objects)
        self.commands = commands
        self.calls: list[tuple[str, str, Any]] = []
        self.inputs: list[str] = []

    def call(self, method: str, path: str, body: object = None, **query: object) -> Any:
        self.calls.append((method, path, body))
        if method == "POST":
            return {**body, "metadata": {**body["metadata"], "uid": "u"}}
        if method == "DELETE":
            return {}
        if method == "PATCH":
            self.objects[path] = body
            return body
        found = self.objects.get(path, [] if path.startswith((NAMESPACE, APPS)) else None)
        found = found() if callable(found) else found
        if found is None:
            raise ClusterError(f"{path} not found", 404)
        if not isinstance(found, list):
            return found
        name = str(query.get("labelSelector", "")).partition("app.kubernetes.io/name=")[2]
        return {
            "items": [each for each in found if name in ("", each["metadata"]["labels"].get("app.kubernetes.io/name"))]
        }

    def execute(
        self, pod: str, command: Sequence[str], container: str = "", seconds: float = 20, text: str = ""
    ) -> Output:
        assert self.commands is not None
        self.inputs.append(text)
        return self.commands(pod, command)


def pod(name: str, workload: str, ready: bool = True, node: str = "n1", limit: str = "64Mi", **status: Any) -> dict:
    resources = {"requests": {"memory": limit}, "limits": {"memory": limit}} if limit else {}
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": {"app.kubernetes.io/name": workload}},
        "spec": {"nodeName": node, "containers": [{"name": workload, "resources": resources}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False", "message": "not yet"}],
            **status,
        },
    }


def controller(name: str, replicas: int = 1, **status: Any) -> dict:
    return {
        "metadata": {"name": name, "generation": 2, "labels": {"app.kubernetes.io/name": name}},
        "spec": {"replicas": replicas},
        "status": {"observedGeneration": 2, "updatedReplicas": replicas, **status},
    }


def node(name: str, ready: str = "True", version: str = "v1.34.4", runtime: str = "containerd://1.7", **pressed: str):
    conditions = [{"type": kind, "status": status} for kind, status in {"Ready": ready, **pressed}.items()]
    info = {"kubeletVersion": version, "containerRuntimeVersion": runtime}
    return {"metadata": {"name": name, "labels": {}}, "status": {"conditions": conditions, "nodeInfo": info}}


def stats(workloads: Mapping[str, int], seconds: float = 1.5) -> dict:
    """Working sets in MiB by the pod's name."""
    return {
        "pods": [
            {
                "podRef": {"uid": f"uid-{name}"},
                "containers": [
                    {
                        "memory": {"workingSetBytes": amount * MIB},
                        "cpu": {"time": "2026-01-01T00:00:00Z", "usageCoreNanoSeconds": int(seconds * 1e9)},
                    }
                ],
            }
            for name, amount in workloads.items()
        ]
    }
