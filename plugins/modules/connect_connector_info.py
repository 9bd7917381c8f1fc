#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: connect_connector_info
short_description: Read the state, configuration and offsets of Kafka Connect connectors
version_added: "1.0.0"
description:
  - Reads one connector, or all of a Kafka Connect cluster.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.rest
  - cdc.pipeline.awaited
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.reads
options:
  name:
    description:
      - Name of the connector. Without it all connectors are returned.
    type: str
  offsets:
    description:
      - Whether the offsets are read too, which takes Connect a moment for each connector.
    type: bool
    default: false
  secret_keys:
    description:
      - Keys of the configuration to mask besides those whose name says that they hold a secret.
    type: list
    elements: str
    default: []
seealso:
  - module: cdc.pipeline.connect_connector
"""

EXAMPLES = r"""
- name: Read all connectors
  cdc.pipeline.connect_connector_info:
    url: http://localhost:30083
  register: connect

- name: Show which connectors fail, and why
  ansible.builtin.debug:
    msg: "{{ connect.connectors | map(attribute='tasks') | flatten | selectattr('state', 'eq', 'failed') }}"

- name: Read the offsets of one connector
  cdc.pipeline.connect_connector_info:
    url: http://localhost:30083
    name: postgres-cdc
    offsets: true
"""

RETURN = r"""
connectors:
  description: The connectors, by name; empty when there is none of the name asked for.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the connector.
      type: str
      returned: always
    state:
      description: V(running), V(paused), V(stopped), V(failed), V(unassigned) or V(restarting).
      type: str
      returned: always
    type:
      description: V(source) or V(sink).
      type: str
      returned: always
    worker_id:
      description: The worker that runs the connector.
      type: str
      returned: always
    cause:
      description: The innermost cause of the connector's own failure; empty when it works.
      type: str
      returned: always
    trace:
      description: The stack trace of the connector's own failure; empty when it works.
      type: str
      returned: always
    config:
      description: The complete configuration, with secrets masked.
      type: dict
      returned: always
    tasks:
      description: Each task with C(id), C(state), C(worker_id), C(cause) and C(trace).
      type: list
      elements: dict
      returned: always
    offsets:
      description: Each offset with C(partition) and C(offset), in the connector's own terms.
      type: list
      elements: dict
      returned: when O(offsets=true)
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._connect.connector import report
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run_rest


def main() -> None:
    run_rest(
        {
            "name": {"type": "str"},
            "offsets": {"type": "bool", "default": False},
            "secret_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
        },
        report,
    )


if __name__ == "__main__":
    main()
