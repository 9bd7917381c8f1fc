#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_topic
short_description: Create, change and delete Kafka topics
version_added: "1.0.0"
description:
  - Creates a topic, reconciles the settings that are stated, adds partitions, and deletes a topic when asked to.
  - Kafka itself validates every change before the first one is made, also in check mode, and everything that is wrong
    is listed at once.
  - Partitions are never removed, and the replication factor of an existing topic is not changed. Asking for either
    fails and changes nothing.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.kafka
  - cdc.pipeline.awaited
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  name:
    description:
      - Name of the topic. Either this or O(topics) is required.
    type: str
  topics:
    description:
      - Several topics at once, for speed. O(partitions), O(replication_factor) and O(config) of the module are defaults
        of each of them, and O(state) and O(purge_config) hold for all.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the topic.
        type: str
        required: true
      partitions:
        description:
          - Number of partitions.
        type: int
      replication_factor:
        description:
          - Number of replicas of each partition.
        type: int
      config:
        description:
          - Settings, merged over those of the module.
        type: dict
  state:
    description:
      - Whether the topic shall exist. V(absent) deletes it with its data.
    type: str
    choices: [present, absent]
    default: present
  partitions:
    description:
      - Number of partitions. Without it a new topic gets the brokers' default and an existing one stays as it is.
    type: int
  replication_factor:
    description:
      - Number of replicas of each partition. Without it a new topic gets the brokers' default.
    type: int
  config:
    description:
      - Settings of the topic, such as C(retention.ms). Values are converted to strings, lists joined by commas. A null
        counts as not stated.
      - Settings that are not stated keep their value unless O(purge_config=true).
    type: dict
  purge_config:
    description:
      - Whether settings of the topic that are not stated go back to the brokers' default.
    type: bool
    default: false
seealso:
  - name: Topic settings of Apache Kafka
    description: Every setting that O(config) can hold.
    link: https://kafka.apache.org/documentation/#topicconfigs
"""

EXAMPLES = r"""
- name: Create a topic that retains seven days
  cdc.pipeline.kafka_topic:
    bootstrap_servers: localhost:9092
    name: postgres.public.users
    partitions: 6
    replication_factor: 3
    config:
      retention.ms: 604800000
      compression.type: lz4
      message.timestamp.type: LogAppendTime

- name: Create several topics with the same settings
  cdc.pipeline.kafka_topic:
    bootstrap_servers: localhost:9092
    topics:
      - name: postgres.public.users
      - name: postgres.public.orders
        partitions: 12
    partitions: 6
    replication_factor: 3
    config:
      min.insync.replicas: 2

- name: Delete a topic and its data, over TLS
  cdc.pipeline.kafka_topic:
    bootstrap_servers: kafka.example.com:9093
    client_config:
      security.protocol: SASL_SSL
      sasl.mechanism: SCRAM-SHA-512
      sasl.username: admin
      sasl.password: "{{ vault_kafka_admin_password }}"
      ssl.ca.location: /etc/ssl/certs/kafka-ca.pem
    name: obsolete
    state: absent
"""

RETURN = r"""
topics:
  description: Each topic as it is now, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the topic.
      type: str
      returned: always
    state:
      description: V(present) or V(absent).
      type: str
      returned: always
    partitions:
      description: Number of partitions.
      type: int
      returned: when the topic exists
    replication_factor:
      description: Smallest number of replicas of a partition.
      type: int
      returned: when the topic exists
    config:
      description: Settings of the topic itself, without those inherited from the brokers.
      type: dict
      returned: when the topic exists
  sample:
    - name: postgres.public.users
      state: present
      partitions: 6
      replication_factor: 3
      config:
        retention.ms: "604800000"
changed_topics:
  description: Names of the topics that were changed, or would be.
  returned: success
  type: list
  elements: str
  sample: [postgres.public.users]
problems:
  description: Everything that Kafka or the module refuses, one text each.
  returned: when something is refused
  type: list
  elements: str
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import kafka_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._kafka.topic import reconcile
from ansible_collections.cdc.pipeline.plugins.module_utils._module import run


def main() -> None:
    sizes = {"partitions": {"type": "int"}, "replication_factor": {"type": "int"}, "config": {"type": "dict"}}
    run(
        kafka_arguments()
        | sizes
        | {
            "name": {"type": "str"},
            "topics": {
                "type": "list",
                "elements": "dict",
                "options": {"name": {"type": "str", "required": True}} | sizes,
            },
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "purge_config": {"type": "bool", "default": False},
        },
        reconcile,
        secret_maps=["client_config"],
        mutually_exclusive=[("name", "topics")],
        required_one_of=[("name", "topics")],
    )


if __name__ == "__main__":
    main()
