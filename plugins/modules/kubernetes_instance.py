#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_instance
short_description: Start, stop and remove all workloads of a pipeline in a cluster
version_added: 1.0.0
description:
  - Starts, stops or removes every workload of a namespace that M(cdc.pipeline.kubernetes_workload) has made. Other
    objects in the namespace are left alone.
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.cluster
options:
  state:
    description:
      - With V(stopped) there are no pods until the next start. How many there were is remembered, schedules pause, and
        what runs of jobs and cronjobs is stopped.
      - With V(started) what was stopped runs again, and everything is ready.
      - With V(absent) the workloads are removed. Volumes stay unless O(purge_data=true).
    type: str
    choices: [started, stopped, absent]
    default: started
  purge_data:
    description: Whether O(state=absent) removes the volumes, too.
    type: bool
    default: false
  order:
    description:
      - Names of workloads in the order in which they need each other. They start in it, each when the ones before are
        ready, and stop in its reverse. Others come last, and stop first.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that one workload may take.
    type: float
    default: 300
requirements:
  - kubernetes >= 30
attributes:
  check_mode:
    support: full
    description: Can run in check mode and return what would change.
  diff_mode:
    support: full
    description: Returns what has changed, or would, of every object; of secrets only that they differ.
"""

EXAMPLES = r"""
- name: Stop everything
  cdc.pipeline.kubernetes_instance:
    cluster: "{{ lookup('cdc.pipeline.cluster') }}"
    state: stopped

- name: Remove everything but the volumes
  cdc.pipeline.kubernetes_instance:
    cluster: "{{ lookup('cdc.pipeline.cluster') }}"
    state: absent
"""

RETURN = r"""
started:
  description: Replicas that were started, or would be in check mode.
  type: list
  elements: str
  returned: success
stopped:
  description: Replicas that were stopped, or would be.
  type: list
  elements: str
  returned: success
removed:
  description: Objects that were removed, or would be.
  type: list
  elements: str
  returned: success
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import cluster_argument
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.api import connect
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.remove import Keeper
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.settings import parse_cluster


def main():
    run(
        cluster_argument()
        | {
            "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
            "purge_data": {"type": "bool", "default": False},
            "order": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 300},
        },
        perform,
    )


def perform(params, check_mode):
    cluster, connection = parse_cluster(params["cluster"])
    api = connect(connection.kubeconfig, connection.context, cluster.namespace)
    keeper = Keeper(api, "", params["timeout"], check_mode, cluster.openshift, tuple(params["order"]))
    if params["state"] == "started":
        report = keeper.start()
    elif params["state"] == "stopped":
        report = keeper.stop()
    else:
        report = keeper.remove(params["purge_data"])
    return report.outcome()


if __name__ == "__main__":
    main()
