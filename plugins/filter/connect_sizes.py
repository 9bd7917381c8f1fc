# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.module_utils._sizes import ConnectSizes
from ansible_collections.cdc.pipeline.plugins.module_utils._units import memory_bytes

DOCUMENTATION = r"""
name: connect_sizes
short_description: The division of a Kafka Connect worker's memory
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Divides the heap, which is three quarters of what Java's cache leaves of the limit, between Debezium's queue, the
    producer, what a snapshot reads at a time, and one row on its way.
  - Where the limit is too small, C(needed) is above C(heap); the check of the variables refuses that.
options:
  _input:
    description: The limit of a worker's memory.
    type: raw
    required: true
  row:
    description: The largest row, in bytes or in the notation of Kubernetes.
    type: raw
    required: true
  sinks:
    description: Whether sink connectors run in the workers as well.
    type: bool
    default: false
"""

EXAMPLES = r"""
settings:
  max.queue.size.in.bytes: "{{ ('1Gi' | cdc.pipeline.connect_sizes(row='16Mi')).queue }}"
"""

RETURN = r"""
_value:
  description:
    - Bytes of the C(heap), its C(base), the C(work) on one row, what C(sinks) fetch, the C(queue), the C(producer), the
      C(snapshot), and all that is C(needed). C(snapshot_rows) is a number of rows.
  type: dict
"""


def connect_sizes(limit: Any, row: Any, sinks: bool = False) -> dict[str, int]:
    """Sizes in bytes by name."""
    try:
        return ConnectSizes.of(memory_bytes(limit), memory_bytes(row), sinks).to_dict()
    except ValueError as error:
        raise AnsibleFilterError(f"connect_sizes: {error}") from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"connect_sizes": connect_sizes}
