# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: prefix_keys
short_description: A map with a prefix before each key
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives the settings of a client the prefix under which a larger configuration holds them, such as C(producer.) in a
    worker of Kafka Connect.
positional: prefix
options:
  _input:
    description: The map.
    type: dict
    required: true
  prefix:
    description: What each key begins with afterwards.
    type: str
    required: true
"""

EXAMPLES = r"""
settings: "{{ {'security.protocol': 'SSL'} | cdc.pipeline.prefix_keys('producer.') }}"
"""

RETURN = r"""
_value:
  description: The map with the new keys.
  type: dict
  sample: {"producer.security.protocol": "SSL"}
"""

from collections.abc import Mapping
from typing import Any


def prefix_keys(settings: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """``settings`` with ``prefix`` before each key."""
    return {f"{prefix}{key}": value for key, value in settings.items()}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"prefix_keys": prefix_keys}
