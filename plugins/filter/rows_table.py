# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils._table import table

DOCUMENTATION = r"""
name: rows_table
short_description: Write a list of maps as an aligned table
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives the text of a table with a line for each map and a column for each key.
options:
  _input:
    description: The rows.
    type: list
    elements: dict
    required: true
  columns:
    description: The columns to show, in this order. By default the keys of the first row.
    type: list
    elements: str
"""

EXAMPLES = r"""
text: "{{ checks | cdc.pipeline.rows_table(['id', 'ok', 'seconds']) }}"
"""

RETURN = r"""
_value:
  description: The table's text.
  type: str
"""


def rows_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> str:
    """``rows`` as an aligned table."""
    return table(rows, columns)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"rows_table": rows_table}
