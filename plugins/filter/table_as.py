# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import PipelineError
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.table_names import as_form

DOCUMENTATION = r"""
name: table_as
short_description: The name of a table in SQL, Debezium or Kafka
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives one of the names of a table.
positional: form, prefix
options:
  _input:
    description: The table, as an element of C(cdc_captured_tables).
    type: raw
    required: true
  form:
    description:
      - V(schema) and V(table) are the two names themselves, V(text) is both as in C(cdc_captured_tables), V(sql) both
        with quotes, V(id) is how Debezium calls it, V(regex) an entry of C(table.include.list), and V(topic) the topic.
    type: str
    choices: [schema, table, text, sql, id, regex, topic]
    required: true
  prefix:
    description: What the topic's name begins with.
    type: str
    default: ""
"""

EXAMPLES = r"""
# postgres.public.Order_Items
topic: "{{ 'public.\"Order Items\"' | cdc.pipeline.table_as('topic', 'postgres') }}"
"""

RETURN = r"""
_value:
  description: The name.
  type: str
"""


def table_as(table: Any, form: str, prefix: str = "") -> str:
    """A name of ``table``."""
    try:
        return as_form(table, form, prefix)
    except PipelineError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"table_as": table_as}
