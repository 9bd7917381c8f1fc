# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: scram_verifier
short_description: A password in the format that PostgreSQL stores
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Makes the verifier of SCRAM-SHA-256 that PostgreSQL takes in the place of a password. A password itself would be
    in the server's log wherever that holds the statement.
  - The salt follows from user, password and O(pepper), so that the same input gives the same text.
positional: user, pepper
options:
  _input:
    description: The password.
    type: str
    required: true
  user:
    description: Name of the role.
    type: str
    required: true
  pepper:
    description:
      - Another secret. Only who knows it can tell from the salt whether a guess of the password is right, without
        hashing that guess as often as O(iterations) says.
    type: str
    required: true
  iterations:
    description: How often the password is hashed.
    type: int
    default: 4096
"""

EXAMPLES = r"""
password: "{{ vault_reader_password | cdc.pipeline.scram_verifier('reader', pepper=vault_superuser_password) }}"
"""

RETURN = r"""
_value:
  description: The verifier.
  type: str
  sample: SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy
"""

import hashlib
import hmac
from base64 import b64encode
from typing import Any


def scram_verifier(password: str, user: str, pepper: str, iterations: int = 4096) -> str:
    """See the documentation above."""
    # Of the collection that sets the password; documentation is read where that is not installed.
    from ansible_collections.community.postgresql.plugins.module_utils.saslprep import saslprep

    try:
        prepared = saslprep(password).encode()
    except ValueError:
        # PostgreSQL takes what SASLprep forbids as it is (scram-common.c).
        prepared = password.encode()
    salt = hmac.digest(pepper.encode(), f"{user}\0{password}".encode(), "sha256")[:16]
    # RFC 5802, section 3.
    salted = hashlib.pbkdf2_hmac("sha256", prepared, salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    shown = [b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{shown[0]}${shown[1]}:{shown[2]}"


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"scram_verifier": scram_verifier}
