# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: alertmanager_config
short_description: The configuration of Alertmanager, from the receivers and the definition of the alerts
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Makes a route for each severity of each receiver, groups alerts by their subsystem, and makes a rule of inhibition
    for each C(inhibited_by) of an alert, and of what is gone for its C(depends_on).
positional: definition, folder, dead_man, scale, depends
options:
  _input:
    description: Receivers, each with C(name), C(severities), and any of C(email), C(slack) and C(webhook).
    type: list
    elements: dict
    required: true
  definition:
    description: Lists of alerts by the name of their subsystem.
    type: dict
    required: true
  folder:
    description: The folder of the further files, as the configuration names it.
    type: str
    required: true
  dead_man:
    description: A URL that is called all the time while alerts are sent. Empty for none.
    type: str
    default: ""
  scale:
    description: By what the times of groups are multiplied, such as V(0.1) in a test.
    type: float
    default: 1
  depends:
    description: Lists of the components that a component depends on, also by way of others, by its name.
    type: dict
    default: {}
"""

EXAMPLES = r"""
made: "{{ monitoring_receivers | cdc.pipeline.alertmanager_config(alerts, '/etc/alertmanager') }}"
"""

RETURN = r"""
_value:
  description: A map of C(config), and C(files), the contents of further files by their names below O(folder).
  type: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.receivers import configuration


def alertmanager_config(
    receivers: list[dict[str, Any]],
    definition: dict[str, Any],
    folder: str,
    dead_man: str = "",
    scale: float = 1,
    depends: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """See the documentation above."""
    try:
        config, files = configuration(receivers, definition, dead_man, float(scale), folder, depends)
    except (KeyError, ValueError) as error:
        raise AnsibleFilterError(f"alertmanager_config: {error}") from error
    return {"config": config, "files": files}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"alertmanager_config": alertmanager_config}
