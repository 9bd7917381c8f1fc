#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: capture_rights
short_description: Create the roles, grants and publication that capture needs on your own server
version_added: "1.0.0"
description:
  - Brings roles, their rights on the captured tables, and the publication to a server that is not the pipeline's. What
    is there already is enough, whoever made it, and nothing is asked of the server for it then.
  - Where O(login_user) may not do what is missing, nothing is changed, and the module fails with the statements that an
    administrator can run. They are those that it would have run itself; passwords are left out.
  - Whether the user may is tried in a transaction, which is rolled back with O(examine) and in check mode. Servers of
    clouds have rules of their own, so that nothing else tells.
  - A publication that an administrator has made stays theirs. It is used as it is, and never changed.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.postgresql
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  examine:
    description:
      - Only find out whether the user may. It is no change then.
    type: bool
    default: false
  roles:
    description:
      - The roles that the pipeline signs in as.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      password:
        description: Its password. It is tried, where the role is there.
        type: str
        required: true
      verifier:
        description: The password as PostgreSQL stores it, as the filter P(cdc.pipeline.scram_verifier#filter) makes it.
        type: str
        required: true
      variable:
        description: The variable that holds the password, for the administrator.
        type: str
        required: true
      replication:
        description: Whether it reads a replication slot.
        type: bool
        default: false
      member_of:
        description: Roles whose rights it needs.
        type: list
        elements: str
        default: []
  reader:
    description:
      - The role that reads the tables.
    type: str
    required: true
  tables:
    description:
      - The captured tables as M(cdc.pipeline.capture_audit) returns them, with C(name), C(schema), C(table) and
        C(grant).
    type: list
    elements: dict
    default: []
  own:
    description:
      - Those of O(tables) that the pipeline writes to, by C(name), each with its definition in SQL, by which it is made
        where it is missing.
    type: dict
    default: {}
  publication:
    description:
      - The publication of O(tables), as M(cdc.pipeline.capture_publication) makes it; empty for none.
    type: str
    default: ''
  slot:
    description:
      - The replication slot through which the connector reads it.
    type: str
    default: ''
  findings:
    description:
      - What M(cdc.pipeline.capture_audit) has found. Refusals among it are reported with what the user may not do.
    type: list
    elements: dict
    default: []
seealso:
  - module: cdc.pipeline.capture_audit
  - module: cdc.pipeline.capture_publication
"""

EXAMPLES = r"""
- name: Check the user's rights before anything is changed
  cdc.pipeline.capture_rights:
    login_host: db.example.com
    login_user: shop_owner
    login_password: "{{ vault_postgresql_password }}"
    login_db: shop
    ssl_mode: verify-full
    ca_cert: /etc/ssl/corporate/root.pem
    examine: true
    reader: debezium
    roles:
      - name: debezium
        password: "{{ vault_cdc_password }}"
        verifier: "{{ vault_cdc_password | cdc.pipeline.scram_verifier('debezium', pepper=vault_postgresql_password) }}"
        variable: postgresql_cdc_password
        replication: true
    tables: "{{ audit.tables }}"
    publication: debezium_captured
    slot: debezium
"""

RETURN = r"""
lacking:
  description: What was lacking, in sentences.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import postgresql_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.rights import reconcile


def main() -> None:
    run(
        postgresql_arguments()
        | {
            "examine": {"type": "bool", "default": False},
            "roles": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "password": {"type": "str", "required": True, "no_log": True},
                    "verifier": {"type": "str", "required": True, "no_log": True},
                    "variable": {"type": "str", "required": True},
                    "replication": {"type": "bool", "default": False},
                    "member_of": {"type": "list", "elements": "str", "default": []},
                },
            },
            "reader": {"type": "str", "required": True},
            "tables": {"type": "list", "elements": "dict", "default": []},
            "own": {"type": "dict", "default": {}},
            "publication": {"type": "str", "default": ""},
            "slot": {"type": "str", "default": ""},
            "findings": {"type": "list", "elements": "dict", "default": []},
        },
        reconcile,
    )


if __name__ == "__main__":
    main()
