#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_cluster
short_description: Create and remove a kind cluster
version_added: 1.0.0
description:
  - Makes a cluster with U(https://kind.sigs.k8s.io) in Docker, waits until its nodes are Ready, and has a kubeconfig
    for it. Starts nodes that have stopped, as after a reboot.
  - What a cluster was made of is kept in its control plane. kind cannot change a cluster, so one that differs is
    refused unless O(recreate=true). More mapped ports than O(config) asks for are no difference. Fewer are none
    either, and RV(unmapped) names those that are missing; but a port that leads elsewhere is one.
  - A cluster whose creation was interrupted is removed and made again. One that something else has made is left alone.
  - The environment variable E(DOCKER_HOST) names the engine, as for docker itself.
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  name:
    description: Name of the cluster. Its nodes are C(<name>-control-plane), C(<name>-worker) and so on.
    type: str
    required: true
  state:
    description: With V(absent) the cluster is removed, with everything in it.
    type: str
    choices: [present, absent]
    default: present
  config:
    description: kind's configuration. Required with O(state=present).
    type: dict
  image:
    description:
      - The image of every node. One that the engine does not have is pulled.
      - Without it O(config) or kind itself decides.
    type: str
    default: ""
  kubeconfig:
    description:
      - File in which the cluster and its user are named, in the context C(kind-<name>), which becomes the current one.
        Others in the file stay.
    type: path
    required: true
  binary:
    description: The program kind.
    type: str
    default: kind
  recreate:
    description: Whether a cluster that differs is removed, with everything in it, and made again.
    type: bool
    default: false
  timeout:
    description: Seconds in which the cluster is made and its nodes are Ready.
    type: int
    default: 600
requirements:
  - docker
  - kind
"""

EXAMPLES = r"""
- name: Create a cluster
  cdc.pipeline.kind_cluster:
    name: cdc-kind
    kubeconfig: /var/lib/cdc-pipeline/kind/kubeconfig
    config:
      kind: Cluster
      apiVersion: kind.x-k8s.io/v1alpha4
      nodes:
        - role: control-plane
          extraPortMappings:
            - {containerPort: 30432, hostPort: 5432, listenAddress: 127.0.0.1}
        - role: worker
        - role: worker

- name: Remove the cluster
  cdc.pipeline.kind_cluster:
    name: cdc-kind
    kubeconfig: /var/lib/cdc-pipeline/kind/kubeconfig
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode, in words.
  type: list
  elements: str
  returned: success
  sample: ["made the cluster: there was none"]
context:
  description: The cluster's context in the kubeconfig.
  type: str
  returned: success
  sample: kind-cdc-kind
kubeconfig:
  description: The kubeconfig.
  type: str
  returned: success
nodes:
  description: Name, roles, address and version of each node. Empty in check mode, and when there is no cluster.
  type: list
  elements: dict
  returned: success
  sample: [{"name": "cdc-kind-worker", "roles": [], "address": "172.18.0.3", "version": "v1.34.4"}]
unmapped:
  description: Host ports of O(config) that the cluster does not have, since it was made without them.
  type: list
  elements: int
  returned: success
  sample: [30090, 30099]
differences:
  description: In what a cluster that was refused differs from O(config) and O(image).
  type: list
  elements: str
  returned: when it differs
  sample: ["config.nodes: 2 entries -> 3 entries"]
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils._kind.cluster import Cluster
from ansible_collections.cdc.pipeline.plugins.module_utils._kind.docker import Commands
from ansible_collections.cdc.pipeline.plugins.module_utils._kind.wanted import parse_wanted
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._wait import Deadline


def perform(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    name = params["name"]
    commands = Commands(params["binary"], name)
    cluster = Cluster(name, params["kubeconfig"], commands, Deadline(params["timeout"]), check_mode)
    if params["state"] == "absent":
        return cluster.absent()
    return cluster.present(parse_wanted(name, params["config"], params["image"]), params["recreate"])


def main():
    run(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "config": {"type": "dict"},
            "image": {"type": "str", "default": ""},
            "kubeconfig": {"type": "path", "required": True},
            "binary": {"type": "str", "default": "kind"},
            "recreate": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 600},
        },
        perform,
        required_if=[("state", "present", ["config"])],
    )


if __name__ == "__main__":
    main()
