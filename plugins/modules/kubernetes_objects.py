#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_objects
short_description: Create, update and delete objects in a Kubernetes cluster
version_added: "1.0.0"
description:
  - Makes objects that are missing and corrects those that differ, by server-side apply. Fields that are not stated are
    left alone, unless this collection has set them before.
  - An object that is as stated is only read, so that a user who may not write it can run the same play after an
    administrator has.
  - A field that a controller or another tool keeps with another value is an error; one that was changed by hand (by
    C(kubectl) or the like) is set back.
  - It is meant for what surrounds workloads, such as a namespace or a storage class, whose kinds it knows.
  - With O(prune), objects that an earlier run has made and that are stated no more are removed.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
  - cdc.pipeline.kubernetes
options:
  namespace:
    description: The namespace of the objects that belong to one, whatever their own C(metadata.namespace) says.
    type: str
    required: true
  objects:
    description: The objects, in the order in which they are made. They are removed in reverse.
    type: list
    elements: dict
    required: true
  state:
    description: V(absent) removes the objects, which are then known by kind and name alone.
    type: str
    choices: [present, absent]
    default: present
  optional:
    description: Kinds whose objects are left out where the cluster does not serve them, such as those of an operator.
    type: list
    elements: str
    default: []
  prune:
    description: What of the namespace is removed where O(objects) does not have it.
    type: dict
    suboptions:
      kinds:
        description: Of these kinds. One that the cluster does not serve, or that the user may not list, has no objects.
        type: list
        elements: str
        required: true
      labels:
        description: With these labels.
        type: dict
        required: true
  projects:
    description:
      - Whether the cluster is OpenShift, where a user who may not create a namespace requests a project in its place,
        and deletes that where deleting the namespace is forbidden.
      - The labels of a requested project cannot be set by its requester. Those that are missing are named in a warning.
      - Needs the Python library C(openshift).
    type: bool
    default: false
  timeout:
    description: Seconds until what is removed must be gone.
    type: int
    default: 180
seealso:
  - module: kubernetes.core.k8s
"""

EXAMPLES = r"""
- name: Deny all traffic that no policy allows
  cdc.pipeline.kubernetes_objects:
    kubeconfig: ~/.kube/config
    namespace: data-ingestion
    objects:
      - apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: default-deny}
        spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
"""

RETURN = r"""
objects:
  description: Those that were changed, by kind and name.
  type: list
  elements: str
  returned: success
  sample: [NetworkPolicy default-deny]
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import kubernetes_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.objects import perform
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run

PRUNE = {
    "kinds": {"type": "list", "elements": "str", "required": True},
    "labels": {"type": "dict", "required": True},
}


def main() -> None:
    run(
        kubernetes_arguments()
        | {
            "namespace": {"type": "str", "required": True},
            "objects": {"type": "list", "elements": "dict", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "optional": {"type": "list", "elements": "str", "default": []},
            "prune": {"type": "dict", "options": PRUNE},
            "projects": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 180},
        },
        perform,
    )


if __name__ == "__main__":
    main()
