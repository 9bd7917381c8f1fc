# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: probe_modules
short_description: The probes, as modules of the blackbox exporter
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Makes the map C(modules) of the blackbox exporter's configuration, with one entry for each component.
positional: seconds
options:
  _input:
    description: What P(cdc.pipeline.monitored#lookup) gives.
    type: dict
    required: true
  seconds:
    description: The most that a probe may take.
    type: int
    default: 5
"""

EXAMPLES = r"""
modules: "{{ lookup('cdc.pipeline.monitored') | cdc.pipeline.probe_modules(5) }}"
"""

RETURN = r"""
_value:
  description: The modules by component.
  type: dict
"""

from typing import Any

from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring import scrape


def probe_modules(watched: dict[str, Any], seconds: int = 5) -> dict[str, Any]:
    """See the documentation above."""
    return scrape.probe_modules(watched, seconds)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"probe_modules": probe_modules}
