#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_registry_subject_info
short_description: Read the subjects of a schema registry
version_added: "1.0.0"
description:
  - Reads one subject of a schema registry, or all of them.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.rest
  - cdc.pipeline.awaited
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.reads
options:
  subject:
    description:
      - Name of the subject. Without it all subjects are returned.
    type: str
  all_versions:
    description:
      - Whether the schemas of all versions are returned, not only the latest.
    type: bool
    default: false
seealso:
  - module: cdc.pipeline.schema_registry_subject
"""

EXAMPLES = r"""
- name: Read all subjects
  cdc.pipeline.schema_registry_subject_info:
    url: http://localhost:30081/apis/ccompat/v7
    username: reader
    password: "{{ vault_registry_password }}"
  register: registry

- name: Read one with its history
  cdc.pipeline.schema_registry_subject_info:
    url: http://localhost:30081/apis/ccompat/v7
    subject: postgres.public.users-value
    all_versions: true
"""

RETURN = r"""
subjects:
  description: The subjects, by name; empty when there is none of the name asked for.
  returned: success
  type: list
  elements: dict
  contains:
    subject:
      description: Name of the subject.
      type: str
      returned: always
    state:
      description: Always V(present).
      type: str
      returned: always
    schema_type:
      description: What kind of schema it is.
      type: str
      returned: always
    schema:
      description: The latest schema, as a structure, or as text for Protobuf.
      type: raw
      returned: always
    references:
      description: Schemas that the latest one refers to.
      type: list
      elements: dict
      returned: when it has any
    compatibility:
      description: The subject's compatibility level. Some registries give the global one for a subject without its own.
      type: str
      returned: when the registry gives one
    version:
      description: Number of the latest version.
      type: int
      returned: always
    id:
      description: Id of the latest schema.
      type: int
      returned: always
    versions:
      description: Numbers of all versions.
      type: list
      elements: int
      returned: always
    history:
      description: Every version with C(version), C(id) and C(schema).
      type: list
      elements: dict
      returned: when O(all_versions=true)
global_compatibility:
  description: The level that holds for subjects without their own.
  returned: success
  type: str
  sample: BACKWARD
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._module import run_rest
from ansible_collections.cdc.pipeline.plugins.module_utils._schema_registry.subject import report


def main() -> None:
    run_rest(
        {
            "subject": {"type": "str"},
            "all_versions": {"type": "bool", "default": False},
        },
        report,
    )


if __name__ == "__main__":
    main()
