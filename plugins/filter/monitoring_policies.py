# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: monitoring_policies
short_description: Network policies that let other clients read metrics
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Makes a C(NetworkPolicy) for each component that has metrics, which lets clients in to the port of its metrics.
positional: clients, labels
options:
  _input:
    description: What P(cdc.pipeline.monitored#lookup) gives.
    type: dict
    required: true
  clients:
    description: Peers of a network policy.
    type: list
    elements: dict
    required: true
  labels:
    description: Labels of each policy.
    type: dict
    required: true
"""

EXAMPLES = r"""
objects: "{{ lookup('cdc.pipeline.monitored') | cdc.pipeline.monitoring_policies(clients, {}) }}"
vars:
  clients:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}
"""

RETURN = r"""
_value:
  description: The policies; none without clients.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring import operator


def monitoring_policies(
    watched: dict[str, Any], clients: list[dict[str, Any]], labels: dict[str, str]
) -> list[dict[str, Any]]:
    """See the documentation above."""
    return operator.policies(watched, clients, labels)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"monitoring_policies": monitoring_policies}
