#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_port_forward
short_description: Forward ports of the controller to a cluster's pods while a playbook runs
version_added: 1.0.0
description:
  - Starts a process on the controller that forwards ports to pods through the API server, each component's on the
    number that the runtime C(local) gives it. It ends when the playbook runs that asked for it have ended.
  - Each connection looks for its pod again, so pods may come and go.
  - It does nothing where the controller reaches the pipeline by other means. With C(access) of the cluster
    V(port_forward) it forwards everything, with V(routes) what speaks no HTTP, and with V(host_ports) what is in
    C(unmapped).
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.cluster
options:
  endpoints:
    description: The components with their ports, as in C(cdc_endpoints). Needed with O(state=started).
    type: dict
    default: {}
  folder:
    description: A folder for the process's record and its log.
    type: path
    required: true
  state:
    description: Whether it runs.
    type: str
    choices: [started, stopped]
    default: started
requirements:
  - kubernetes >= 30
attributes:
  check_mode:
    support: full
    description: In check mode the ports are forwarded, too, since other modules need them to look at things.
  diff_mode:
    support: none
    description: The process is no part of the pipeline's state, so it is never reported as a change.
"""

EXAMPLES = r"""
- name: Forward ports of this host to the cluster's pods
  cdc.pipeline.kubernetes_port_forward:
    cluster: "{{ lookup('cdc.pipeline.cluster') }}"
    endpoints: "{{ cdc_endpoints }}"
    folder: "{{ cdc_home }}"
"""

RETURN = r"""
forwards:
  description: What leads where, for tools that forward the same ports when no playbook runs.
  type: list
  elements: dict
  returned: success
  contains:
    host: {description: The address here., type: str}
    port: {description: The port here., type: int}
    workload: {description: The workload whose pod it leads to., type: str}
    ordinal: {description: Of the replica; null for any., type: int}
    pod_port: {description: The pod's port., type: int}
  sample: [{"host": "127.0.0.1", "port": 9092, "workload": "kafka", "ordinal": 0, "pod_port": 9192}]
started:
  description: Whether a process was started or ended by this call.
  type: bool
  returned: success
"""

from dataclasses import asdict
from pathlib import Path

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import cluster_argument
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.forwarder import Forwarder
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.forwards import forwards
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.settings import parse_cluster


def main():
    run(
        cluster_argument()
        | {
            "endpoints": {"type": "dict", "default": {}},
            "folder": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
        },
        perform,
    )


def perform(params, check_mode):
    cluster, connection = parse_cluster(params["cluster"])
    forwarder = Forwarder(Path(params["folder"]))
    wanted = forwards(params["endpoints"], cluster)
    if params["state"] == "stopped" or not wanted:
        return Outcome(False, facts={"forwards": [], "started": forwarder.stop()})
    started = forwarder.start(connection, cluster.namespace, wanted)
    return Outcome(False, facts={"forwards": [asdict(item) for item in wanted], "started": started})


if __name__ == "__main__":
    main()
