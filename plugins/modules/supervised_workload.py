#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: supervised_workload
short_description: Run a workload as supervised processes on this host
version_added: 1.0.0
description:
  - Makes a workload's folders, configuration and secrets, puts its replicas under the supervisor of the instance, and
    waits until they are ready.
  - Replicas that do not run are started together. Replicas whose configuration, secrets, command or environment
    differ from what they were started with are restarted one after the other, each when the one before is ready and
    the rolling gate holds. What did not change is not touched.
  - A file altered by hand, a stopped process and a program that was removed from the supervisor are fixed.
  - An interrupted run is fixed by the next one.
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.instance
options:
  workload:
    description:
      - The specification, see C(docs/workloads.md) for its keys. Strings may hold tokens such as
        C(@{data}), which are filled in for each replica.
      - With O(state=stopped) and O(state=absent) only C(name) and C(stop_grace) are used.
      - Values of the key C(secrets) are never shown.
    type: dict
    required: true
  state:
    description:
      - With V(started) everything is as specified, and every replica runs and is ready. A workload of kind job runs
        to its end, unless the same job has succeeded before. One of kind cronjob runs when its time comes.
      - With V(restarted) the replicas that run are restarted, too, one after the other. Jobs and cronjobs are as with
        V(started), since each run has a process of its own.
      - With V(stopped) the replicas are stopped, until the workload or the supervisor is started again.
      - With V(absent) the replicas are stopped and removed. Data and logs stay unless O(purge_data=true).
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
    description: Whether O(state=absent) removes data and logs, too.
    type: bool
    default: false
  timeout:
    description: Seconds that one step may take, such as a replica's start until it is ready.
    type: float
    default: 180
attributes:
  check_mode:
    support: full
    description: Can run in check mode and return what would change. First steps and probes are not run then.
  diff_mode:
    support: full
    description: Returns what has changed, or would, of every file; of secrets only that they differ.
"""

EXAMPLES = r"""
- name: Run three replicas of a server
  cdc.pipeline.supervised_workload:
    workload:
      name: echo
      replicas: 3
      command: [python3, -m, http.server, --bind, "@{bind}", --directory, "@{data}", "@{port.http}"]
      ports:
        http: {port: 8000, step: 1}
      probes:
        readiness: {http: {port: http, path: /}}
        liveness: {tcp: http}
      resources:
        memory: {limit: 128Mi}
    instance:
      name: local
      home: /var/lib/cdc-pipeline/local
      user: cdc

- name: Remove the workload, but keep its data
  cdc.pipeline.supervised_workload:
    workload: {name: echo}
    instance: "{{ instance }}"
    state: absent
"""

RETURN = r"""
started:
  description: Replicas that did not run and were started, or would be in check mode.
  type: list
  elements: str
  returned: success
restarted:
  description: Replicas that were restarted, or would be.
  type: list
  elements: str
  returned: success
stopped:
  description: Replicas that were stopped, or would be.
  type: list
  elements: str
  returned: success
removed:
  description: Replicas that were removed from the supervisor, or would be.
  type: list
  elements: str
  returned: success
reasons:
  description: Why something was done to a replica, by its name.
  type: dict
  returned: success
  sample: {kafka-0: [config/server.properties differs]}
found:
  description:
    - What there is of the service. V(new) where it does not run and keeps nothing, V(stopped) where it does not run and
      may keep something, V(running) where any of it runs.
  type: str
  returned: in check mode, when the workload is a service that would be started or restarted
replicas:
  description: Each replica as it is now, with its process id, ports and log file.
  type: list
  elements: dict
  returned: when the workload is a service that is started or restarted
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import instance_argument
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.layout import parse_instance
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.plan import plan
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.realise import Realiser
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.remove import Remover
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.secrecy import without_secrets, workload_masker
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.model import check_only
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload

_DEFAULT_GRACE = 30


def main():
    run(
        instance_argument()
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
    instance = parse_instance(params["instance"]).with_java()
    if params["state"] in ("stopped", "absent"):
        grace = int(params["workload"].get("stop_grace", _DEFAULT_GRACE))
        remover = Remover(str(params["workload"].get("name", "")), instance, grace, check_mode)
        report = remover.stop() if params["state"] == "stopped" else remover.remove(params["purge_data"])
        return report.outcome()
    workload = parse_workload(params["workload"])
    realiser = Realiser(plan(workload, instance), params["timeout"], check_mode)
    if workload.kind == "job":
        return realiser.run_job().outcome()
    report = realiser.start(params["state"] == "restarted", params["only"])
    return report.outcome(replicas=realiser.processes())


if __name__ == "__main__":
    main()
