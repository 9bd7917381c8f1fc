#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: connect_connector
short_description: Create, change, pause, stop and delete a Kafka Connect connector
version_added: "1.0.0"
description:
  - Brings one connector to a configuration and a state, and waits until it and its tasks are there.
  - Before a configuration is written, the plugin itself validates it, also in check mode. Connect silently accepts
    settings that no plugin knows; this module does not. Everything that is wrong is listed at once.
  - Whole configurations are compared, so a setting that is no longer stated is removed.
  - When a task fails, the module fails with the cause and returns the trace of every failed task.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.rest
  - cdc.pipeline.awaited
  - cdc.pipeline.rest.wait
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  name:
    description:
      - Name of the connector.
    type: str
    required: true
  config:
    description:
      - The complete configuration. Required to create a connector; without it only the state is reconciled.
      - Values are converted to strings as Connect keeps them, lists joined by commas. A null counts as not stated.
      - Values of keys that hold secrets are masked in all output. References such as V(${file:/path:key}), which the
        worker's C(ConfigProvider) resolves, are no secrets and are shown.
    type: dict
  state:
    description:
      - V(running) waits until the connector and all its tasks run.
      - V(paused) keeps the tasks and their resources, V(stopped) gives them up.
      - V(absent) deletes the connector. Its offsets stay, so a connector of the same name continues where it stopped.
    type: str
    choices: [running, paused, stopped, absent]
    default: running
  restart_failed_tasks:
    description:
      - Whether what has failed is restarted when O(state=running). Connect itself never does.
    type: bool
    default: true
  allow_unknown:
    description:
      - Shell patterns of settings that the plugin reads without defining them, such as V(myplugin.client.*).
      - The prefixes that Connect hands on (C(producer.override.), C(value.converter.) and the like), and those of
        Debezium, MirrorMaker and Apache Iceberg, are known.
    type: list
    elements: str
    default: []
  secret_keys:
    description:
      - Keys of O(config) to mask besides those whose name says that they hold a secret.
    type: list
    elements: str
    default: []
  settle_seconds:
    description:
      - Seconds for which a state must last after a change before it is believed. The old tasks' states still show for a
        moment, and a task that fails does so after a moment. Five times as many after a restart of what had failed.
    type: float
    default: 2
notes:
  - Connect shows a task as running from its start until it fails. One that another program has just restarted, and that
    is going to fail again, is seen as running here, too, where nothing else is to be done.
seealso:
  - module: cdc.pipeline.connect_connector_info
"""

EXAMPLES = r"""
- name: Capture two tables
  cdc.pipeline.connect_connector:
    url: http://localhost:30083
    name: postgres-cdc
    config:
      connector.class: io.debezium.connector.postgresql.PostgresConnector
      tasks.max: 1
      database.hostname: localhost
      database.user: debezium
      database.password: ${file:/etc/connect/secrets.properties:postgresql.password}
      database.dbname: ecommerce
      topic.prefix: postgres
      plugin.name: pgoutput
      table.include.list: [public.users, public.products]

- name: Stop the connector during maintenance
  cdc.pipeline.connect_connector:
    url: http://localhost:30083
    name: postgres-cdc
    state: stopped

- name: Delete the connector, but keep its offsets
  cdc.pipeline.connect_connector:
    url: https://connect.example.com
    username: admin
    password: "{{ vault_connect_password }}"
    ca_path: /etc/ssl/certs/internal-ca.pem
    name: postgres-cdc
    state: absent
"""

RETURN = r"""
connector:
  description: The connector as it is now, or would be in check mode. Secrets are masked.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the connector.
      type: str
      returned: always
    state:
      description: State of the connector in lower case.
      type: str
      returned: always
    config:
      description: The complete configuration.
      type: dict
      returned: when the connector exists
    type:
      description: V(source) or V(sink).
      type: str
      returned: when the connector exists and not in check mode
    worker_id:
      description: The worker that runs the connector.
      type: str
      returned: when the connector exists and not in check mode
    tasks:
      description: Each task with C(id), C(state), C(worker_id), C(cause) and C(trace).
      type: list
      elements: dict
      returned: when the connector exists and not in check mode
steps:
  description: What was done, or would be, in order.
  returned: success
  type: list
  elements: str
  sample: [update, resume]
problems:
  description: Everything that is wrong with the configuration, each with C(field), C(problem) and C(remedy).
  returned: when the configuration is wrong
  type: list
  elements: dict
  sample:
    - field: topicprefix
      problem: "no such setting: the plugin would ignore it"
      remedy: did you mean "topic.prefix"?
failed_tasks:
  description: Each failed task with C(id) (-1 is the connector itself), C(state), C(worker_id), C(cause) and C(trace).
  returned: when the connector or a task fails
  type: list
  elements: dict
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._connect.connector import reconcile
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run_rest


def main() -> None:
    run_rest(
        {
            "name": {"type": "str", "required": True},
            "config": {"type": "dict"},
            "state": {"type": "str", "choices": ["running", "paused", "stopped", "absent"], "default": "running"},
            "restart_failed_tasks": {"type": "bool", "default": True},
            "allow_unknown": {"type": "list", "elements": "str", "default": []},
            "secret_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "settle_seconds": {"type": "float", "default": 2},
        },
        reconcile,
        secret_maps=["config"],
        default_wait=120,
    )


if __name__ == "__main__":
    main()
