# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import PipelineError
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.table_names import captured

DOCUMENTATION = r"""
name: captured_tables
short_description: The tables that are captured
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives each table of C(cdc_tables) once, as V(schema.table) with quotes where SQL takes them. An entry that is not
    right is an error that says what to write.
positional: own, matched
options:
  _input:
    description:
      - The entries of C(cdc_tables), each V(schema.table), a pattern such as V(sales.*), one of both after V(!), or a
        map of C(schema) and C(table).
    type: list
    elements: raw
    required: true
  own:
    description: Further tables. Empty entries are left out.
    type: list
    elements: raw
    default: []
  matched:
    description: The tables that the patterns mean. Without it, patterns are an error.
    type: list
    elements: str
"""

EXAMPLES = r"""
# ['public.users', 'public."Order Items"']
tables: "{{ ['public.users', {'schema': 'public', 'table': 'Order Items'}] | cdc.pipeline.captured_tables }}"
"""

RETURN = r"""
_value:
  description: The tables.
  type: list
  elements: str
"""


def captured_tables(entries: Iterable[Any], own: Iterable[Any] = (), matched: Iterable[Any] | None = None) -> list[str]:
    """The tables of ``entries``."""
    try:
        return [table.text for table in captured(entries, own, matched)]
    except PipelineError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"captured_tables": captured_tables}
