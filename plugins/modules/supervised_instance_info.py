#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: supervised_instance_info
short_description: Query the state of every process of a pipeline instance
version_added: 1.0.0
description:
  - Gives state, process id, uptime, memory, ports and readiness of each replica, and on request the end of its log.
  - Secrets of the workloads are masked in what it returns.
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.instance
options:
  component:
    description: Only this workload, such as V(kafka), or one replica alone, such as V(kafka-0). Empty for all.
    type: str
    default: ""
  log_lines:
    description: How many lines of each log to return.
    type: int
    default: 0
attributes:
  check_mode:
    support: full
    description: The module only reads.
  diff_mode:
    support: none
    description: The module only reads.
"""

EXAMPLES = r"""
- name: Query the processes
  cdc.pipeline.supervised_instance_info:
    instance: "{{ lookup('cdc.pipeline.instance') }}"
  register: status
"""

RETURN = r"""
running:
  description: Whether the supervisor runs.
  type: bool
  returned: success
processes:
  description: Each replica.
  type: list
  elements: dict
  returned: success
  contains:
    name: {description: "Its name, such as kafka-0.", type: str}
    kind: {description: "V(service), V(job) or V(cronjob).", type: str}
    state:
      description:
        - The supervisor's state of it, or V(ABSENT).
        - Of a job V(DONE) or V(NOT DONE). Of a cronjob that is looked after V(WAITING), V(RUNNING), or V(HELD) where
          its definition is not complete.
      type: str
    ready:
      description: Whether its readiness probe passes; whether a job has succeeded, and a cronjob is looked after.
      type: bool
    next_run: {description: "Of a cronjob: when it runs next, in UTC.", type: str}
    last_run:
      description: Of a cronjob its last run that has ended, with C(started), C(seconds), C(outcome) and C(exit_status).
      type: dict
    pid: {description: "Its process id, 0 when it does not run.", type: int}
    uptime: {description: "Seconds since its start.", type: int}
    started: {description: "Its start in seconds since the epoch.", type: int}
    rss_bytes: {description: "Resident memory with its children; shared memory counts once.", type: int}
    cpu_seconds: {description: "CPU time with its children.", type: float}
    memory_limit_bytes: {description: "Its memory limit.", type: int}
    memory_kills: {description: "How often the kernel killed it at its memory limit.", type: int}
    ports: {description: "Its ports by name.", type: dict}
    detail: {description: "What the probe found.", type: str}
    log: {description: "Its log file.", type: str}
    log_tail: {description: "The last lines of its log, with O(log_lines).", type: list}
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import instance_argument
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.layout import parse_instance
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.status import status


def main():
    run(
        instance_argument()
        | {
            "component": {"type": "str", "default": ""},
            "log_lines": {"type": "int", "default": 0},
        },
        perform,
    )


def perform(params, check_mode):
    instance = parse_instance(params["instance"])
    running, rows = status(instance, params["component"], params["log_lines"])
    return Outcome(False, facts={"running": running, "processes": rows})


if __name__ == "__main__":
    main()
