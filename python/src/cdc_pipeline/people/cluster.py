"""People at the servers of a pipeline in a cluster, which know them by a secret. The kubelets bring it into the pods.

That takes up to one and a half minutes. Each pod is asked by a tunnel through the API server, whatever way in there is.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cdc_pipeline.endpoints import Endpoints
from cdc_pipeline.instance.answer import ClusterError
from cdc_pipeline.instance.cluster import Cluster, ready
from cdc_pipeline.people.logins import Person, texts
from cdc_pipeline.people.place import UnansweredError
from cdc_pipeline.people.standing import Standing
from cdc_pipeline.people.store import SECONDS, judge, shell_command, shell_input, silent
from cdc_pipeline.people.web import STANDINGS

# As the manifests of the workloads name it.
SECRET = "people"
STORE = "object-store"
_LABELS = {
    "app.kubernetes.io/name": SECRET,
    "app.kubernetes.io/part-of": "cdc-pipeline",
    "app.kubernetes.io/managed-by": "cdc",
}
_MANAGER = "cdc-user"
_PORT = "http"


def write_secret(cluster: Cluster, people: Iterable[Person]) -> bool:
    """Makes the secret be as the people are; whether it was not.

    Raises:
        UnansweredError: the cluster refuses.
    """
    data = {name: base64.b64encode(text.encode()).decode() for name, text in texts(people).items()}
    path = cluster.path("secrets", SECRET)
    try:
        if _data(cluster, path) == data:
            return False
        metadata = {"name": SECRET, "labels": _LABELS}
        body = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data}
        cluster.call("PATCH", path, body, kind="application/apply-patch+yaml", fieldManager=_MANAGER, force="true")
    except ClusterError as error:
        where = f"the secret {SECRET} in the namespace {cluster.namespace}"
        raise UnansweredError(f"{where} cannot be written: {error}") from None
    return True


def _data(cluster: Cluster, path: str) -> dict[str, str] | None:
    try:
        return cluster.get(path).get("data") or {}
    except ClusterError as error:
        if error.status != 404:
            raise
        return None


@dataclass(frozen=True)
class PodServer:
    """A server in pods, each of which reads its file of people at each request.

    Attributes:
        ca: PEM file of the authorities to trust.
        path: what every login may read.
    """

    title: str
    cluster: Cluster
    workload: str
    ca: str
    path: str

    def standing(self, person: Person) -> dict[str, Standing]:
        """Of each pod.

        Raises:
            OSError: a pod does not answer, or not as it should, or there is none.
        """
        found = {}
        try:
            for pod in self._pods():
                status = self.cluster.status_of(pod, _PORT, self.path, person.login, self.ca)
                name = pod["metadata"]["name"]
                if status not in STANDINGS:
                    raise OSError(f"pod {name}: status {status}")
                found[f"pod {name}"] = STANDINGS[status]
        except ClusterError as error:
            raise OSError(str(error)) from None
        return found

    def admit(self, person: Person) -> None:
        """Nothing: the file has their line soon."""

    def dismiss(self, person: Person) -> None:
        """Nothing: soon the file has their line no more."""

    def _pods(self) -> list[dict[str, Any]]:
        found = self.cluster.pods(self.workload)
        away = [pod["metadata"]["name"] for pod in found if not ready(pod)]
        if away or not found:
            raise OSError(f"pod {', '.join(away)} is not ready" if away else f"no pod of {self.workload} is there")
        return found


@dataclass(frozen=True)
class PodRegistry(PodServer):
    """The schema registry, which reads its file when it starts.

    Attributes:
        says: tells the user.
    """

    says: Callable[[str], None]

    def admit(self, person: Person) -> None:
        self._restart()

    def dismiss(self, person: Person) -> None:
        self._restart()

    def _restart(self) -> None:
        """
        Raises:
            OSError: the cluster refuses.
        """
        self.says(
            f"{self.title}: its pod is replaced, because it reads its users only at its start. Until the new pod "
            "is ready, it does not answer, and its clients wait."
        )
        try:
            for pod in self.cluster.pods(self.workload):
                self.cluster.delete("pods", pod["metadata"]["name"])
        except ClusterError as error:
            raise OSError(str(error)) from None


def pod_servers(cluster: Cluster, home: Path, archive: bool, monitoring: bool) -> list[PodServer]:
    """Those that read their logins at each request. ``archive``, ``monitoring``: whether these run."""
    known = [("Kafka Connect", "kafka-connect", "/connectors"), ("the watchdog", "connectors", "/status")]
    known += [("the archive", "archive", "/metrics")] if archive else []
    known += [("monitoring", "monitor", "/api/dashboards")] if monitoring else []
    return [PodServer(title, cluster, workload, _trusted(home, workload), path) for title, workload, path in known]


def pod_registry(cluster: Cluster, home: Path, endpoints: Endpoints, says: Callable[[str], None]) -> PodRegistry:
    """The schema registry."""
    path = f"{urlsplit(endpoints.schema_registry.url).path}/subjects"
    return PodRegistry("the schema registry", cluster, "schema-registry", _trusted(home, "schema-registry"), path, says)


def _trusted(home: Path, workload: str) -> str:
    """What clients of the pods trust, also where those of a router trust something else."""
    return str(home / "trust" / f"{workload.replace('-', '_')}.pem")


def shell_in(cluster: Cluster) -> Callable[[str], None]:
    """The shell of a store in a pod. It raises OSError where the store refuses."""

    def run(line: str) -> None:
        try:
            pod = next(pod["metadata"]["name"] for pod in cluster.pods(STORE) if ready(pod))
            # With what the kubelet has filled in.
            server = cluster.execute(pod, ["cat", "/proc/1/cmdline"]).out.rstrip("\0").split("\0")
            done = cluster.execute(pod, shell_command(tuple(server)), seconds=SECONDS, text=shell_input(line))
        except StopIteration:
            raise OSError("its pod is not ready") from None
        except ClusterError as error:
            raise (silent() if "takes longer" in str(error) else OSError(str(error))) from None
        judge(done.code, done.err)

    return run


def runs_store(cluster: Cluster) -> bool:
    """Whether the pipeline runs the store itself.

    Raises:
        UnansweredError: the cluster refuses.
    """
    try:
        return bool(cluster.controllers(STORE))
    except ClusterError as error:
        raise UnansweredError(f"the pods in the namespace {cluster.namespace} cannot be queried: {error}") from None
