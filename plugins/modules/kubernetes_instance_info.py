#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_instance_info
short_description: Query the state of every pod of a pipeline in a cluster
version_added: 1.0.0
description:
  - Gives state, restarts, memory, node and trouble of each pod, and on request the end of its log.
  - Secrets of the workloads are masked in what it returns, where they may be read.
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.cluster
options:
  component:
    description: Only this workload, such as V(kafka), or one pod alone, such as V(kafka-0). Empty for all.
    type: str
    default: ""
  log_lines:
    description: How many lines of each log to return.
    type: int
    default: 0
requirements:
  - kubernetes >= 30
attributes:
  check_mode:
    support: full
    description: The module only reads.
  diff_mode:
    support: none
    description: The module only reads.
"""

EXAMPLES = r"""
- name: Query the pods
  cdc.pipeline.kubernetes_instance_info:
    cluster: "{{ lookup('cdc.pipeline.cluster') }}"
  register: status
"""

RETURN = r"""
pods:
  description: Each pod of a service, each workload that is stopped, and each job and cronjob.
  type: list
  elements: dict
  returned: success
  contains:
    name: {description: "Its name, such as kafka-0.", type: str}
    workload: {description: "The workload that it belongs to.", type: str}
    kind: {description: "V(service), V(job) or V(cronjob).", type: str}
    state:
      description:
        - Its state as kubectl puts it, or V(Stopped).
        - Of a job V(Running), V(Done) or V(Failed), of a cronjob V(Waiting), V(Running) or V(Stopped).
      type: str
    ready: {description: "Whether it is ready, a job has succeeded, or a cronjob is not stopped.", type: bool}
    schedule: {description: "Of a cronjob: when it runs, in UTC.", type: str}
    last_run:
      description:
        - Of a job or cronjob its last run that has ended, with C(started), C(seconds), C(outcome) and C(exit_status).
      type: dict
    restarts: {description: "How often its containers were started again.", type: int}
    uptime: {description: "Seconds since its start.", type: int}
    memory_bytes: {description: "Its working set, or null where the kubelet does not tell.", type: int}
    memory_limit_bytes: {description: "Its memory limit, 0 without one.", type: int}
    node: {description: "Where it runs.", type: str}
    address: {description: "Its address in the cluster.", type: str}
    detail: {description: "What keeps it from being ready, if that is known; what became of the last run.", type: str}
    log_tail: {description: "The last lines of its log, with O(log_lines).", type: list}
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import cluster_argument
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.api import connect
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.settings import parse_cluster
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.status import status


def main():
    run(
        cluster_argument()
        | {
            "component": {"type": "str", "default": ""},
            "log_lines": {"type": "int", "default": 0},
        },
        perform,
    )


def perform(params, check_mode):
    cluster, connection = parse_cluster(params["cluster"])
    api = connect(connection.kubeconfig, connection.context, cluster.namespace)
    pods = status(api, params["component"], params["log_lines"])
    return Outcome(False, facts={"pods": pods})


if __name__ == "__main__":
    main()
