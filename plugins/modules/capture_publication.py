#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: capture_publication
short_description: Publish only the captured tables to a connector
version_added: "1.0.0"
description:
  - Brings a publication to a list of tables, with all operations, and with the changes of partitions as those of the
    table that they are partitions of.
  - A table is added before the connector captures it, and taken out after it has ceased to. So the module is run before
    the connector is changed, and once more after that with O(captured=true).
  - A comment on the publication says that it is the pipeline's own. One that is another's is used as it is if it fits,
    and refused otherwise; it is never changed or dropped.
  - The comment also names the tables that are due for a snapshot, namely those that were added to a publication that
    was there. A table that was dropped and created again is one of them, since it left the publication. They are
    returned by each run until O(captured=true), so that an interrupted run forgets none.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.postgresql
  - cdc.pipeline.awaited
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  name:
    description:
      - Name of the publication.
    type: str
    required: true
  slot:
    description:
      - The replication slot through which the connector reads it. The publications of a slot are one pipeline's.
    type: str
    required: true
  tables:
    description:
      - The captured tables, each with C(schema) and C(table) as the catalog has them, and perhaps the C(name) by which
        the module returns it. Other keys are ignored.
    type: list
    elements: dict
    default: []
  captured:
    description:
      - Whether the connector captures just these tables through this publication, and the snapshots that were
        due have been asked for. Then tables that are beyond are taken out, former publications of the slot are dropped,
        and nothing is due any more.
    type: bool
    default: false
  state:
    description:
      - V(absent) drops all publications that are marked as those of O(slot), whatever their names.
    type: str
    choices: [present, absent]
    default: present
notes:
  - The user needs to own the tables and to have CREATE on the database, or to be a superuser.
seealso:
  - module: cdc.pipeline.replication_slot_wait
  - module: cdc.pipeline.debezium_connector
"""

EXAMPLES = r"""
- name: Publish two tables, before the connector captures them
  cdc.pipeline.capture_publication:
    login_host: localhost
    login_password: "{{ vault_postgresql_password }}"
    login_db: ecommerce
    name: debezium_captured
    slot: debezium
    tables:
      - {schema: public, table: users}
      - {schema: public, table: Order Items}
  register: published

- name: Remove the tables that the connector no longer captures
  cdc.pipeline.capture_publication:
    login_host: localhost
    login_password: "{{ vault_postgresql_password }}"
    login_db: ecommerce
    name: debezium_captured
    slot: debezium
    tables:
      - {schema: public, table: users}
      - {schema: public, table: Order Items}
    captured: true
"""

RETURN = r"""
added:
  description: Tables that were added to the publication, or would be, by their names or as C(schema.table).
  returned: success
  type: list
  elements: str
snapshots_due:
  description: Tables that are to be snapshotted, likewise.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import awaited_argument, postgresql_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.publications import reconcile


def main() -> None:
    run(
        postgresql_arguments()
        | awaited_argument()
        | {
            "name": {"type": "str", "required": True},
            "slot": {"type": "str", "required": True},
            "tables": {"type": "list", "elements": "dict", "default": []},
            "captured": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        reconcile,
    )


if __name__ == "__main__":
    main()
