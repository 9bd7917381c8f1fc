# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: endpoint
short_description: The address of a component, and the settings of its clients
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives scheme, host, port and more of a component, as the runtime in use has it, and the settings that each kind of
    client needs to reach it, encrypted or not.
  - It reads the variables C(cdc_endpoints), C(cdc_runtime), C(cdc_home), C(cdc_port_offset), C(cdc_external_host),
    C(cdc_namespace), C(cdc_cluster_domain), C(cdc_access) and C(cdc_route_domain).
  - An entry of C(cdc_endpoints) has C(protocol) (V(http), V(kafka), V(postgresql) or V(s3)), C(managed) (V(false) for a
    server of the user's own, at C(external)), C(tls) (C(enabled), and C(ca), C(certificate) and C(key) in PEM),
    C(routable) (whether OpenShift's router may lead to it), C(replicas), C(paths) (of its interfaces) and C(ports).
  - It also has what Prometheus needs to know. C(metrics) has C(port) (its name), C(path) (by default V(/metrics)),
    C(login) (the credential, and the variable with the username, by which it signs in) and C(runtime) (where there are
    metrics on one runtime alone). C(status) is a path of the first port that answers anybody with a status.
    C(depends_on) lists the components without which it cannot do its work, whose alerts hold back its own.
  - In a cluster the controller reaches a component as C(cdc_access) says. With V(host_ports) and V(port_forward) these
    are the ports of the runtime V(local) on C(cdc_external_host), with V(node_ports) the node ports there. With
    V(routes) a component that is C(routable) is reached over HTTPS at the host of its OpenShift route, and any other as
    with V(port_forward).
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
  user:
    description:
      - Who signs in, to brokers of Kafka that encrypt; without meaning where they do not. The password is that of the
        same name in C(cdc_credentials).
    type: str
"""

EXAMPLES = r"""
- name: Show the brokers' addresses for a workload
  ansible.builtin.debug:
    msg: "{{ lookup('cdc.pipeline.endpoint', 'kafka', port='client').hosts }}"

- name: Show a workload's librdkafka settings, without the password
  ansible.builtin.debug:
    msg: "{{ lookup('cdc.pipeline.endpoint', 'kafka', port='client', user='kafka_archive').librdkafka }}"

- name: Show the controller's URL of Kafka Connect
  ansible.builtin.debug:
    msg: "{{ lookup('cdc.pipeline.endpoint', 'kafka_connect', view='controller').url }}"
"""

RETURN = r"""
_raw:
  description:
    - For each component a map of C(protocol), C(scheme), C(tls), C(managed), C(host), C(port), C(url), C(urls) (of
      every replica), C(hosts) (C(host:port) of every replica, with commas between), C(apis) (the URL of each interface)
      and C(ca) (path of the certificate authorities to trust, empty for none).
    - For the workload of a client C(client_files), which belong into its C(files). For the server's own workload
      C(server_files), C(server_secrets), C(certificate) and C(key) (their paths), and C(probe), which belongs into its
      probes over HTTP.
    - For clients of V(http) C(rest) (options of a module), and for those of V(http) and V(s3) in Java C(java_trust)
      (C(location), C(type) and C(password) of a trust store, or nothing). For a server of V(http) in Java C(java_key),
      the same of a key store with its key, and C(java_key_secrets), which belongs into its C(secrets). Of V(kafka)
      C(librdkafka) and C(java), properties beside C(bootstrap.servers), and more of them that are secret,
      C(librdkafka_secret) and C(java_secret); C(server_java) are those of the brokers. Of V(postgresql) C(login)
      (options of community.postgresql), C(libpq), C(debezium) and C(jdbc), a URL in which C(%s) stands for the
      database. Of V(s3) C(s3), with C(endpoint_url) and C(ca_path) where they are needed.
  type: list
  elements: dict
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import PipelineError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.clients import Login
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.endpoints import endpoint
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.place import read_place


class LookupModule(LookupBase):
    """The lookup ``cdc.pipeline.endpoint``."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        catalogue, place = read_place(variables or {}, self._templar)
        port, view, replica, user = (self.get_option(name) for name in ("port", "view", "replica", "user"))
        login = Login(user, self._password(variables or {}, user)) if user else None
        try:
            return [endpoint(catalogue, term, port, view, replica, place, login) for term in terms]
        except PipelineError as error:
            raise AnsibleError(error.message) from error

    def _password(self, variables, user):
        """Empty before there are credentials."""
        found = variables.get("cdc_credentials")
        return "" if found is None else self._templar.template(found).get(user, "")
