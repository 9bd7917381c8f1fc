#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: replication_slot_info
short_description: Query the effect of a replication slot on its server
version_added: "1.0.0"
description:
  - Reads a slot, what WAL the server keeps for it, and what bounds that. A slot that nobody reads keeps WAL until it is
    read again, is dropped, or is lost.
  - Every user may see slots.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.postgresql
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.reads
options:
  slot:
    description:
      - Name of the replication slot.
    type: str
    required: true
seealso:
  - module: cdc.pipeline.replication_slot_wait
"""

EXAMPLES = r"""
- name: Query what the slot retains
  cdc.pipeline.replication_slot_info:
    login_host: db.example.com
    login_user: debezium
    login_password: "{{ vault_cdc_password }}"
    login_db: shop
    slot: debezium
  register: found
"""

RETURN = r"""
present:
  description: Whether there is such a slot.
  returned: success
  type: bool
active:
  description: Whether somebody reads it.
  returned: when there is one
  type: bool
wal_status:
  description: As PostgreSQL has it, such as V(reserved) or V(lost).
  returned: when there is one
  type: str
retained_bytes:
  description: Bytes of WAL that the server keeps for it.
  returned: when there is one
  type: int
limit_bytes:
  description: Bytes of C(max_slot_wal_keep_size); null where it has no bound.
  returned: when there is one
  type: int
safe_bytes:
  description: Bytes of WAL that may be written until it is lost; null where nothing bounds it.
  returned: when there is one
  type: int
idle_timeout:
  description: C(idle_replication_slot_timeout) of version 18 and later, after which it is lost; null for none.
  returned: when there is one
  type: str
message:
  description: All of this in sentences.
  returned: success
  type: str
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import postgresql_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.slot_info import read


def main() -> None:
    run(postgresql_arguments() | {"slot": {"type": "str", "required": True}}, read)


if __name__ == "__main__":
    main()
