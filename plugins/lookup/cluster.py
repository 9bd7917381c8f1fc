# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster
short_description: The cluster as the modules of this collection take it
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Makes the map that M(cdc.pipeline.kubernetes_workload) and its kin take of the variables C(cdc_kubeconfig),
    C(cdc_kube_context), C(cdc_namespace), C(cdc_cluster_domain), C(cdc_external_host), C(cdc_access),
    C(cdc_unmapped_ports), C(cdc_port_offset), C(cdc_route_domain), C(cdc_storage_classes), C(cdc_account_annotations),
    C(cdc_image_pull_secrets), C(cdc_tolerations), C(cdc_network_outside), C(cdc_network_clients), C(cluster_provider),
    C(cdc_endpoints) and C(cdc_artifacts).
  - C(cdc_artifacts), a map of folders by name that the role artifacts sets, may be absent. Then no rolling gate can
    run.
options: {}
"""

EXAMPLES = r"""
- name: Query the pods
  cdc.pipeline.kubernetes_instance_info:
    cluster: "{{ lookup('cdc.pipeline.cluster') }}"
"""

RETURN = r"""
_raw:
  description: One map.
  type: list
  elements: dict
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import PipelineError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.entry import parse_entry

# Also who is told of alerts.
_ANYWHERE = {"ipBlock": {"cidr": "0.0.0.0/0"}}


class LookupModule(LookupBase):
    """The lookup ``cdc.pipeline.cluster``."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)

        def value(name, default=None):
            found = (variables or {}).get(name)
            return default if found is None else self._templar.template(found)

        catalogue = value("cdc_endpoints", {})
        try:
            entries = {name: parse_entry(catalogue, name) for name in catalogue}
        except PipelineError as error:
            raise AnsibleError(error.message) from error
        cluster = {
            "kubeconfig": value("cdc_kubeconfig", ""),
            "context": value("cdc_kube_context", ""),
            "namespace": value("cdc_namespace", "data-ingestion"),
            "domain": value("cdc_cluster_domain", "cluster.local"),
            "external_host": value("cdc_external_host", "127.0.0.1"),
            "access": value("cdc_access", "node_ports"),
            "port_offset": value("cdc_port_offset", 0),
            "unmapped": value("cdc_unmapped_ports", []),
            "route_domain": value("cdc_route_domain", ""),
            "storage_classes": value("cdc_storage_classes", {}),
            "account_annotations": value("cdc_account_annotations", {}),
            "image_pull_secrets": value("cdc_image_pull_secrets", []),
            "tolerations": value("cdc_tolerations", []),
            "openshift": value("cluster_provider", "") == "openshift",
            "peers": {
                _workload(name): {port: number["port"] for port, number in entry.ports.items()}
                for name, entry in entries.items()
            },
            "routable": [_workload(name) for name, entry in entries.items() if entry.routable],
            "encrypted": {_workload(name): entry.tls.ca for name, entry in entries.items() if entry.tls.enabled},
            "outside": {"receivers": _ANYWHERE, **_elsewhere(entries), **value("cdc_network_outside", {})},
            "clients": value("cdc_network_clients", []),
            "controller_artifacts": value("cdc_artifacts") or {},
        }
        return [cluster]


def _elsewhere(entries):
    """Servers of the user's own, whose addresses no policy can know."""
    return {_workload(name): _ANYWHERE for name, entry in entries.items() if not entry.managed}


def _workload(component):
    return component.replace("_", "-")
