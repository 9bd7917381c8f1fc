# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: monitored
short_description: What Prometheus scrapes and probes
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Works out of C(cdc_endpoints), as P(cdc.pipeline.endpoint#lookup) reads it, which servers have metrics, and where
    every server is probed, each as a workload reaches it.
options:
  _terms:
    description: Names of components in C(cdc_endpoints). By default all.
"""

EXAMPLES = r"""
- name: Show what is scraped
  ansible.builtin.debug:
    msg: "{{ lookup('cdc.pipeline.monitored').scraped }}"
"""

RETURN = r"""
_raw:
  description:
    - A map of C(scraped) and C(probed), each a list with an entry for each component, and C(depends_on), for each
      component the list of those that it depends on, also by way of others.
    - Both lists have C(component), C(peer) (as C(talks_to) of a workload has it), C(ca) (path of the certificate
      authorities to trust, empty for none) and C(targets), a list with C(address) and C(replica). C(scraped) has also
      C(scheme), C(path) and C(login), C(probed) has C(module) (V(http), V(tls) or V(tcp)); the targets of V(http) are
      URLs.
  type: list
  elements: dict
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import PipelineError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.monitored import monitored
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.place import read_place


class LookupModule(LookupBase):
    """The lookup ``cdc.pipeline.monitored``."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        catalogue, place = read_place(variables or {}, self._templar)
        try:
            return [monitored(catalogue, place, terms or catalogue)]
        except PipelineError as error:
            raise AnsibleError(error.message) from error
