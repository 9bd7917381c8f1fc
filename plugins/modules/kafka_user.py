#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_user
short_description: Create, change and remove Kafka users
version_added: "1.0.0"
description:
  - Gives users passwords by which they sign in to Kafka's brokers with SCRAM, and takes them away.
  - Kafka returns no password, so each user signs in with the one that is stated. Only where that is refused, or the
    number of iterations is another one, the password is set. This holds in check mode, too.
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
      - Name of the user. Either this or O(users) is required.
    type: str
  password:
    description:
      - Password of the user.
    type: str
  users:
    description:
      - Several users at once, for speed.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the user.
        type: str
        required: true
      password:
        description:
          - Password of the user. Required unless O(state=absent).
        type: str
  state:
    description:
      - Whether the users shall be there. V(absent) takes their passwords for the O(mechanism) away. What they may do
        stays stated; M(cdc.pipeline.kafka_acl) removes it.
    type: str
    choices: [present, absent]
    default: present
  mechanism:
    description:
      - The SASL mechanism that the password is for.
    type: str
    choices: [SCRAM-SHA-256, SCRAM-SHA-512]
    default: SCRAM-SHA-512
  iterations:
    description:
      - How often the password is hashed.
    type: int
    default: 4096
  update_password:
    description:
      - With V(on_create), the password of a user who is there already stays as it is, and nobody signs in.
    type: str
    choices: [always, on_create]
    default: always
  sign_in:
    description:
      - Where users sign in, to see whether they have the password that is stated. Needed where the module's own
        connection does so in another way, such as by a client certificate.
    type: dict
    suboptions:
      bootstrap_servers:
        description:
          - Brokers, as V(host:port), separated by commas. By default those of the module.
        type: str
      client_config:
        description:
          - Settings of librdkafka besides mechanism, name and password. By default those of the module.
        type: dict
seealso:
  - module: cdc.pipeline.kafka_acl
"""

EXAMPLES = r"""
- name: Create a user
  cdc.pipeline.kafka_user:
    bootstrap_servers: kafka.example.com:9093
    client_config:
      security.protocol: SASL_SSL
      sasl.mechanism: SCRAM-SHA-512
      sasl.username: admin
      sasl.password: "{{ vault_kafka_admin_password }}"
      ssl.ca.location: /etc/ssl/certs/kafka-ca.pem
    name: reports
    password: "{{ vault_reports_password }}"

- name: Remove a user
  cdc.pipeline.kafka_user:
    bootstrap_servers: kafka.example.com:9093
    client_config: "{{ kafka_admin_client }}"
    name: reports
    state: absent
"""

RETURN = r"""
changed_users:
  description: Names of the users who were changed, or would be.
  returned: success
  type: list
  elements: str
  sample: [reports]
"""

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import kafka_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._kafka.user import reconcile
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Params, run


def main() -> None:
    password = {"type": "str", "no_log": True}
    run(
        kafka_arguments()
        | {
            "name": {"type": "str"},
            "password": password,
            "users": {
                "type": "list",
                "elements": "dict",
                "options": {"name": {"type": "str", "required": True}, "password": password},
            },
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "mechanism": {"type": "str", "choices": ["SCRAM-SHA-256", "SCRAM-SHA-512"], "default": "SCRAM-SHA-512"},
            "iterations": {"type": "int", "default": 4096},
            # Whether, not what.
            "update_password": {
                "type": "str",
                "choices": ["always", "on_create"],
                "default": "always",
                "no_log": False,
            },
            "sign_in": {
                "type": "dict",
                "options": {"bootstrap_servers": {"type": "str"}, "client_config": {"type": "dict"}},
            },
        },
        reconcile,
        secret_maps=["client_config"],
        show=_shown,
        mutually_exclusive=[("name", "users")],
        required_one_of=[("name", "users")],
    )


def _shown(params: Params) -> Params:
    """Without the settings of `sign_in`, which may hold a secret, too."""
    given = params["sign_in"]
    return {**params, "sign_in": given and {"bootstrap_servers": given["bootstrap_servers"]}}


if __name__ == "__main__":
    main()
