# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: bcrypt_hash
short_description: A password in the format that Prometheus and its exporters store
version_added: 1.0.0
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
description:
  - Makes the bcrypt hash of a password, by the C library of the controller (libxcrypt, which Debian, Ubuntu, Fedora and
    Red Hat have).
  - The salt follows from user, password and O(pepper), so that the same input gives the same text.
positional: user, pepper
options:
  _input:
    description: The password.
    type: str
    required: true
  user:
    description: Who signs in by it.
    type: str
    required: true
  pepper:
    description:
      - Another secret. Only who knows it can tell from the salt whether a guess of the password is right, without
        hashing that guess.
    type: str
    required: true
  cost:
    description: The binary logarithm of how often the password is hashed, 4 to 31.
    type: int
    default: 8
"""

EXAMPLES = r"""
users: "{{ {'reader': vault_password | cdc.pipeline.bcrypt_hash('reader', pepper=vault_other)} }}"
"""

RETURN = r"""
_value:
  description: The hash.
  type: str
  sample: $2b$08$abcdefghijklmnopqrstuuK7eGvO9bXW1mBf0d4dXhvQG5n1sJbOa
"""

import ctypes
import functools
import hmac
from typing import Any

from ansible.errors import AnsibleFilterError

_LIBRARIES = ("libcrypt.so.1", "libcrypt.so.2")
# bcrypt's own base 64, without padding.
_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# bcrypt reads no further.
_MOST_BYTES = 72


def bcrypt_hash(password: str, user: str, pepper: str, cost: int = 8) -> str:
    """See the documentation above."""
    if not 4 <= int(cost) <= 31:
        raise AnsibleFilterError(f"bcrypt_hash: cost must be 4 to 31, not {cost}")
    if len(password.encode()) > _MOST_BYTES or "\0" in password:
        raise AnsibleFilterError(
            f"bcrypt_hash: the password of {user} is longer than {_MOST_BYTES} bytes, or has a null character; "
            "give a shorter one"
        )
    return _hash(password, user, pepper, int(cost))


@functools.cache
def _hash(password: str, user: str, pepper: str, cost: int) -> str:
    salt = hmac.digest(pepper.encode(), f"{user}\0{password}".encode(), "sha256")[:16]
    found = _crypt()(password.encode(), f"$2b${cost:02}${_base64(salt)}".encode())
    if not found or not found.startswith(b"$2b$"):
        raise AnsibleFilterError(
            "bcrypt_hash: the C library of the controller knows no bcrypt; install libxcrypt (Debian: libcrypt1)"
        )
    return str(found.decode())


def _base64(data: bytes) -> str:
    """As bcrypt writes it: most significant bits first, three bytes to four characters."""
    bits = "".join(f"{byte:08b}" for byte in data)
    return "".join(_ALPHABET[int(bits[at : at + 6].ljust(6, "0"), 2)] for at in range(0, len(bits), 6))


@functools.cache
def _crypt() -> Any:
    for name in _LIBRARIES:
        try:
            found = ctypes.CDLL(name).crypt
        except (OSError, AttributeError):
            continue
        found.restype = ctypes.c_char_p
        found.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
        return found
    raise AnsibleFilterError(
        f"bcrypt_hash: the controller has none of {', '.join(_LIBRARIES)}; install libxcrypt (Debian: libcrypt1)"
    )


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"bcrypt_hash": bcrypt_hash}
