# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: alert_rules
short_description: The rules file of Prometheus, from the definition of the alerts
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Makes the groups of alerting rules. Each alert has C(alert), C(expr), C(for), C(severity), C(summary), and perhaps
    C(keep_firing_for) and C(only). In C(expr), a time after C(@) is a window.
  - Makes rules that record how much of each objective was missed, how fast its error budget is spent, and what is left.
positional: there, runbooks, scale, within, objectives
options:
  _input:
    description: Lists of alerts by the name of their subsystem.
    type: dict
    required: true
  there:
    description: What the pipeline has, of what alerts name as C(only).
    type: list
    elements: str
    required: true
  runbooks:
    description: A URL to which the name of an alert and C(.md) are added.
    type: str
    required: true
  scale:
    description: By what C(for), C(keep_firing_for) and windows are multiplied, such as V(0.1) in a test.
    type: float
    default: 1
  within:
    description: Labels that series have to have, and that alerts get, where Prometheus knows other series as well.
    type: dict
    default: {}
  objectives:
    description:
      - What is promised, by its name. Each has C(objective), the share of the time or of records that is to be kept,
        and C(missed), an expression that is 1 while it is missed, or how many records miss it of C(total). Perhaps it
        has C(only).
    type: dict
    default: {}
"""

EXAMPLES = r"""
rules: "{{ alerts | cdc.pipeline.alert_rules(['archive'], 'https://example.org/runbooks/') }}"
"""

RETURN = r"""
_value:
  description: A map of C(groups).
  type: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.alerts import rule_groups


def alert_rules(
    alerts: dict[str, Any],
    there: list[str],
    runbooks: str,
    scale: float = 1,
    within: dict[str, str] | None = None,
    objectives: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """See the documentation above."""
    try:
        return rule_groups(alerts, there, runbooks, float(scale), within, objectives)
    except ValueError as error:
        raise AnsibleFilterError(f"alert_rules: {error}") from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"alert_rules": alert_rules}
