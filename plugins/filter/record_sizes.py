# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.module_utils._sizes import RecordSizes
from ansible_collections.cdc.pipeline.plugins.module_utils._units import memory_bytes

DOCUMENTATION = r"""
name: record_sizes
short_description: The size limits that follow from the largest row
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Gives what producers, brokers, topics and consumers have to take so that a row of C(cdc_max_row_bytes) passes, each
    larger than what must fit into it.
options:
  _input:
    description: The largest row, in bytes or in the notation of Kubernetes.
    type: raw
    required: true
"""

EXAMPLES = r"""
# 17825792
bytes: "{{ ('16Mi' | cdc.pipeline.record_sizes).record }}"
"""

RETURN = r"""
_value:
  description:
    - Bytes of a C(row), a producer's C(record), a topic's C(batch), a C(dead_letter), a C(request) to a broker, a
      C(response) to a client, a C(fetch_response) to a follower, and a C(segment) of a log.
  type: dict
"""


def record_sizes(row: Any) -> dict[str, int]:
    """Sizes in bytes by name."""
    try:
        return RecordSizes.of(memory_bytes(row)).to_dict()
    except ValueError as error:
        raise AnsibleFilterError(f"record_sizes: {error}") from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"record_sizes": record_sizes}
