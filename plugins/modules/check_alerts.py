#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: check_alerts
short_description: Check alert rules and receivers before anything is changed
version_added: "1.0.0"
description:
  - Checks your own rules with C(promtool) and Alertmanager's configuration with C(amtool), both on the host, and
    reports all problems at once, in their words.
  - Checks in addition that each alert has the label C(severity) and a unique name.
  - If one of the programs is not installed, the rest is checked, and the program is returned in RV(missing).
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.reads
options:
  rules:
    description: Contents of files of rules, by the path that problems name.
    type: dict
    default: {}
  alertmanager:
    description: Alertmanager's configuration. Empty for none.
    type: str
    default: ""
  taken:
    description: Names of alerts that rules may not have.
    type: list
    elements: str
    default: []
seealso:
  - module: cdc.pipeline.check_variables
"""

EXAMPLES = r"""
- name: Check your own rules
  cdc.pipeline.check_alerts:
    rules:
      /srv/rules.yml: "{{ lookup('ansible.builtin.file', '/srv/rules.yml') }}"
    taken: [ComponentDown]
"""

RETURN = r"""
msg:
  description: Everything that is wrong, each with what was found and its remedy.
  type: str
  returned: failure
missing:
  description: Programs that are not installed, so that their checks were skipped.
  type: list
  elements: str
  returned: success
refused:
  description: What C(promtool) says, by the path of a file, and C(amtool), by an empty path.
  type: dict
  returned: success
  sample: {}
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._alert_tools import look
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run


def main() -> None:
    run(
        {
            "rules": {"type": "dict", "default": {}},
            # URLs of webhooks are in it.
            "alertmanager": {"type": "str", "default": "", "no_log": True},
            "taken": {"type": "list", "elements": "str", "default": []},
        },
        look,
    )


if __name__ == "__main__":
    main()
