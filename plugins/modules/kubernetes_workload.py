#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_workload
short_description: Run a workload as pods of a Kubernetes cluster
version_added: 1.0.0
description:
  - Applies the objects that make a workload, by server-side apply as the field manager C(cdc-pipeline), and waits until
    its pods are ready.
  - What changed is replaced. A stateful set whose workload has a rolling gate is taken pod by pod, each when the one
    before is ready and the gate, which runs where the module runs, holds. Pods that are not ready anyway go first.
  - Fields that were changed by hand (kubectl and the like) are taken back. Fields that a controller or another tool
    keeps with other values are left alone and reported as an error.
  - Objects of the workload that are no longer wanted are removed, volume claims never.
  - What cannot succeed ends the run as soon as it is known, with its cause. That is an image that cannot be pulled, a
    process that keeps ending, a pod that no node takes, a volume that cannot be made, a right that is missing, a quota,
    or a setting that Pod Security forbids.
  - An interrupted run is fixed by the next one.
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.cluster
options:
  workload:
    description:
      - The specification, see C(docs/workloads.md) for its keys. Strings may hold tokens such as
        C(@{data}), which are filled in for each replica.
      - With O(state=stopped) and O(state=absent) only C(name) is used.
      - Values of the key C(secrets) are never shown.
    type: dict
    required: true
  state:
    description:
      - With V(started) everything is as specified, and every pod is ready. A workload of kind job runs to its end,
        unless the same job has succeeded before. One of kind cronjob runs when its time comes.
      - With V(restarted) the pods that run are replaced, too, one after the other. Jobs and cronjobs are as with
        V(started), since each run has a pod of its own.
      - With V(stopped) there are no pods until the workload is started again. How many there were is remembered. A run
        of a job or cronjob that is in progress is stopped.
      - With V(absent) the workload is removed. Volumes stay unless O(purge_data=true).
    type: str
    choices: [started, restarted, stopped, absent]
    default: started
  only:
    description:
      - With O(state=restarted), names of the replicas that are restarted though nothing of them has changed, such as
        V(kafka-0). By default all of them.
    type: list
    elements: str
    default: []
  purge_data:
    description: Whether O(state=absent) removes the volumes, too.
    type: bool
    default: false
  timeout:
    description: Seconds that one step may take, such as a pod's start until it is ready.
    type: float
    default: 180
requirements:
  - kubernetes >= 30
attributes:
  check_mode:
    support: full
    description:
      - Can run in check mode and return what would change, which the cluster itself is asked for (a dry run).
      - Where there is no cluster yet, or on OpenShift no project, everything is reported as missing.
  diff_mode:
    support: full
    description: Returns what has changed, or would, of every object; of secrets only that they differ.
"""

EXAMPLES = r"""
- name: Run three replicas of a server
  cdc.pipeline.kubernetes_workload:
    workload:
      name: echo
      replicas: 3
      image: docker.io/library/python:3.13-slim
      command: [python3, -m, http.server, --bind, "@{bind}", --directory, "@{data}", "@{port.http}"]
      ports:
        http: {port: 8000, step: 1}
      probes:
        readiness: {http: {port: http, path: /}}
      resources:
        memory: {limit: 128Mi}
    cluster: "{{ lookup('cdc.pipeline.cluster') }}"

- name: Remove the workload, but keep its volumes
  cdc.pipeline.kubernetes_workload:
    workload: {name: echo}
    cluster: "{{ lookup('cdc.pipeline.cluster') }}"
    state: absent
"""

RETURN = r"""
started:
  description: Replicas that were not wanted before and were started, or would be in check mode; of a job its name.
  type: list
  elements: str
  returned: success
restarted:
  description: Pods that were replaced, or would be.
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
reasons:
  description: Why something was done to a pod, by its name.
  type: dict
  returned: success
  sample: {kafka-0: [ConfigMap kafka-config differs]}
found:
  description:
    - What there is of the service. V(new) where it does not run and keeps nothing, V(stopped) where it does not run and
      may keep something, V(running) where any of it runs.
  type: str
  returned: in check mode, when the workload is a service that would be started or restarted
replicas:
  description: Each pod as it is now, with its phase, node and address.
  type: list
  elements: dict
  returned: when the workload is a service that is started or restarted, except for check mode
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import cluster_argument
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import FailedError, UnreachableError
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.api import connect
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.project import find_namespace
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.gate import gate
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.realise import Realiser
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.remove import Keeper
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.settings import parse_cluster
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.secrecy import without_secrets, workload_masker
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.model import check_only
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload


def main():
    run(
        cluster_argument()
        | {
            "workload": {"type": "dict", "required": True},
            "state": {"type": "str", "choices": ["started", "restarted", "stopped", "absent"], "default": "started"},
            "only": {"type": "list", "elements": "str", "default": []},
            "purge_data": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 180},
        },
        perform,
        show=without_secrets,
        mask=workload_masker,
    )


def perform(params, check_mode):
    check_only(params["only"], params["state"])
    cluster, connection = parse_cluster(params["cluster"])
    if params["state"] in ("stopped", "absent"):
        name = str(params["workload"].get("name", ""))
        if not name:
            raise FailedError("The workload has no name", remedy="give it one, such as kafka")
        api = connect(connection.kubeconfig, connection.context, cluster.namespace)
        keeper = Keeper(api, name, params["timeout"], check_mode, cluster.openshift)
        report = keeper.stop() if params["state"] == "stopped" else keeper.remove(params["purge_data"])
        return report.outcome()
    workload = parse_workload(params["workload"], "kubernetes")
    try:
        api = connect(connection.kubeconfig, connection.context, cluster.namespace)
        api.require()
    except (FailedError, UnreachableError):
        if not check_mode:
            raise
        # An earlier step makes the cluster, which has not happened in check mode.
        api = None
    if check_mode and api is not None and cluster.openshift and find_namespace(api.get, cluster.namespace) is None:
        # The same for a project, about which everything is forbidden until it exists.
        api = None
    realiser = Realiser(workload, cluster, gate(workload, cluster, connection), api, params["timeout"], check_mode)
    if workload.kind != "service":
        return (realiser.run_job() if workload.kind == "job" else realiser.set_schedule()).outcome()
    report = realiser.start(params["state"] == "restarted", params["only"])
    return report.outcome(**({} if check_mode else {"replicas": realiser.replicas()}))


if __name__ == "__main__":
    main()
