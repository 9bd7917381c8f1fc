# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: operator_monitors
short_description: The monitors of the Prometheus Operator
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Makes a C(PodMonitor) for each component that has metrics, and a C(Probe) for each that is probed, of the jobs that
    Prometheus itself has. Authorities and logins are references to the config map and the secret of the workload
    C(prometheus).
  - Beside the file with a password that a job names, that secret needs one whose name ends in C(.username).
positional: jobs, labels, interval, timeout
options:
  _input:
    description: What P(cdc.pipeline.monitored#lookup) gives.
    type: dict
    required: true
  jobs:
    description: What P(cdc.pipeline.scrape_configs#filter) makes of it.
    type: list
    elements: dict
    required: true
  labels:
    description: Labels of each object.
    type: dict
    required: true
  interval:
    description: Seconds from one scrape to the next.
    type: int
    default: 30
  timeout:
    description: The most seconds that a scrape may take.
    type: int
    default: 10
"""

EXAMPLES = r"""
objects: "{{ lookup('cdc.pipeline.monitored') | cdc.pipeline.operator_monitors(jobs, {'release': 'prometheus'}) }}"
"""

RETURN = r"""
_value:
  description: The objects.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring import operator


def operator_monitors(
    watched: dict[str, Any], jobs: list[dict[str, Any]], labels: dict[str, str], interval: int = 30, timeout: int = 10
) -> list[dict[str, Any]]:
    """See the documentation above."""
    return operator.monitors(watched, jobs, operator.Told(labels, int(interval), int(timeout)))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"operator_monitors": operator_monitors}
