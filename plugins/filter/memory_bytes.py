# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.module_utils._units import memory_bytes as _memory_bytes

DOCUMENTATION = r"""
name: memory_bytes
short_description: The bytes of a memory quantity
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Reads a quantity in the notation of Kubernetes, such as V(768Mi), V(1.5G) or V(1048576).
options:
  _input:
    description: The quantity.
    type: raw
    required: true
"""

EXAMPLES = r"""
# 805306368
bytes: "{{ '768Mi' | cdc.pipeline.memory_bytes }}"
"""

RETURN = r"""
_value:
  description: Bytes.
  type: int
"""


def memory_bytes(quantity: Any) -> int:
    """Bytes of ``quantity``."""
    try:
        return _memory_bytes(quantity)
    except ValueError as error:
        raise AnsibleFilterError(f"memory_bytes: {error}") from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"memory_bytes": memory_bytes}
