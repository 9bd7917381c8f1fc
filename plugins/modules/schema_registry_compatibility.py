#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_registry_compatibility
short_description: Set the compatibility level of a schema registry or of a subject
version_added: "1.0.0"
description:
  - Sets the level at which a schema registry tests new versions of a schema, for all subjects or for one.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.rest
  - cdc.pipeline.awaited
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  subject:
    description:
      - The subject. Without it the global level is set.
    type: str
  level:
    description:
      - V(BACKWARD) lets new consumers read old data, V(FORWARD) lets old consumers read new data, V(FULL) both. With
        C(_TRANSITIVE) all versions are tested instead of the latest.
    type: str
    choices: [BACKWARD, BACKWARD_TRANSITIVE, FORWARD, FORWARD_TRANSITIVE, FULL, FULL_TRANSITIVE, NONE]
  state:
    description:
      - V(absent) takes a subject's own level away, so that the global one holds again.
      - Apicurio Registry may not tell an own level from the global one. There, an own level that equals the global one
        counts as none.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: cdc.pipeline.schema_registry_subject
"""

EXAMPLES = r"""
- name: Require that new schemas read old data
  cdc.pipeline.schema_registry_compatibility:
    url: http://localhost:30081/apis/ccompat/v7
    username: writer
    password: "{{ vault_registry_password }}"
    level: BACKWARD

- name: Set a stricter level for one subject
  cdc.pipeline.schema_registry_compatibility:
    url: http://localhost:30081/apis/ccompat/v7
    subject: postgres.public.orders-value
    level: FULL_TRANSITIVE
"""

RETURN = r"""
compatibility:
  description: The level that holds now, or would in check mode.
  returned: success
  type: dict
  contains:
    subject:
      description: The subject.
      type: str
      returned: when one was asked for
    level:
      description: The level that holds.
      type: str
      returned: always
  sample:
    level: BACKWARD
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._module import run_rest
from ansible_collections.cdc.pipeline.plugins.module_utils._schema_registry.client import LEVELS
from ansible_collections.cdc.pipeline.plugins.module_utils._schema_registry.subject_level import reconcile


def main() -> None:
    run_rest(
        {
            "subject": {"type": "str"},
            "level": {"type": "str", "choices": LEVELS},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        reconcile,
        required_if=[("state", "present", ["level"])],
    )


if __name__ == "__main__":
    main()
