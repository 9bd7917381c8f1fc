# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import PipelineError
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.table_names import parse_column

DOCUMENTATION = r"""
name: column_as
short_description: The name of a column in Debezium
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives one of the names of a column.
positional: form
options:
  _input:
    description: The column, as V(schema.table.column), or a map of C(schema), C(table) and C(column).
    type: raw
    required: true
  form:
    description: V(text) is how it is written, V(regex) an entry of C(column.exclude.list).
    type: str
    choices: [text, regex]
    required: true
"""

EXAMPLES = r"""
# (?-i)public\.users\.photo
entry: "{{ 'public.users.photo' | cdc.pipeline.column_as('regex') }}"
"""

RETURN = r"""
_value:
  description: The name.
  type: str
"""


def column_as(column: Any, form: str) -> str:
    """A name of ``column``."""
    try:
        found = parse_column(column)
    except PipelineError as error:
        raise AnsibleFilterError(error.message) from error
    return found.regex if form == "regex" else found.text


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"column_as": column_as}
