# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: scrape_configs
short_description: The scrape configurations of Prometheus
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Makes the list C(scrape_configs) of prometheus.yml - a job for each component that has metrics, and one for the
    probes of each. Targets have the labels C(component) and C(replica).
positional: logins, passwords
options:
  _input:
    description: What P(cdc.pipeline.monitored#lookup) gives.
    type: dict
    required: true
  logins:
    description: Usernames by the name of the credential. Empty where nobody signs in.
    type: dict
    required: true
  passwords:
    description: The folder with a file for each credential.
    type: str
    required: true
  blackbox:
    description: The component that probes the others.
    type: str
    default: blackbox_exporter
  samples:
    description: Most samples that a target may have; V(0) for any number.
    type: int
    default: 0
  dropped:
    description: Names of samples that are dropped, as a regular expression.
    type: str
    default: ""
  kept:
    description: Names that alone are kept, regular expressions by component, and those of all probes as C(probes).
    type: dict
    default: {}
"""

EXAMPLES = r"""
jobs: "{{ lookup('cdc.pipeline.monitored') | cdc.pipeline.scrape_configs({}, '@{secrets}') }}"
"""

RETURN = r"""
_value:
  description: The jobs.
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring import scrape


def scrape_configs(
    watched: dict[str, Any],
    logins: dict[str, str],
    passwords: str,
    blackbox: str = "blackbox_exporter",
    samples: int = 0,
    dropped: str = "",
    kept: dict[str, list[str]] | None = None,
) -> list[dict[str, Any]]:
    """See the documentation above."""
    bounds = scrape.Bounds(int(samples), dropped, kept or {})
    return scrape.scrape_configs(watched, logins, passwords, blackbox, bounds)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"scrape_configs": scrape_configs}
