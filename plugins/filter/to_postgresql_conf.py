# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: to_postgresql_conf
short_description: Write a map as postgresql.conf
version_added: "1.0.0"
description:
  - Gives one line C(name = 'value') for each key, in the order of the names. Null values are left out.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
options:
  _input:
    description: Settings by name.
    type: dict
    required: true
"""

EXAMPLES = r"""
text: "{{ {'wal_level': 'logical', 'port': 5432} | cdc.pipeline.to_postgresql_conf }}"
"""

RETURN = r"""
_value:
  description: The file's text.
  type: str
"""

from collections.abc import Mapping
from typing import Any


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value).replace("'", "''")


def to_postgresql_conf(settings: Mapping[str, Any]) -> str:
    """A map of settings as the text of postgresql.conf."""
    return "".join(f"{name} = '{_literal(value)}'\n" for name, value in sorted(settings.items()) if value is not None)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"to_postgresql_conf": to_postgresql_conf}
