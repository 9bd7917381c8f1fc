# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which ports of the controller lead to which ports of pods. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..spec.access import HOST_PORTS, PORT_FORWARD, ROUTES, outside_port
from ..spec.entry import parse_entry
from .pods import Cluster


@dataclass(frozen=True)
class Forward:
    """One port here, and the pod's. ``ordinal`` is None for any replica."""

    host: str
    port: int
    workload: str
    ordinal: int | None
    pod_port: int

    def shown(self) -> str:
        pod = self.workload if self.ordinal is None else f"{self.workload}-{self.ordinal}"
        return f"{self.host}:{self.port} to {pod}:{self.pod_port}"


def forwards(catalogue: Mapping[str, Any], cluster: Cluster) -> list[Forward]:
    """The ports of ``catalogue`` (cdc_endpoints) that are reached by forwarding.

    Raises:
        SpecError: an entry is wrong.
    """
    if cluster.access not in (HOST_PORTS, PORT_FORWARD, ROUTES):
        return []
    found = []
    for component in catalogue:
        entry = parse_entry(catalogue, component)
        if not entry.managed or (cluster.access == ROUTES and entry.routable):
            continue
        for port in entry.ports.values():
            if port["node_port"] is None and not port["expose"]:
                continue
            for ordinal in range(entry.replicas) if port["step"] else (None,):
                add = port["step"] * (ordinal or 0)
                number = outside_port(cluster.access, port["port"], port["node_port"], add, cluster.port_offset)
                if cluster.access == HOST_PORTS and number not in cluster.unmapped:
                    continue
                pod_port = port["outside_port"] or port["port"]
                workload = component.replace("_", "-")
                found.append(Forward(cluster.external_host, number, workload, ordinal, pod_port))
    return found
