#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_topic_info
short_description: Read the offset ranges of Kafka topics
version_added: "1.0.0"
description:
  - Reads the end of each topic, which the next record will have as its offset, summed over its partitions.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.kafka
  - cdc.pipeline.awaited
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.reads
options:
  topics:
    description:
      - Names of the topics.
    type: list
    elements: str
    required: true
seealso:
  - module: cdc.pipeline.kafka_topic
"""

EXAMPLES = r"""
- name: Read how many records were ever written
  cdc.pipeline.kafka_topic_info:
    bootstrap_servers: localhost:9092
    topics: [postgres.public.users, postgres.public.orders]
  register: kafka
"""

RETURN = r"""
ends:
  description:
    - The sum of the ends of its partitions, for each of the topics that exist. Markers of transactions count.
  returned: success
  type: dict
  sample:
    postgres.public.users: 1205
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import kafka_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._awaited import unasked
from ansible_collections.cdc.pipeline.plugins.module_utils._kafka.admin import KafkaAdmin
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._values import to_strings


def report(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Read the ends."""
    client_config = to_strings(params["client_config"], "client_config")
    if unasked(params):
        return Outcome(changed=False, facts={"ends": {}})
    admin = KafkaAdmin(params["bootstrap_servers"], client_config, params["retry_timeout"])
    return Outcome(changed=False, facts={"ends": admin.ends(params["topics"])})


def main() -> None:
    run(
        kafka_arguments() | {"topics": {"type": "list", "elements": "str", "required": True}},
        report,
        secret_maps=["client_config"],
    )


if __name__ == "__main__":
    main()
