#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: replication_slot_wait
short_description: Wait until a connector can use a publication, or create its slot
version_added: "1.0.0"
description:
  - PostgreSQL decodes a transaction with the catalog as it was while the transaction ran. A connector that gets a
    transaction from before its publication was created fails, and it misses changes of a table from before the table
    was added.
  - The module waits until the transactions have ended that run now, and, where it is needed, until the slot is past
    them. Run it between the change of the publication and that of the connector. The connector has to be running.
  - Where there is no slot, it does not wait, unless O(first=true). PostgreSQL itself waits, when it makes a slot, for
    all transactions of the server that have written, and says nothing of them.
  - In check mode it does not wait. With O(first=true) and no slot it then returns what it would wait for.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.postgresql
  - cdc.pipeline.awaited
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.reads
options:
  slot:
    description:
      - Name of the replication slot.
    type: str
    required: true
  new:
    description:
      - Whether the connector has not read this publication before. Otherwise the slot has to be past the change only on
        servers before 13.21, 14.18, 15.13, 16.9 and 17.5, which continue with what they knew of a table.
    type: bool
    default: false
  first:
    description:
      - Whether the connector is to make the slot, where there is none. The transactions that run now are then waited
        for.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait at most.
    type: int
    default: 600
seealso:
  - module: cdc.pipeline.capture_publication
"""

EXAMPLES = r"""
- name: Wait until the connector may read its new publication
  cdc.pipeline.replication_slot_wait:
    login_host: localhost
    login_password: "{{ vault_postgresql_password }}"
    login_db: ecommerce
    slot: debezium
    new: true

- name: Query the transactions for which a new slot would wait
  cdc.pipeline.replication_slot_wait:
    login_host: localhost
    login_password: "{{ vault_postgresql_password }}"
    login_db: ecommerce
    slot: debezium
    first: true
  check_mode: true
  register: found
"""

RETURN = r"""
running:
  description:
    - The transactions that are waited for, each with the process, user, application and database that has it open, for
      how long it has been open, when its last statement began, and what ends it.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import awaited_argument, postgresql_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.slot_wait import wait


def main() -> None:
    run(
        postgresql_arguments()
        | awaited_argument()
        | {
            "slot": {"type": "str", "required": True},
            "new": {"type": "bool", "default": False},
            "first": {"type": "bool", "default": False},
            "wait_timeout": {"type": "int", "default": 600},
        },
        wait,
    )


if __name__ == "__main__":
    main()
