#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: capture_audit
short_description: Check whether tables can be captured
version_added: "1.0.0"
description:
  - Reads what PostgreSQL says of the tables to capture and of the server, by the services' tool C(cdc-audit). It fails
    with everything that prevents capturing, each with its reason and its remedy, and returns what one should
    know.
  - It also finds out which tables the patterns of O(tables) mean.
  - Nothing is written. In check mode nothing is found where the tool is not installed yet.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.reads
options:
  tool:
    description:
      - Path of C(cdc-audit).
    type: path
    required: true
  postgresql:
    description:
      - The database, and a user who may read its catalogue and the tables.
    type: dict
    required: true
    suboptions:
      host:
        description: Host name or address.
        type: str
        required: true
      port:
        description: Port.
        type: int
        default: 5432
      dbname:
        description: The database.
        type: str
        required: true
      user:
        description: The user.
        type: str
        required: true
      password:
        description: The password.
        type: str
        required: true
      sslmode:
        description: As for libpq.
        type: str
      ca:
        description: File of the certificate authorities to trust.
        type: path
  tables:
    description:
      - The entries of C(cdc_tables). Each is V(schema.table) with quotes where SQL takes them, a pattern such as
        V(sales.*), one of both after V(!), or a map of C(schema) and C(table).
    type: list
    elements: raw
    required: true
  own:
    description:
      - Tables that the pipeline brings, so that they may be missing. Empty entries are left out.
    type: list
    elements: raw
    default: []
  excluded_columns:
    description:
      - Columns that are not captured, each V(schema.table.column) or a map of C(schema), C(table) and C(column).
    type: list
    elements: raw
    default: []
  role:
    description:
      - The role that the connector reads as.
    type: str
    required: true
  slot:
    description:
      - The connector's replication slot.
    type: str
    required: true
  prefix:
    description:
      - What the names of topics begin with.
    type: str
    required: true
  managed:
    description:
      - Whether the server is the pipeline's own.
    type: bool
    default: true
  identity:
    description:
      - V(full) where a run sets the replica identity of the captured tables.
    type: str
    choices: [full, keep]
    default: keep
  prepared:
    description:
      - Whether rights and identities exist. With V(false) what a run would still grant or set is not missed.
    type: bool
    default: false
  fold_case:
    description:
      - Whether what archives takes topics for one whose names differ by case alone, as the sink of Iceberg does.
    type: bool
    default: false
  max_row_bytes:
    description:
      - Most bytes of a record.
    type: int
    default: 1000000
  required:
    description:
      - Whether it is an error that the server does not answer.
    type: bool
    default: true
  refuse:
    description:
      - Whether what prevents capturing is an error. With V(false) it is among RV(findings) alone.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Check whether the tables of a schema can be captured
  cdc.pipeline.capture_audit:
    tool: "{{ cdc_artifacts.services }}/bin/cdc-audit"
    postgresql:
      host: db.example.com
      dbname: shop
      user: postgres
      password: "{{ postgresql_superuser_password }}"
    tables: ['sales.*', '!sales.tmp_*', 'public."Order Items"']
    role: debezium
    slot: debezium
    prefix: postgres
  register: audit
"""

RETURN = r"""
reached:
  description: Whether the server answered.
  returned: success
  type: bool
tables:
  description:
    - What is found of each table, as its C(name), which is how it is written, C(schema), C(table), C(id), which is
      what Debezium calls it, and C(sql); whether a key C(tells_apart) its rows, and whether a snapshot can read it
      C(chunked); its columns that are C(generated), and all that are C(left_out); what of it lacks REPLICA IDENTITY
      FULL (C(not_full)); whether the role may read it (C(readable)), and the statements that let it (C(grant)).
  returned: success
  type: list
  elements: dict
missing:
  description: Tables of O(own) that are not there, each with its C(name), C(schema), C(table) and C(grant).
  returned: success
  type: list
  elements: dict
matched:
  description: The tables that patterns mean.
  returned: success
  type: list
  elements: str
findings:
  description: What was found, each with its C(severity), C(code), C(subject), C(what), C(why) and C(remedy).
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._module import run
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.capture_audit import reconcile


def main() -> None:
    run(
        {
            "tool": {"type": "path", "required": True},
            "postgresql": {
                "type": "dict",
                "required": True,
                "options": {
                    "host": {"type": "str", "required": True},
                    "port": {"type": "int", "default": 5432},
                    "dbname": {"type": "str", "required": True},
                    "user": {"type": "str", "required": True},
                    # Ansible would mask it in the names of tables as well, where it is a part of one.
                    "password": {"type": "str", "required": True, "no_log": False},
                    "sslmode": {"type": "str"},
                    "ca": {"type": "path"},
                },
            },
            "tables": {"type": "list", "elements": "raw", "required": True},
            "own": {"type": "list", "elements": "raw", "default": []},
            "excluded_columns": {"type": "list", "elements": "raw", "default": []},
            "role": {"type": "str", "required": True},
            "slot": {"type": "str", "required": True},
            "prefix": {"type": "str", "required": True},
            "managed": {"type": "bool", "default": True},
            "identity": {"type": "str", "choices": ["full", "keep"], "default": "keep"},
            "prepared": {"type": "bool", "default": False},
            "fold_case": {"type": "bool", "default": False},
            "max_row_bytes": {"type": "int", "default": 1_000_000},
            "required": {"type": "bool", "default": True},
            "refuse": {"type": "bool", "default": True},
        },
        reconcile,
        show=lambda params: {**params, "postgresql": {**params["postgresql"], "password": "********"}},
    )


if __name__ == "__main__":
    main()
