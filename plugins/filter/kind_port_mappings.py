# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCUMENTATION = r"""
name: kind_port_mappings
short_description: Map host ports to node ports of a kind cluster
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives C(extraPortMappings) of a node in kind's configuration for every port of C(cdc_endpoints) that has a
    C(node_port).
options:
  _input:
    description: Components with their replicas and ports, as C(cdc_endpoints) has them.
    type: dict
    required: true
  offset:
    description: What the host ports are higher than the C(port).
    type: int
    default: 0
  address:
    description: Where they listen.
    type: str
    default: 127.0.0.1
  replicas:
    description: For how many replicas ports are mapped at least, where each has a port of its own.
    type: int
    default: 1
"""

EXAMPLES = r"""
ports: "{{ cdc_endpoints | cdc.pipeline.kind_port_mappings(offset=100) }}"
"""

RETURN = r"""
_value:
  description: The mappings, by host port.
  type: list
  elements: dict
  sample: [{"containerPort": 30432, "hostPort": 5532, "listenAddress": "127.0.0.1"}]
"""


def kind_port_mappings(
    endpoints: Mapping[str, Any], offset: int = 0, address: str = "127.0.0.1", replicas: int = 1
) -> list[dict[str, Any]]:
    """``extraPortMappings`` for ``endpoints``."""
    mappings: dict[int, dict[str, Any]] = {}
    for component in endpoints.values():
        if component.get("managed", True) in (False, "false", "False"):
            continue
        for port in component["ports"].values():
            if not port.get("node_port"):
                continue
            step = int(port.get("step", 0))
            ordinals = max(int(component.get("replicas", 1)), int(replicas)) if step else 1
            for ordinal in range(ordinals):
                container = int(port["node_port"]) + step * ordinal
                host = int(port["port"]) + step * ordinal + int(offset)
                mappings[host] = {"containerPort": container, "hostPort": host, "listenAddress": address}
    return [mappings[host] for host in sorted(mappings)]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"kind_port_mappings": kind_port_mappings}
