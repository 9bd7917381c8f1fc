# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Certificate authorities as a Java key store, for clients that read no PEM.

The format is JKS: unlike PKCS #12, whose integrity check is salted, the same certificates always give the same bytes,
so that a second run finds nothing to change.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import ssl
import struct

from ._errors import InvalidError

# Nothing in a trust store is secret. Java checks the integrity of one when it is given a password.
PASSWORD = "changeit"
TYPE = "JKS"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
# sun.security.provider.JavaKeyStore: magic number, version, and what goes into the digest beside the password.
_MAGIC, _VERSION, _WHITENER = 0xFEEDFEED, 2, b"Mighty Aphrodite"
_TRUSTED_CERTIFICATE = 2


@functools.cache
def trust_store(pem: str) -> str:
    """The certificates of ``pem`` as a JKS key store, in base64.

    Raises:
        InvalidError: ``pem`` does not hold certificates.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidError(
            "The certificate authorities of an endpoint are not certificates in PEM",
            why=str(error),
            remedy="give tls.ca the text of the file, which begins with -----BEGIN CERTIFICATE-----",
        ) from None
    certificates = [ssl.PEM_cert_to_DER_cert(text) for text in _CERTIFICATE.findall(pem)]
    store = struct.pack(">III", _MAGIC, _VERSION, len(certificates))
    for number, certificate in enumerate(certificates):
        # The time of an entry has no meaning for a trusted certificate.
        store += struct.pack(">I", _TRUSTED_CERTIFICATE) + _text(f"ca-{number}") + struct.pack(">Q", 0)
        store += _text("X.509") + struct.pack(">I", len(certificate)) + certificate
    digest = hashlib.sha1(PASSWORD.encode("utf-16-be") + _WHITENER + store, usedforsecurity=False).digest()
    return base64.b64encode(store + digest).decode()


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()
