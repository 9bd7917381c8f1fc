# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.module_utils import _sizes
from ansible_collections.cdc.pipeline.plugins.module_utils._units import memory_bytes

DOCUMENTATION = r"""
name: topic_segment
short_description: The segment size in bytes of a captured table's topic
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - The newest segment of a partition cannot be deleted. All of them are to take at most a quarter of a broker's
    storage, and a record has to fit into one.
options:
  _input:
    description: The storage of one broker.
    type: raw
    required: true
  replicas:
    description: Replicas of such partitions on one broker.
    type: int
    required: true
  row:
    description: The largest row, in bytes or in the notation of Kubernetes.
    type: raw
    required: true
"""

EXAMPLES = r"""
bytes: "{{ '10Gi' | cdc.pipeline.topic_segment(replicas=36, row='16Mi') }}"
"""

RETURN = r"""
_value:
  description: Bytes.
  type: int
"""


def topic_segment(storage: Any, replicas: int, row: Any) -> int:
    """Bytes of a segment."""
    try:
        return _sizes.topic_segment(memory_bytes(storage), int(replicas), memory_bytes(row))
    except ValueError as error:
        raise AnsibleFilterError(f"topic_segment: {error}") from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"topic_segment": topic_segment}
