# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """The option of modules that work on a pipeline in a cluster."""

    DOCUMENTATION = r"""
options:
  cluster:
    description: The cluster, as the lookup P(cdc.pipeline.cluster#lookup) gives it.
    type: dict
    required: true
    suboptions:
      kubeconfig:
        description: Path of the kubeconfig file.
        type: str
        default: ""
      context:
        description: The context in it. Empty for its current one.
        type: str
        default: ""
      namespace:
        description: The namespace of the pipeline.
        type: str
        default: data-ingestion
      domain:
        description: The domain of the cluster's DNS.
        type: str
        default: cluster.local
      external_host:
        description: The address under which clients outside of the cluster reach it.
        type: str
        default: 127.0.0.1
      access:
        description: How clients outside of the cluster reach it.
        type: str
        choices: [host_ports, node_ports, port_forward, routes]
        default: node_ports
      port_offset:
        description: Added to the ports on the controller.
        type: int
        default: 0
      unmapped:
        description:
          - Ports on the controller that the cluster was made without, as M(cdc.pipeline.kind_cluster) returns them.
          - With O(cluster.access=host_ports) they are forwarded.
        type: list
        elements: int
        default: []
      route_domain:
        description: The domain of the hosts of OpenShift routes. Empty where OpenShift chooses them.
        type: str
        default: ""
      storage_classes:
        description: The cluster's storage class for each class that a workload names.
        type: dict
        default: {}
      account_annotations:
        description: Annotations of the service account of each workload, by the name of the workload.
        type: dict
        default: {}
      image_pull_secrets:
        description: Names of the secrets with which images are pulled.
        type: list
        elements: str
        default: []
      tolerations:
        description: Tolerations of every pod.
        type: list
        elements: dict
        default: []
      openshift:
        description: Whether it is OpenShift.
        type: bool
        default: false
      peers:
        description: The ports of each workload, numbers by name, for network policies.
        type: dict
        default: {}
      routable:
        description: Names of the workloads that OpenShift's router may lead to.
        type: list
        elements: str
        default: []
      encrypted:
        description: Certificate authorities, in PEM, of each workload that encrypts. Empty for those of the system.
        type: dict
        default: {}
      outside:
        description: Peers of network policies, by the names that stand for them in C(talks_to) of a workload.
        type: dict
        default: {}
      clients:
        description: Peers of network policies that may use the ports that are reached from outside.
        type: list
        elements: dict
        default: []
      controller_artifacts:
        description: The folder of each artifact on the controller by its name, for rolling gates.
        type: dict
        default: {}
"""
