# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: instance
short_description: The instance as the modules of this collection take it
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Makes the map that M(cdc.pipeline.supervised_workload) and M(cdc.pipeline.supervised_instance) take of the
    variables C(cdc_instance), C(cdc_home), C(cdc_port_offset), C(cdc_user), C(cdc_external_host), C(cdc_java),
    C(cdc_catalogue) (the order in which workloads start, and stop in reverse) and C(cdc_artifacts).
  - C(cdc_artifacts), a map of folders by name that the role artifacts sets, may be absent. Then the instance can be
    stopped, started and looked at, but not set up.
options: {}
"""

EXAMPLES = r"""
- name: Stop everything
  cdc.pipeline.supervised_instance:
    instance: "{{ lookup('cdc.pipeline.instance') }}"
    state: stopped
"""

RETURN = r"""
_raw:
  description: One map.
  type: list
  elements: dict
"""

from ansible.plugins.lookup import LookupBase
from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.catalogue import JAVA


class LookupModule(LookupBase):
    """The lookup ``cdc.pipeline.instance``."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)

        def value(name, default=None):
            found = (variables or {}).get(name)
            return default if found is None else self._templar.template(found)

        name = value("cdc_instance", "local")
        instance = {
            "name": name,
            "home": value("cdc_home", f"/var/lib/cdc-pipeline/{name}"),
            "port_offset": value("cdc_port_offset", 0),
            "user": value("cdc_user", "cdc"),
            "external_host": value("cdc_external_host", "127.0.0.1"),
            "order": [name for entry in value("cdc_catalogue", []) for name in entry["workloads"]],
        }
        artifacts = value("cdc_artifacts")
        if artifacts:
            instance["artifacts"] = artifacts
            if "python" in artifacts:
                instance["python"] = f"{artifacts['python']}/bin/python"
                instance["java"] = value("cdc_java", f"{artifacts['python']}/{JAVA}")
            if "services" in artifacts:
                instance["services"] = artifacts["services"]
        return [instance]
