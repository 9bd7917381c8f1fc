"""A namespace of a cluster by the cluster's API. Objects are plain data, as in YAML."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cdc_pipeline.endpoints import Login
from cdc_pipeline.instance.answer import ClusterError, Object, Output
from cdc_pipeline.instance.plan_cluster import ClusterAccess
from cdc_pipeline.instance.pod_choice import choose

_EXEC_SECONDS = 20.0
_ASK_SECONDS = 10.0
# But not the pods that checks run, which may have a workload's labels.
_PART_OF = "app.kubernetes.io/part-of=cdc-pipeline,!cdc-pipeline/cdc-verify"


class Cluster:
    """May be used by several threads.

    Raises:
        ClusterError: there is no kubeconfig, or it has no such context.
    """

    def __init__(self, where: ClusterAccess) -> None:
        self.where = where
        self.namespace = where.namespace
        self._headers: dict[str, str] = {}
        # It takes time to load, and the runtime local, which knows this module too, does without.
        from cdc_pipeline.instance.cluster_client import Client

        self._client = Client(where)

    def call(self, method: str, path: str, body: object = None, kind: str = "application/json", **query: object) -> Any:
        """The answer to a request, as data.

        Args:
            kind: of the body; `application/merge-patch+json` where it is a patch.
            query: with the names as in the API, such as ``labelSelector``.

        Raises:
            ClusterError: the API refuses, or does not answer.
        """
        return self._client.request(method, path, list(query.items()), {**self._headers, "Content-Type": kind}, body)

    def acting_as(self, account: str) -> Cluster:
        """The cluster as a service account of the namespace sees it, there or not; takes the right to impersonate."""
        other = copy.copy(self)
        other._headers = {**self._headers, "Impersonate-User": f"system:serviceaccount:{self.namespace}:{account}"}
        return other

    def get(self, path: str, **query: object) -> Any:
        return self.call("GET", path, **query)

    def items(self, path: str, **query: object) -> list[Object]:
        """The objects of a list."""
        return self.get(path, **query)["items"]

    def path(self, resource: str, name: str = "", group: str = "v1") -> str:
        """The path of a resource, or of an object, in the namespace.

        Args:
            resource: in the plural, as `pods`.
            group: with its version, as `apps/v1`.
        """
        root = f"/api/{group}" if group == "v1" else f"/apis/{group}"
        return f"{root}/namespaces/{self.namespace}/{resource}" + (f"/{name}" if name else "")

    def create(self, body: Object, resource: str, group: str = "v1") -> Object:
        return self.call("POST", self.path(resource, group=group), body)

    def delete(self, resource: str, name: str, group: str = "v1", **options: object) -> None:
        """Deletes an object, if it is there.

        Args:
            options: of the deletion, such as ``gracePeriodSeconds``.
        """
        try:
            self.call("DELETE", self.path(resource, name, group), dict(options))
        except ClusterError as error:
            if error.status != 404:
                raise

    def pods(self, workload: str = "") -> list[Object]:
        """The pods of a workload, or of all; those that are being deleted do not count."""
        found = self.items(self.path("pods"), labelSelector=_selector(workload))
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def controllers(self, workload: str = "") -> list[Object]:
        """What makes the pods of a workload, or of all: StatefulSets and Deployments."""
        selector = _selector(workload)
        return [
            item
            for resource in ("statefulsets", "deployments")
            for item in self.items(self.path(resource, group="apps/v1"), labelSelector=selector)
        ]

    def nodes(self) -> list[Object] | None:
        """The nodes; None where the user may not see what belongs to the whole cluster."""
        try:
            return self.items("/api/v1/nodes")
        except ClusterError as error:
            if error.status == 403:
                return None
            raise

    def execute(
        self, pod: str, command: Sequence[str], container: str = "", seconds: float = _EXEC_SECONDS, text: str = ""
    ) -> Output:
        """Runs a command in a pod's container.

        Args:
            text: its input, where it ends by something in that.

        Raises:
            ClusterError: it cannot be run, or takes too long.
        """
        return self._client.execute(self.namespace, pod, container, command, seconds, text)

    def log(
        self, pod: str, container: str, lines: int | None, since: dt.datetime | None = None, follow: bool = False
    ) -> Iterator[str]:
        """The lines of a container's log.

        Args:
            lines: how many of its last ones; None for all.
            since: none from before this time, which has a zone.
            follow: whether to continue with each new one until the container ends.

        Raises:
            ClusterError: it cannot be read.
        """
        return self._client.log(self.namespace, pod, container, lines, since, follow)

    def tunnel(self, workload: str, ordinal: int | None, port: int, client: socket.socket) -> None:
        """Carries everything between a connection and a port of a workload's pod until one of them closes.

        Args:
            ordinal: of the replica; None for any.

        Raises:
            ClusterError: there is no such pod that runs, or the API refuses.
        """
        pod = choose(self.pods(workload), workload, ordinal)
        if pod is None:
            raise ClusterError(f"no pod of {workload} runs")
        self._client.tunnel(self.path("pods", pod), port, client)

    def ask_ready(
        self, pod: Mapping[str, Any], seconds: float = _ASK_SECONDS, login: Login | None = None, ca: str = ""
    ) -> bytes:
        """What a pod answers to its readiness probe, whether it is ready or not; nothing where it has none by HTTP.

        Args:
            login: without which a service that asks for one tells a status alone.
            ca: PEM file of the authorities to trust, where the probe is by HTTPS.

        Raises:
            ClusterError: the API refuses, or nothing answers.
        """
        for container in pod["spec"]["containers"]:
            probe = (container.get("readinessProbe") or {}).get("httpGet")
            if probe:
                ports = {each.get("name"): each["containerPort"] for each in container.get("ports") or ()}
                port = int(ports.get(probe["port"], probe["port"]))
                trusted = ca if probe.get("scheme") == "HTTPS" else None
                return self._ask(pod["metadata"]["name"], port, probe.get("path") or "/", seconds, login, trusted)
        return b""

    def connect(self, pod: str, port: int, failed: Callable[[Exception], None]) -> socket.socket:
        """A connection to a pod's port, whatever policies say of the pod.

        It is there before the pod has been asked. Where the pod cannot be reached, the connection ends.

        Args:
            failed: takes the reason, before the connection ends.
        """
        ours, theirs = socket.socketpair()

        def carry() -> None:
            try:
                self._client.tunnel(self.path("pods", pod), port, theirs)
            except Exception as error:
                failed(error)
            finally:
                theirs.close()

        threading.Thread(target=carry, daemon=True).start()
        return ours

    def _ask(self, pod: str, port: int, path: str, seconds: float, login: Login | None, ca: str | None) -> bytes:
        problems: list[Exception] = []
        # It takes time to load.
        from cdc_pipeline.clients.http import get_over

        with contextlib.closing(self.connect(pod, port, problems.append)) as ours:
            try:
                # A pod's name is in no certificate.
                return get_over(ours, pod if ca is None else "localhost", path, seconds, login, ca)
            except OSError as error:
                raise ClusterError(f"pod {pod} does not answer on port {port}: {(problems or [error])[0]}") from None

    def status_of(self, pod: Mapping[str, Any], port: str, path: str, login: Login, ca: str) -> int:
        """The HTTP status of a pod's answer to a request with a login, by HTTPS.

        Args:
            port: its name.
            ca: PEM file of the authorities to trust.

        Raises:
            ClusterError: the API refuses, or nothing answers.
        """
        from cdc_pipeline.clients.http import answer_over

        numbers = {
            each.get("name"): each["containerPort"]
            for one in pod["spec"]["containers"]
            for each in one.get("ports", ())
        }
        name, problems = pod["metadata"]["name"], list[Exception]()
        with contextlib.closing(self.connect(name, int(numbers[port]), problems.append)) as ours:
            try:
                # A pod's name is in no certificate.
                return answer_over(ours, "localhost", path, _ASK_SECONDS, login, ca)[0]
            except OSError as error:
                raise ClusterError(f"pod {name} does not answer on port {port}: {(problems or [error])[0]}") from None

    def stats(self, nodes: Sequence[str]) -> dict[str, Object]:
        """What the kubelets of these nodes measured of each pod, by the pod's uid.

        The figures are up to some fifteen seconds old; a pod that has just started is not among them.
        """
        found = {}
        for node in nodes:
            answer = self.get(f"/api/v1/nodes/{node}/proxy/stats/summary", only_cpu_and_memory="true")
            found.update({pod["podRef"]["uid"]: pod for pod in answer.get("pods", ())})
        return found


def _selector(workload: str) -> str:
    return f"{_PART_OF},app.kubernetes.io/name={workload}" if workload else _PART_OF


def ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod's containers all run and pass their probes."""
    conditions = pod.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def trouble(pod: Mapping[str, Any]) -> str:
    """Why a pod is not ready, in the cluster's words."""
    status = pod.get("status", {})
    for each in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        for state in (each.get("state", {}), each.get("lastState", {})):
            for name in ("waiting", "terminated"):
                reason = state.get(name, {}).get("reason", "")
                if reason and reason != "Completed":
                    message = state[name].get("message", "")
                    return f"{each['name']}: {reason}" + (f", {message}" if message else "")
    unmet = [each.get("message", "") for each in status.get("conditions", ()) if each["status"] != "True"]
    return next((text for text in unmet if text), status.get("phase", "unknown"))
