"""Logs of pods, as the cluster's API gives them."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from dataclasses import dataclass

from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.log_lines import Source
from cdc_pipeline.cli.pods import cluster_of, workload_of
from cdc_pipeline.instance.answer import ClusterError
from cdc_pipeline.instance.cluster import Cluster

# A container that starts again has a new log, which takes a moment to be there.
_PAUSE = 1.0


@dataclass(frozen=True)
class PodLog:
    """The log of a pod's first container."""

    cluster: Cluster
    pod: str
    container: str
    node: str

    @property
    def place(self) -> str:
        return f"on {self.node}" if self.node else "on no node yet"

    def last(self, count: int | None, since: dt.datetime | None) -> Iterator[str]:
        return self._lines(count, since, follow=False)

    def follow(self, count: int | None, since: dt.datetime | None) -> Iterator[str]:
        starts, running = self._runs()
        while starts is not None:
            yield from self._lines(count, since, follow=True)
            time.sleep(_PAUSE)
            before = starts
            starts, running = self._runs()
            # Only a new container's log is read from its beginning; of one that has ended nothing more comes.
            while starts == before and not running:
                time.sleep(_PAUSE)
                starts, running = self._runs()
            count, since = (0 if starts == before else None), None

    def _runs(self) -> tuple[int | None, bool]:
        """How often the container was started again, None where the pod is gone, and whether it runs."""
        try:
            pod = self.cluster.get(self.cluster.path("pods", self.pod))
        except ClusterError as error:
            if error.status == 404:
                return None, False
            raise CdcError(f"The pod {self.pod} cannot be queried: {error}") from None
        statuses = (pod.get("status") or {}).get("containerStatuses") or ()
        mine = next((each for each in statuses if each["name"] == self.container), {})
        return int(mine.get("restartCount") or 0), "running" in (mine.get("state") or {})

    def _lines(self, count: int | None, since: dt.datetime | None, follow: bool) -> Iterator[str]:
        try:
            yield from self.cluster.log(self.pod, self.container, count, since, follow)
        except ClusterError as error:
            # A container that is only being made has no log yet.
            if error.status != 400:
                raise CdcError(f"The log of the pod {self.pod} cannot be read: {error}") from None


def pod_sources(instance: Instance) -> tuple[dict[str, Source], dict[str, str]]:
    """As :func:`cdc_pipeline.cli.logs.sources`."""
    cluster = cluster_of(instance)
    try:
        pods = cluster.pods()
    except ClusterError as error:
        raise CdcError(f"The pods in the namespace {cluster.namespace} cannot be queried: {error}") from None
    found: dict[str, Source] = {}
    for pod in sorted(pods, key=lambda pod: pod["metadata"]["name"]):
        name = pod["metadata"]["name"]
        container = pod["spec"]["containers"][0]["name"]
        found[name] = PodLog(cluster, name, container, pod["spec"].get("nodeName") or "")
    return found, {pod["metadata"]["name"]: workload_of(pod) for pod in pods}
