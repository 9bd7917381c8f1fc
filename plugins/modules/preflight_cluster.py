#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_cluster
short_description: Check that a Kubernetes cluster can run the pipeline, before anything is created in it
version_added: "1.0.0"
description:
  - Looks at the kubeconfig, the API server and its version, the user's rights, the namespace, the storage classes, and
    whether the nodes have room for what the workloads request, and reports all that is wrong at once, each with what
    was found and its remedy.
  - A kubeconfig or an API server that cannot be used is reported alone, since nothing else can be asked then.
  - What the user may not look at (nodes, other namespaces' pods) is left out with a warning, unless it is one of
    O(rights) or O(cluster_rights).
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.reads
  - cdc.pipeline.kubernetes
options:
  namespace:
    description: The namespace of the pipeline.
    type: str
    required: true
  create_namespace:
    description: Whether the namespace will be made when it is missing.
    type: bool
    default: true
  projects:
    description:
      - Whether the cluster is OpenShift, where a project is requested if the user may not create the namespace. The
        rights in it are not asked for before it exists.
      - Needs the Python library C(openshift).
    type: bool
    default: false
  rights:
    description: What the user must be allowed to do in O(namespace), as rules of a Role.
    type: list
    elements: dict
    default: []
  cluster_rights:
    description: What the user must be allowed to do in the whole cluster, as rules of a ClusterRole.
    type: list
    elements: dict
    default: []
  useful_cluster_rights:
    description: What it is good to be allowed, too. A warning names what is missing of it.
    type: list
    elements: dict
    default: []
  made_objects:
    description: Objects that will be made when they are missing, for which the user needs the right then.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: The kind, such as C(Namespace).
        type: str
        required: true
      name:
        description: The name.
        type: str
        required: true
  workloads:
    description: What will run, in this order.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The workload's name.
        type: str
        required: true
      replicas:
        description: How many.
        type: int
        default: 1
      memory_mib:
        description: MiB of memory that each replica requests.
        type: float
        default: 0
      cpu_millis:
        description: Thousandths of a core that each replica requests.
        type: int
        default: 0
      storage_mib:
        description: MiB of each replica's volume. 0 for none.
        type: float
        default: 0
      storage_class:
        description: The volume's storage class. Empty for the cluster's default.
        type: str
        default: ""
  made_classes:
    description: The provisioner of each storage class that will be made.
    type: dict
    default: {}
  image_pull_secrets:
    description: Names of secrets with which images are pulled. They must be there if the namespace is.
    type: list
    elements: str
    default: []
  tolerations:
    description: Taints that the workloads' pods tolerate, as in a pod.
    type: list
    elements: dict
    default: []
  brokers_share_nodes:
    description: Whether a node may hold more than one Kafka broker.
    type: bool
    default: false
  certificate_issuer:
    description:
      - Who will sign the certificates of servers by cert-manager. It must be there and ready, and it must be of a kind
        whose certificates fit servers within a cluster. Of an O(certificate_issuer.group) that is not cert-manager's
        own, it is only checked that the cluster serves it.
    type: dict
    suboptions:
      kind:
        description: V(ClusterIssuer), V(Issuer), or a kind of another O(certificate_issuer.group).
        type: str
        default: ClusterIssuer
      name:
        description: Its name.
        type: str
        required: true
      group:
        description: Its API group.
        type: str
        default: cert-manager.io
  prometheus_operator:
    description:
      - Whether the cluster must have Prometheus' operator, as far as C(PodMonitor), C(Probe) and C(PrometheusRule) go.
      - Rights on its kinds, in O(rights), are asked for only where it is there.
    type: bool
    default: false
  shared_host:
    description: Whether the nodes are containers on this host, as kind's are, and share its memory.
    type: bool
    default: false
seealso:
  - module: cdc.pipeline.check_variables
  - module: cdc.pipeline.preflight_host
"""

EXAMPLES = r"""
- name: Check the cluster
  cdc.pipeline.preflight_cluster:
    kubeconfig: ~/.kube/config
    namespace: data-ingestion
    rights:
      - {apiGroups: [apps], resources: [statefulsets], verbs: [get, list, create, patch, delete]}
    workloads:
      - {name: kafka, replicas: 3, memory_mib: 682, cpu_millis: 250, storage_mib: 3413, storage_class: cdc-kafka}
    made_classes:
      cdc-kafka: rancher.io/local-path
"""

RETURN = r"""
msg:
  description: Everything that is wrong, each with what was found and its remedy.
  type: str
  returned: failure
server:
  description: URL of the API server.
  type: str
  returned: success
context:
  description: The context that was used.
  type: str
  returned: success
version:
  description: The cluster's version.
  type: str
  returned: success
  sample: v1.34.4
plain_brokers:
  description: Whether the namespace has Kafka brokers that nobody signs in to. V(false) where the user may not look.
  type: bool
  returned: success
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import kubernetes_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.cluster_examination import examine

WORKLOAD = {
    "name": {"type": "str", "required": True},
    "replicas": {"type": "int", "default": 1},
    "memory_mib": {"type": "float", "default": 0},
    "cpu_millis": {"type": "int", "default": 0},
    "storage_mib": {"type": "float", "default": 0},
    "storage_class": {"type": "str", "default": ""},
}
OBJECT = {"kind": {"type": "str", "required": True}, "name": {"type": "str", "required": True}}
ISSUER = {
    "kind": {"type": "str", "default": "ClusterIssuer"},
    "name": {"type": "str", "required": True},
    "group": {"type": "str", "default": "cert-manager.io"},
}


def main() -> None:
    run(
        kubernetes_arguments()
        | {
            "namespace": {"type": "str", "required": True},
            "create_namespace": {"type": "bool", "default": True},
            "projects": {"type": "bool", "default": False},
            "rights": {"type": "list", "elements": "dict", "default": []},
            "cluster_rights": {"type": "list", "elements": "dict", "default": []},
            "useful_cluster_rights": {"type": "list", "elements": "dict", "default": []},
            "made_objects": {"type": "list", "elements": "dict", "default": [], "options": OBJECT},
            "workloads": {"type": "list", "elements": "dict", "default": [], "options": WORKLOAD},
            "made_classes": {"type": "dict", "default": {}},
            "image_pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "tolerations": {"type": "list", "elements": "dict", "default": []},
            "brokers_share_nodes": {"type": "bool", "default": False},
            "certificate_issuer": {"type": "dict", "options": ISSUER},
            "prometheus_operator": {"type": "bool", "default": False},
            "shared_host": {"type": "bool", "default": False},
        },
        examine,
    )


if __name__ == "__main__":
    main()
