# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: scram_credential
short_description: A user in the format of Kafka's storage tool
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Makes the argument of C(--add-scram) of C(kafka-storage format), with the salted hash in the place of the password.
  - The salt follows from user and password, so that the same input gives the same text.
positional: user
options:
  _input:
    description: The password.
    type: str
    required: true
  user:
    description: Name of the user.
    type: str
    required: true
  iterations:
    description: How often the password is hashed.
    type: int
    default: 4096
"""

EXAMPLES = r"""
argument: "{{ vault_kafka_admin_password | cdc.pipeline.scram_credential('admin') }}"
"""

RETURN = r"""
_value:
  description: The argument.
  type: str
  sample: SCRAM-SHA-512=[name="admin",iterations=4096,salt="c2FsdA==",saltedpassword="aGFzaA=="]
"""

import hashlib
from base64 import b64encode
from typing import Any


def scram_credential(password: str, user: str, iterations: int = 4096) -> str:
    """See the documentation above."""
    # Unlike a random one, it may be guessed only by who knows the password already.
    salt = hashlib.sha256(f"cdc.pipeline\0{user}\0{password}".encode()).digest()
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    parts = {"salt": b64encode(salt).decode(), "saltedpassword": b64encode(salted).decode()}
    shown = "".join(f',{name}="{value}"' for name, value in parts.items())
    return f'SCRAM-SHA-512=[name="{user}",iterations={iterations}{shown}]'


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"scram_credential": scram_credential}
