# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Routes, OpenShift's way in, and the ports that clients outside of the cluster reach."""

from __future__ import annotations

from ...spec.model import Port
from ..pods import Pods
from .labels import Manifest, labelled


def from_outside(made: Pods) -> list[Port]:
    """The ports that clients outside of the cluster reach. OpenShift's router leads to what is routable alone."""
    if made.cluster.openshift and made.workload.name not in made.cluster.routable:
        return []
    return [port for port in made.workload.ports.values() if port.is_outside]


def _termination(made: Pods) -> Manifest:
    """The router encrypts again towards pods that encrypt, and checks their certificate."""
    if made.workload.name not in made.cluster.encrypted:
        return {"termination": "edge"}
    ca = made.cluster.encrypted[made.workload.name]
    return {"termination": "reencrypt", **({"destinationCACertificate": ca} if ca else {})}


def route(made: Pods, port: Port) -> Manifest:
    """OpenShift's way in. Without a host, its router names it after the route, the namespace and its own domain."""
    spec: Manifest = {
        "to": {"kind": "Service", "name": made.workload.name, "weight": 100},
        "port": {"targetPort": port.name.replace("_", "-")},
        "tls": {**_termination(made), "insecureEdgeTerminationPolicy": "Redirect"},
        "wildcardPolicy": "None",
    }
    name = f"{made.workload.name}-{port.name}".replace("_", "-")
    if made.cluster.route_domain:
        spec["host"] = f"{name}-{made.cluster.namespace}.{made.cluster.route_domain}"
    return labelled("route.openshift.io/v1", "Route", name, made, spec=spec)
