# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations


class ModuleDocFragment:
    """Options for the connection to a Kafka cluster."""

    DOCUMENTATION = r"""
options:
  bootstrap_servers:
    description:
      - Brokers to ask first, as V(host:port), separated by commas.
    type: str
    required: true
  client_config:
    description:
      - Further settings of librdkafka, such as C(security.protocol), C(sasl.mechanism), C(ssl.ca.location).
      - Values of keys that hold secrets are masked in all output.
      - Certificates are verified unless a setting here says otherwise.
    type: dict
    default: {}
  secret_keys:
    description:
      - Keys of O(client_config) to mask besides those whose name says that they hold a secret.
    type: list
    elements: str
    default: []
  retry_timeout:
    description:
      - Seconds in which the cluster must answer. Brokers that are starting are waited for.
    type: int
    default: 60
  wait_timeout:
    description:
      - Seconds in which a change must be visible in the cluster.
    type: int
    default: 60
requirements:
  - confluent-kafka >= 2.6 (Python library, where the module runs)
"""
