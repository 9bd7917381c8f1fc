#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: debezium_connector
short_description: Capture tables with a Debezium connector, and snapshot added tables
version_added: "1.0.0"
description:
  - Brings a connector of Debezium for PostgreSQL to a configuration, and waits until it runs, as
    M(cdc.pipeline.connect_connector) does.
  - A connector's initial snapshot covers the tables of its first configuration. For those that are added later, or
    taken out and put back, this module asks for an incremental snapshot. It stops the connector, adds the tables to
    the snapshots that stand in its offset, changes the configuration and resumes it.
  - While a connector's initial snapshot runs, the module waits for its end before it changes the connector, for
    O(wait_timeout) seconds at most. A change would begin the snapshot again.
  - The configuration is the record of what was captured. A run that was interrupted at any step is simply run again.
  - What such a snapshot cannot read, since no key tells its rows apart or Debezium does not read its name back, comes
    by a further connector with C(-rows) at the end of its name. It reads whole tables once, and is deleted by the first
    run of this module that finds it finished.
  - A connector that was deleted, and left its offset, gets a snapshot of all tables when it is created again, since
    nobody knows what it captured.
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
      - The complete configuration, as for M(cdc.pipeline.connect_connector).
    type: dict
    required: true
  tables:
    description:
      - The tables to look at, as V(schema.table) with quotes where SQL takes them. Those that C(table.include.list) of
        O(config) names, and that of the connector's present configuration does not, are added.
    type: list
    elements: str
    required: true
  unkeyed:
    description:
      - Tables that an incremental snapshot cannot read. When one is added, its rows come by a connector of their own.
    type: list
    elements: str
    default: []
  snapshot:
    description:
      - Captured tables to snapshot again, whatever was asked for before.
    type: list
    elements: str
    default: []
  restart_failed_tasks:
    description:
      - Whether what has failed is restarted. Connect itself never does.
    type: bool
    default: true
  allow_unknown:
    description:
      - As for M(cdc.pipeline.connect_connector).
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
      - Seconds for which a state must last after a change before it is believed.
    type: float
    default: 2
notes:
  - A connector that does not exist has no offset that can be read, so check mode does not foresee the snapshots that a
    deleted connector's offset makes necessary.
seealso:
  - module: cdc.pipeline.connect_connector
  - module: cdc.pipeline.connect_connector_info
"""

EXAMPLES = r"""
- name: Capture three tables
  cdc.pipeline.debezium_connector:
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
      read.only: true
      table.include.list: public\.users,public\.products,public\.invoices
    tables: [public.users, public.products, public.invoices]

- name: Snapshot one of them again
  cdc.pipeline.debezium_connector:
    url: http://localhost:30083
    name: postgres-cdc
    config: "{{ connector_config }}"
    tables: [public.users, public.products, public.invoices]
    snapshot: [public.users]
"""

RETURN = r"""
connector:
  description: The connector as it is now, or would be in check mode, as M(cdc.pipeline.connect_connector) returns it.
  returned: success
  type: dict
steps:
  description: What was done, or would be, in order.
  returned: success
  type: list
  elements: str
  sample: [stop, snapshot, update, resume]
requested:
  description: Tables whose snapshot was asked for, or would be.
  returned: success
  type: list
  elements: str
separate:
  description: Tables whose rows are on their way by a connector of their own, being among O(unkeyed).
  returned: success
  type: list
  elements: str
unfinished:
  description: Tables whose snapshot was not finished when the connector was resumed; RV(requested) are among them.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._connect.debezium_connector import reconcile
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run_rest


def main() -> None:
    run_rest(
        {
            "name": {"type": "str", "required": True},
            "config": {"type": "dict", "required": True},
            "tables": {"type": "list", "elements": "str", "required": True},
            "unkeyed": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "snapshot": {"type": "list", "elements": "str", "default": []},
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
