#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: check_alerts
short_description: Check alert rules and receivers before anything is changed
version_added: "1.0.0"
description:
  - Has C(promtool) and C(amtool) of the host look at rules of your own and at what Alertmanager is to be told, and
    reports all that is wrong at once, in their words.
  - Looks by itself at what these do not know - each alert needs the label C(severity), and a name of its own.
  - Where one of them is not installed, the rest is checked, and it is returned as RV(missing).
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.reads
options:
  rules:
    description: Contents of files of rules, by the path that problems are told of.
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
  description: Programs that are not installed and so have looked at nothing.
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
