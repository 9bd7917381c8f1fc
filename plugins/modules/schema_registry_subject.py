#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_registry_subject
short_description: Register a schema, or delete a subject, in a schema registry
version_added: "1.0.0"
description:
  - Registers a schema as a new version of a subject unless the subject has it already.
  - Schemas are compared by what they say. White space, the order of keys, and the ways to write a name are no
    difference; documentation and properties are.
  - Compatibility is tested before anything is written, also in check mode. For Avro, the message names each field that
    breaks it, and how to fix that.
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
      - Name of the subject, by convention that of the topic followed by C(-key) or C(-value).
    type: str
    required: true
  schema:
    description:
      - The schema, as text or, for Avro and JSON Schema, as a map or list.
    type: raw
  schema_type:
    description:
      - What kind of schema it is.
    type: str
    choices: [AVRO, JSON, PROTOBUF]
    default: AVRO
  references:
    description:
      - Schemas of other subjects that this one refers to.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The name by which the schema refers to it.
        type: str
        required: true
      subject:
        description:
          - The subject that has it.
        type: str
        required: true
      version:
        description:
          - The version of that subject.
        type: int
        required: true
  compatibility:
    description:
      - The compatibility level of this subject. Set before the schema is registered, and put back if it is refused.
      - Without it the subject's level stays as it is.
    type: str
    choices: [BACKWARD, BACKWARD_TRANSITIVE, FORWARD, FORWARD_TRANSITIVE, FULL, FULL_TRANSITIVE, NONE]
  state:
    description:
      - V(absent) deletes every version of the subject. Consumers can still read data by a deleted schema's id unless
        O(permanent=true).
    type: str
    choices: [present, absent]
    default: present
  permanent:
    description:
      - Whether O(state=absent) deletes for good. Data that was written with the schemas can then no longer be read.
    type: bool
    default: false
seealso:
  - module: cdc.pipeline.schema_registry_subject_info
  - module: cdc.pipeline.schema_registry_compatibility
"""

EXAMPLES = r"""
- name: Register a schema
  cdc.pipeline.schema_registry_subject:
    url: http://localhost:30081/apis/ccompat/v7
    username: writer
    password: "{{ vault_registry_password }}"
    subject: payments-value
    compatibility: BACKWARD
    schema:
      type: record
      name: Payment
      namespace: com.example
      fields:
        - {name: id, type: long}
        - {name: note, type: ["null", string], default: null}

- name: Register a Protobuf schema from a file
  cdc.pipeline.schema_registry_subject:
    url: http://localhost:30081/apis/ccompat/v7
    subject: events-value
    schema_type: PROTOBUF
    schema: "{{ lookup('ansible.builtin.file', 'events.proto') }}"

- name: Delete a subject
  cdc.pipeline.schema_registry_subject:
    url: http://localhost:30081/apis/ccompat/v7
    subject: obsolete-value
    state: absent
"""

RETURN = r"""
subject:
  description: The subject as it is now, or would be in check mode.
  returned: success
  type: dict
  contains:
    subject:
      description: Name of the subject.
      type: str
      returned: always
    state:
      description: V(present) or V(absent).
      type: str
      returned: always
    schema_type:
      description: What kind of schema it is.
      type: str
      returned: when present
    version:
      description: The version that has the schema.
      type: int
      returned: when the schema is registered
    id:
      description: The schema's id, which stands in every record written with it.
      type: int
      returned: when the schema is registered
breaks:
  description: Each change that breaks the compatibility, with C(field), C(change), C(remedy) and C(version) it breaks.
  returned: when an Avro schema is incompatible
  type: list
  elements: dict
  sample:
    - field: email
      change: "field added without a default: old data has no value for it"
      remedy: 'Give it one, such as "type": ["null", "string"] with "default": null'
      version: 1
messages:
  description: What the registry itself says against the schema.
  returned: when the schema is incompatible
  type: list
  elements: str
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._module import run_rest
from ansible_collections.cdc.pipeline.plugins.module_utils._schema_registry.client import LEVELS, SCHEMA_TYPES
from ansible_collections.cdc.pipeline.plugins.module_utils._schema_registry.subject import reconcile


def main() -> None:
    reference = {
        "name": {"type": "str", "required": True},
        "subject": {"type": "str", "required": True},
        "version": {"type": "int", "required": True},
    }
    run_rest(
        {
            "subject": {"type": "str", "required": True},
            "schema": {"type": "raw"},
            "schema_type": {"type": "str", "choices": SCHEMA_TYPES, "default": "AVRO"},
            "references": {"type": "list", "elements": "dict", "default": [], "options": reference},
            "compatibility": {"type": "str", "choices": LEVELS},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "permanent": {"type": "bool", "default": False},
        },
        reconcile,
        required_if=[("state", "present", ["schema"])],
    )


if __name__ == "__main__":
    main()
