"""Pods that a check runs for a moment: as restricted as the pipeline's own, and gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cdc_pipeline.instance.answer import ClusterError, Object, Output
from cdc_pipeline.instance.cluster import Cluster, trouble
from cdc_pipeline.wait import wait_for

NAME = "cdc-verify"
_READY_SECONDS = 60.0
# An interrupted run leaves none behind for longer.
_LONGEST_SECONDS = 600
# Of the reasons for which a pod waits, those that time does not fix.
_HOPELESS = ("ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError")
_USER = 10001
# Connects, and says how that went; the first argument is the time it may take.
_CONNECT = """\
import socket, sys
try:
    socket.create_connection((sys.argv[2], int(sys.argv[3])), float(sys.argv[1])).close()
except OSError as error:
    print(type(error).__name__ + ': ' + str(error)); sys.exit(1)
print('connected')
"""
_RESOLVE = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"


@dataclass(frozen=True)
class Wanted:
    """What kind of pod it is to be.

    Attributes:
        labels: instead of those of :data:`NAME`; with a workload's labels, its network policies hold for the pod.
        node: where it runs; any by default.
        claims: name of the persistent volume claim at each path.
        served: whether services may send requests to it. With a workload's labels it must not be.
        egress: `dns`: may ask for names; `none`: only what other policies say.
        memory_mib: its limit.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    node: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)
    served: bool = False
    egress: str = "none"
    memory_mib: int = 96


@dataclass(frozen=True)
class ProbePod:
    """A pod that runs and waits for commands."""

    cluster: Cluster
    pod: Object

    @property
    def name(self) -> str:
        return self.pod["metadata"]["name"]

    @property
    def node(self) -> str:
        return self.pod["spec"]["nodeName"]

    def python(self, code: str, *arguments: str, seconds: float = 20.0) -> Output:
        """Runs a piece of Python.

        Raises:
            ClusterError: it cannot be run.
        """
        command = [self.cluster.where.probe_python, "-c", code, *arguments]
        return self.cluster.execute(self.name, command, NAME, seconds)

    def connect(self, host: str, port: int, seconds: float = 3.0) -> str:
        """`connected`, or why not: `TimeoutError: timed out` where a policy drops what is sent."""
        return self.python(_CONNECT, str(seconds), host, str(port), seconds=seconds + 15).out.strip()

    def resolve(self, name: str) -> str:
        """The address of a name, or the error."""
        output = self.python(_RESOLVE, name)
        return output.out.strip() if output.code == 0 else output.err.strip().rpartition("\n")[2]


@contextmanager
def probe_pod(cluster: Cluster, wanted: Wanted | None = None) -> Iterator[ProbePod]:
    """A pod of one's own, deleted at the end with all that came with it.

    Raises:
        ClusterError: it is refused, or does not become ready, and why.
    """
    wanted = wanted or Wanted()
    if not cluster.where.probe_image:
        raise ClusterError("the plan names no cluster.probe_image, an image with Python for the pods that checks run")
    name = f"{NAME}-{secrets.token_hex(4)}"
    pod = cluster.create(manifest(cluster, name, wanted), "pods")
    try:
        if wanted.egress == "dns":
            cluster.create(dns_policy(cluster, name, pod["metadata"]["uid"]), "networkpolicies", "networking.k8s.io/v1")
        yield ProbePod(cluster, started(cluster, name))
    finally:
        cluster.delete("pods", name, gracePeriodSeconds=0)


def started(cluster: Cluster, name: str) -> Object:
    """The pod once its container runs.

    Raises:
        ClusterError: it does not, and why.
    """

    def hopeless(pod: Object) -> bool:
        return any(trouble(pod).startswith(f"{NAME}: {reason}") for reason in _HOPELESS)

    pod = wait_for(
        lambda: cluster.get(cluster.path("pods", name)),
        lambda pod: running(pod) or hopeless(pod) or pod["status"].get("phase") in ("Failed", "Succeeded"),
        _READY_SECONDS,
        pause=0.3,
    )
    if not running(pod):
        raise ClusterError(f"pod {name} does not start: {trouble(pod)}")
    return pod


def running(pod: Mapping[str, Any]) -> bool:
    """Whether all containers run, ready to serve or not."""
    statuses = pod.get("status", {}).get("containerStatuses", ())
    return bool(statuses) and all("running" in each.get("state", {}) for each in statuses)


def manifest(cluster: Cluster, name: str, wanted: Wanted) -> Object:
    """The pod, valid under the Pod Security Standard `restricted`."""
    where = cluster.where
    # OpenShift gives each namespace its own users and groups, and refuses others.
    user = {} if where.access == "routes" else {"runAsUser": _USER, "runAsGroup": _USER, "fsGroup": _USER}
    spec: Object = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": _LONGEST_SECONDS,
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, **user, "seccompProfile": {"type": "RuntimeDefault"}},
        "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
        "containers": [
            {
                "name": NAME,
                "image": where.probe_image,
                "imagePullPolicy": "IfNotPresent",
                "command": [where.probe_python, "-c", f"import time; time.sleep({_LONGEST_SECONDS})"],
                "resources": {
                    "requests": {"cpu": "10m", "memory": "32Mi"},
                    "limits": {"cpu": "500m", "memory": f"{wanted.memory_mib}Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": f"claim-{number}", "mountPath": path} for number, path in enumerate(wanted.claims)
                ],
            }
        ],
        "volumes": [
            {"name": f"claim-{number}", "persistentVolumeClaim": {"claimName": claim}}
            for number, claim in enumerate(wanted.claims.values())
        ],
    }
    if wanted.node:
        # Not nodeName, which passes the scheduler by: a volume is made where the scheduler puts its pod.
        spec["nodeSelector"] = {"kubernetes.io/hostname": wanted.node}
    if where.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": each} for each in where.image_pull_secrets]
    if not wanted.served:
        # A condition that nobody sets: the pod never counts as ready.
        spec["readinessGates"] = [{"conditionType": "cdc-pipeline/served"}]
    labels = {"app.kubernetes.io/name": NAME, **wanted.labels, f"cdc-pipeline/{NAME}": name}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def dns_policy(cluster: Cluster, name: str, uid: str) -> Object:
    """Lets a probe pod ask for names; the cluster removes it with the pod."""
    owner = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": NAME}, "ownerReferences": [owner]},
        "spec": {
            "podSelector": {"matchLabels": {f"cdc-pipeline/{NAME}": name}},
            "policyTypes": ["Egress"],
            "egress": [
                {
                    "to": [{"namespaceSelector": {}}],
                    "ports": [
                        {"protocol": protocol, "port": port} for port in (53, 5353) for protocol in ("UDP", "TCP")
                    ],
                }
            ],
        },
    }
