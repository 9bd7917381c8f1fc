# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How a workload's pods are reached, in the cluster and from outside."""

from __future__ import annotations

from collections.abc import Mapping

from ...spec.access import uses_node_ports
from ...spec.model import Port
from ..pods import Pods, headless
from .labels import Manifest, labelled, selector_labels
from .route import from_outside, route


def services(made: Pods) -> list[Manifest]:
    """Services for clients in the cluster, and what leads to the pods from outside."""
    workload = made.workload
    if not workload.ports:
        return []
    ports = [_service_port(port) for port in workload.ports.values()]
    selector = selector_labels(workload.name)
    found = [
        # Members of a quorum look for each other before they are ready.
        labelled(
            "v1",
            "Service",
            headless(workload),
            made,
            spec={"clusterIP": "None", "publishNotReadyAddresses": True, "selector": selector, "ports": ports},
        ),
        labelled(
            "v1", "Service", workload.name, made, spec={"type": "ClusterIP", "selector": selector, "ports": ports}
        ),
    ]
    if made.cluster.openshift:
        return found + [route(made, port) for port in from_outside(made)]
    for port in workload.ports.values():
        if port.node_port is None or not uses_node_ports(made.cluster.access):
            continue
        if not port.step:
            found.append(_node_port(made, port, f"{workload.name}-{port.name}-outside", selector, 0))
            continue
        # A client that was told the address of one replica must reach that one.
        for ordinal, name in enumerate(workload.replica_names()):
            own = {**selector, "statefulset.kubernetes.io/pod-name": name}
            found.append(_node_port(made, port, f"{name}-{port.name}-outside", own, port.step * ordinal))
    return found


def _service_port(port: Port) -> Manifest:
    return {"name": port.name.replace("_", "-"), "port": port.port, "targetPort": port.name.replace("_", "-")}


def _node_port(made: Pods, port: Port, name: str, selector: Mapping[str, str], add: int) -> Manifest:
    ports = [{**_service_port(port), "nodePort": (port.node_port or 0) + add}]
    if port.outside_port is not None:
        ports[0]["targetPort"] = port.outside_port
    spec = {"type": "NodePort", "externalTrafficPolicy": "Cluster", "selector": dict(selector), "ports": ports}
    return labelled("v1", "Service", name.replace("_", "-"), made, spec=spec)
