# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: endpoint
short_description: Where a component of the pipeline is reached
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives scheme, host, port and more of a component, as the runtime in use has it.
  - It reads the variables C(cdc_endpoints) (components with their C(scheme), C(replicas), C(ports), C(ca) and
    C(credentials)), C(cdc_runtime), C(cdc_port_offset), C(cdc_external_host), C(cdc_namespace),
    C(cdc_cluster_domain), C(cdc_access) and C(cdc_route_domain).
  - In a cluster the controller reaches a component as C(cdc_access) says. With V(host_ports) and V(port_forward) these
    are the ports of the runtime V(local) on C(cdc_external_host), with V(node_ports) the node ports there. With
    V(routes) an HTTP component is reached over HTTPS at the host of its OpenShift route, and any other as with
    V(port_forward).
  - The host of a route follows from C(cdc_route_domain). Where that is empty, the cluster is asked for it.
options:
  _terms:
    description: Names of components in C(cdc_endpoints).
    required: true
  port:
    description: The port's name. May be left out for a component with one port.
    type: str
  view:
    description:
      - From where it is reached. V(workload) is another workload, V(controller) the host that runs Ansible, or a
        client outside of the cluster.
    type: str
    choices: [workload, controller]
    default: workload
  replica:
    description: The ordinal of one replica. By default any of them.
    type: int
"""

EXAMPLES = r"""
- name: Brokers as a workload reaches them
  ansible.builtin.debug:
    msg: "{{ lookup('cdc.pipeline.endpoint', 'kafka', port='client').hosts }}"

- name: URL of Kafka Connect as the controller reaches it
  ansible.builtin.debug:
    msg: "{{ lookup('cdc.pipeline.endpoint', 'kafka_connect', view='controller').url }}"
"""

RETURN = r"""
_raw:
  description:
    - For each component a map of C(scheme), C(host), C(port), C(url), C(hosts) (C(host:port) of every replica, with
      commas between), C(ca) (path of the CA's certificate, or null) and C(credentials) (the name of what to sign in
      with, or null).
  type: list
  elements: dict
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import PipelineError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.access import PORT_FORWARD
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.cluster.api import connect
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.endpoints import Place, endpoint


class _Routes(dict):
    """Hosts of OpenShift's routes by name, asked for when they are needed."""

    def __init__(self, value):
        super().__init__()
        self._value = value

    def get(self, key, default=None):
        value = self._value
        namespace, domain = value("cdc_namespace", "data-ingestion"), value("cdc_route_domain", "")
        if domain:
            return f"{key}-{namespace}.{domain}"
        api = connect(value("cdc_kubeconfig", ""), value("cdc_kube_context", ""), namespace)
        return ((api.get("Route", key) or {}).get("spec") or {}).get("host", default)


class LookupModule(LookupBase):
    """The lookup ``cdc.pipeline.endpoint``."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)

        def value(name, default):
            found = (variables or {}).get(name)
            return default if found is None else self._templar.template(found)

        place = Place(
            runtime=value("cdc_runtime", "local"),
            port_offset=int(value("cdc_port_offset", 0)),
            external_host=value("cdc_external_host", "127.0.0.1"),
            namespace=value("cdc_namespace", "data-ingestion"),
            domain=value("cdc_cluster_domain", "cluster.local"),
            access=value("cdc_access", PORT_FORWARD),
            routes=_Routes(value),
        )
        catalogue = value("cdc_endpoints", {})
        port, view, replica = (self.get_option(name) for name in ("port", "view", "replica"))
        try:
            return [endpoint(catalogue, term, port, view, replica, place) for term in terms]
        except PipelineError as error:
            raise AnsibleError(error.message) from error
