# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A pod of another namespace, in which nothing is denied, reaches no pod of the pipeline."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from cdc_pipeline.instance.cluster import Cluster
from cdc_pipeline.verify.checks import isolation
from cdc_pipeline.verify.probe_pod import probe_pod
from pipeline import Pipeline

_NAMESPACES = "/api/v1/namespaces"


@contextmanager
def elsewhere(pipeline: Pipeline) -> Iterator[Cluster]:
    """A namespace of its own, deleted afterwards."""
    name = f"{pipeline.cluster.namespace}-strangers"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    pipeline.cluster.call("POST", _NAMESPACES, body)
    try:
        yield Cluster(dataclasses.replace(pipeline.cluster.where, namespace=name))
    finally:
        pipeline.cluster.call("DELETE", f"{_NAMESPACES}/{name}")


def test_a_pod_of_another_namespace_reaches_no_port(pipeline: Pipeline):
    declared = pipeline.cluster.where.declared
    names = [name.replace("_", "-") for name in declared]
    known = isolation.targets({name: list(pipeline.pods(name).values()) for name in names}, declared)
    assert {"postgresql", "kafka", "kafka-connect", "schema-registry"} <= set(known)
    with elsewhere(pipeline) as cluster, probe_pod(cluster) as pod:
        address = pod.resolve(f"kubernetes.default.svc.{cluster.where.domain}")
        assert address.replace(".", "").isdigit(), f"it reaches the cluster's DNS: {address}"
        found = isolation._outcomes(pod, known, {})
    outcomes = {f"{name} {port}": outcome for name, ports in found.items() for port, outcome in ports.items()}
    assert set(outcomes.values()) == {"timed out"}, outcomes
