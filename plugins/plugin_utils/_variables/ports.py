# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The ports that the instance will listen on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ...filter.kind_port_mappings import kind_port_mappings
from ...module_utils._problem import Problem
from ...module_utils._workload.spec.model import Workload

Get = Callable[[str], Any]


def needed_ports(get: Get, workloads: Iterable[Workload]) -> list[dict[str, Any]]:
    """Each port with what listens there: `{"port": 9093, "listener": "kafka-1 (client)"}`.

    A replica's are `step` apart, and all are `cdc_port_offset` higher. Of a pipeline in a cluster, only what kind maps
    to node ports is on this host: that of everything that can be turned on, since kind can add none later. What is not
    used as long as it is off has `spare`.
    """
    offset = get("cdc_port_offset")
    if not isinstance(offset, int):
        return []
    if get("cdc_runtime") == "kubernetes":
        return _mapped(get, offset) if get("cdc_access") == "host_ports" else []
    return [
        {"port": port.port + port.step * ordinal + offset, "listener": f"{workload.name}-{ordinal} ({name})"}
        for workload in workloads
        for ordinal in range(workload.replicas)
        for name, port in workload.ports.items()
    ]


def _mapped(get: Get, offset: int) -> list[dict[str, Any]]:
    endpoints, possible = get("cdc_endpoints"), get("cdc_endpoints_possible")
    if not isinstance(endpoints, Mapping) or not isinstance(possible, Mapping):
        return []
    used = {item["hostPort"] for item in kind_port_mappings(endpoints, offset)}
    return [
        {
            "port": item["hostPort"],
            "listener": f"{name.replace('_', '-')} (the node port {item['containerPort']})",
            "spare": item["hostPort"] not in used,
        }
        for name, entry in possible.items()
        for item in kind_port_mappings({name: entry}, offset, replicas=int(get("cluster_mapped_replicas") or 1))
    ]


def node_ports(workloads: Iterable[Workload]) -> list[dict[str, Any]]:
    """The ports that each node of a cluster opens; no offset is added to them."""
    return [
        {"port": port.node_port + port.step * ordinal, "listener": f"{workload.name}-{ordinal} ({name})"}
        for workload in workloads
        for name, port in workload.ports.items()
        if port.node_port
        # One node port serves all replicas of what needs no address of its own.
        for ordinal in range(workload.replicas if port.step else 1)
    ]


def port_problems(get: Get, workloads: Iterable[Workload]) -> Iterator[Problem]:
    """Ports that do not exist, or that two workloads want."""
    taken: dict[int, str] = {}
    for item in needed_ports(get, workloads):
        port, listener = item["port"], item["listener"]
        if not 0 < port < 65536:
            yield Problem(
                "port",
                f"The port {port} of {listener} does not exist",
                found=f"cdc_port_offset={get('cdc_port_offset')}",
                remedy="lower cdc_port_offset",
            )
        elif port in taken:
            yield Problem(
                "port",
                f"The port {port} is used twice",
                found=f"by {taken[port]} and {listener}",
                remedy="change one of them in cdc_endpoints, or lower the number of replicas",
            )
        taken[port] = listener
