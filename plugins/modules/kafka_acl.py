#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_acl
short_description: Set the rights of Kafka users
version_added: "1.0.0"
description:
  - Adds and removes rules of access (ACLs). The brokers must have an authorizer, such as C(StandardAuthorizer).
  - Rules that are not stated stay, except for those of O(exact_principals).
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.kafka
  - cdc.pipeline.awaited
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  acls:
    description:
      - The rules.
    type: list
    elements: dict
    default: []
    suboptions:
      principal:
        description:
          - Who, with the type, such as V(User:reports).
        type: str
        required: true
      resource_type:
        description:
          - What kind of resource.
        type: str
        choices: [topic, group, transactional_id, cluster]
        required: true
      name:
        description:
          - Name of the resource, or its beginning; V(*) is all of them. Required except for V(cluster), of which
            there is one.
        type: str
      pattern:
        description:
          - Whether O(acls[].name) is a name or the beginning of names.
        type: str
        choices: [literal, prefixed]
        default: literal
      operations:
        description:
          - What may be done. V(read), V(write), V(delete) and V(alter) imply V(describe), and V(alter_configs) implies
            V(describe_configs).
        type: list
        elements: str
        choices:
          - all
          - alter
          - alter_configs
          - cluster_action
          - create
          - delete
          - describe
          - describe_configs
          - idempotent_write
          - read
          - write
        required: true
      permission:
        description:
          - Whether it may be done. V(deny) outweighs V(allow).
        type: str
        choices: [allow, deny]
        default: allow
      host:
        description:
          - From which address. V(*) is any.
        type: str
        default: '*'
  state:
    description:
      - Whether the rules shall be there.
    type: str
    choices: [present, absent]
    default: present
  exact_principals:
    description:
      - Principals who have no other rules than those stated. Others of theirs are removed. Not used with
        O(state=absent).
    type: list
    elements: str
    default: []
seealso:
  - module: cdc.pipeline.kafka_user
  - name: Authorization in Apache Kafka
    description: Which operation which request needs.
    link: https://kafka.apache.org/documentation/#operations_resources_and_protocols
"""

EXAMPLES = r"""
- name: Let a user read the captured tables and do nothing else
  cdc.pipeline.kafka_acl:
    bootstrap_servers: kafka.example.com:9093
    client_config: "{{ kafka_admin_client }}"
    acls:
      - {principal: 'User:reports', resource_type: topic, name: postgres., pattern: prefixed, operations: [read]}
      - {principal: 'User:reports', resource_type: group, name: reports-, pattern: prefixed, operations: [read]}
    exact_principals: ['User:reports']

- name: Remove all rights of the user reports
  cdc.pipeline.kafka_acl:
    bootstrap_servers: kafka.example.com:9093
    client_config: "{{ kafka_admin_client }}"
    exact_principals: ['User:reports']
"""

RETURN = r"""
added:
  description: Rules that were added, or would be.
  returned: success
  type: list
  elements: str
  sample: ['User:reports: allow read on topic postgres.*']
removed:
  description: Rules that were removed, or would be.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import kafka_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._kafka.acl import reconcile
from ansible_collections.cdc.pipeline.plugins.module_utils._kafka.acl_plan import OPERATIONS, PATTERNS, TYPES
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run


def main() -> None:
    rule = {
        "principal": {"type": "str", "required": True},
        "resource_type": {"type": "str", "choices": list(TYPES), "required": True},
        "name": {"type": "str"},
        "pattern": {"type": "str", "choices": list(PATTERNS), "default": "literal"},
        "operations": {"type": "list", "elements": "str", "choices": list(OPERATIONS), "required": True},
        "permission": {"type": "str", "choices": ["allow", "deny"], "default": "allow"},
        "host": {"type": "str", "default": "*"},
    }
    run(
        kafka_arguments()
        | {
            "acls": {"type": "list", "elements": "dict", "default": [], "options": rule},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "exact_principals": {"type": "list", "elements": "str", "default": []},
        },
        reconcile,
        secret_maps=["client_config"],
    )


if __name__ == "__main__":
    main()
