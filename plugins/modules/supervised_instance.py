#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: supervised_instance
short_description: Manage the supervisor of a pipeline instance on this host
version_added: 1.0.0
description:
  - Sets up supervisord for one instance and starts or stops it. Where systemd runs, a unit
    C(cdc-pipeline-<instance>.service) starts it at boot and brings it back when it is killed.
  - Workloads are put under it by M(cdc.pipeline.supervised_workload).
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.instance
options:
  state:
    description:
      - With V(started) the supervisor is set up and runs, and with it every workload that it knows. Without
        O(instance.python) nothing is set up, and only what was set up before is started.
      - With V(stopped) every process and the supervisor itself end, until the next V(started) or boot.
      - With V(absent) the instance is removed from the host. Data, credentials and logs stay unless O(purge_data=true).
    type: str
    choices: [started, stopped, absent]
    default: started
  purge_data:
    description: Whether O(state=absent) removes the data, the credentials and the logs, too.
    type: bool
    default: false
  wait_timeout:
    description:
      - With O(state=started), seconds in which every workload that the supervisor knows must be ready.
      - With V(0) nothing is waited for.
    type: float
    default: 0
  systemd:
    description: Whether to use a systemd unit. By default that is so where the host was booted with systemd.
    type: bool
attributes:
  check_mode:
    support: full
    description: Can run in check mode and return what would change.
  diff_mode:
    support: full
    description: Returns what has changed, or would, of every file.
"""

EXAMPLES = r"""
- name: Set up and start the supervisor
  cdc.pipeline.supervised_instance:
    instance:
      name: local
      home: /var/lib/cdc-pipeline/local
      python: /var/cache/cdc-pipeline/python/bin/python
      services: /var/cache/cdc-pipeline/services
      user: cdc

- name: Remove the instance and its data
  cdc.pipeline.supervised_instance:
    instance: "{{ instance }}"
    state: absent
    purge_data: true
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode, in words.
  type: list
  elements: str
  returned: success
  sample: [configured, started supervisord]
socket:
  description: The supervisor's unix socket.
  type: str
  returned: success
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import instance_argument
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.host import Host, systemd_runs
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.layout import parse_instance
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.settle import wait_all_ready


def main():
    run(
        instance_argument()
        | {
            "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
            "purge_data": {"type": "bool", "default": False},
            "wait_timeout": {"type": "float", "default": 0.0},
            "systemd": {"type": "bool"},
        },
        perform,
    )


def perform(params, check_mode):
    instance = parse_instance(params["instance"])
    systemd = params["systemd"]
    host = Host(instance, systemd_runs() if systemd is None else systemd, check_mode)
    if params["state"] == "started":
        report = host.start()
        if params["wait_timeout"] and not (check_mode and report.changed):
            wait_all_ready(instance, params["wait_timeout"])
    elif params["state"] == "stopped":
        report = host.stop()
    else:
        report = host.remove(params["purge_data"])
    facts = {"actions": report.actions, "socket": str(instance.socket)}
    return Outcome(report.changed, differences=report.differences, facts=facts)


if __name__ == "__main__":
    main()
