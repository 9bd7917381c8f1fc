# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The ports that the instance will listen on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..module_utils._preflight.problem import Problem

Get = Callable[[str], Any]
# Components that can be the user's own, and then listen elsewhere.
_MANAGED = ("postgresql", "object_store")


def needed_ports(get: Get) -> list[dict[str, Any]]:
    """Each port with what listens there: `{"port": 9093, "listener": "kafka-1 (client)"}`.

    The numbers are those of `cdc_endpoints`; a replica's are `step` apart, and all are `cdc_port_offset` higher. Of a
    pipeline in a cluster, only what kind maps to node ports is on this host.
    """
    if get("cdc_runtime") == "kubernetes" and get("cdc_access") != "host_ports":
        return []
    return _spread(get, "port", get("cdc_port_offset"), mapped=get("cdc_runtime") == "kubernetes")


def node_ports(get: Get) -> list[dict[str, Any]]:
    """The same of the ports that each node of a cluster opens; no offset is added to them."""
    return _spread(get, "node_port", 0, mapped=True)


def _spread(get: Get, key: str, offset: Any, mapped: bool) -> list[dict[str, Any]]:
    endpoints = get("cdc_endpoints")
    if not isinstance(endpoints, Mapping) or not isinstance(offset, int):
        return []
    found = []
    spare = get("cluster_mapped_replicas") or 1
    for component, endpoint in endpoints.items():
        if component in _MANAGED and get(f"{component}_managed") is False:
            continue
        replicas = int(endpoint.get("replicas") or 1)
        # kind maps the ports of replicas to come, too, since it can add none later.
        replicas = max(replicas, int(spare)) if mapped and key == "port" else replicas
        for ordinal in range(replicas):
            for name, port in endpoint["ports"].items():
                step = int(port.get("step") or 0)
                # One node port serves all replicas of what needs no address of its own.
                if mapped and (not port.get("node_port") or (ordinal and not step)):
                    continue
                number = int(port[key]) + step * ordinal + offset
                found.append({"port": number, "listener": f"{component.replace('_', '-')}-{ordinal} ({name})"})
    return found


def port_problems(get: Get) -> Iterator[Problem]:
    """Ports that do not exist, or that two components want."""
    taken: dict[int, str] = {}
    for item in needed_ports(get):
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
                f"The port {port} is wanted twice",
                found=f"by {taken[port]} and {listener}",
                remedy="change one of them in cdc_endpoints, or lower the number of replicas",
            )
        taken[port] = listener
