# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_names
short_description: The names that the certificate of each component must contain
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives the host names and addresses under which each component of C(cdc_endpoints) is reached, by its name.
    Servers of the user's own are left out.
  - It reads the same variables as P(cdc.pipeline.endpoint#lookup).
options:
  _terms:
    description: Names of components. By default all.
  what:
    description:
      - V(names) are all that the certificate of a component has to have.
      - V(reached) are only those that clients verify it by.
      - V(listeners) is a list of the ports that the controller reaches, with C(server), C(address), C(protocol), C(ca).
    type: str
    choices: [names, reached, listeners]
    default: names
"""

EXAMPLES = r"""
- name: Show the names
  ansible.builtin.debug:
    msg: "{{ lookup('cdc.pipeline.certificate_names').kafka }}"
"""

RETURN = r"""
_raw:
  description: One map of lists, or one list.
  type: list
  elements: raw
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import PipelineError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.endpoints import (
    certificate_names,
    listeners,
    reached_hosts,
)
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.place import read_place


class LookupModule(LookupBase):
    """The lookup ``cdc.pipeline.certificate_names``."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        catalogue, place = read_place(variables or {}, self._templar)
        what = self.get_option("what")
        names_of = {"names": certificate_names, "reached": reached_hosts, "listeners": listeners}[what]
        try:
            found = {name: names_of(catalogue, name, place) for name in terms or catalogue}
        except PipelineError as error:
            raise AnsibleError(error.message) from error
        if what == "listeners":
            return [[listener for several in found.values() for listener in several]]
        return [{name: names for name, names in found.items() if names}]
