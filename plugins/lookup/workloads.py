# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: workloads
short_description: The workloads that the roles define
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives the specifications in the variable C(<role>_workloads) of each role, as its tasks would hand them to the role
    workload. Nothing of the role runs.
options:
  _terms:
    description: Names of roles. By default all of the catalogue, in the order in which they are set up.
  credentials:
    description: Passwords by purpose. By default each is a text that names it, such as C(<postgresql_cdc>).
    type: dict
"""

EXAMPLES = r"""
- name: Write the manifests of Kafka
  cdc.pipeline.kubernetes_manifests:
    path: manifests
    workloads: "{{ query('cdc.pipeline.workloads', 'kafka') }}"
    cluster: "{{ lookup('cdc.pipeline.cluster') }}"
"""

RETURN = r"""
_raw:
  description: The specifications.
  type: list
  elements: dict
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.cdc.pipeline.plugins.module_utils._problem import PreflightError
from ansible_collections.cdc.pipeline.plugins.plugin_utils._catalogue import catalogue
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.declared import read_declared
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.settings import Settings
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.stated import state


class LookupModule(LookupBase):
    """The lookup ``cdc.pipeline.workloads``."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        declared = read_declared(self._loader)
        roles = terms or [entry["role"] for entry in catalogue()]
        found = state(Settings(declared, variables or {}, self._templar), roles, self.get_option("credentials"))
        if found.problems:
            raise AnsibleError(PreflightError("the workloads", found.problems).message)
        return [spec for group in found.specs.values() for spec in group]
