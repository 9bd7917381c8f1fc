# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Certificate authorities, and a server's key, as Java key stores, for programs that read no PEM.

The format is JKS: unlike PKCS #12, whose integrity check is salted, the same certificates always give the same bytes,
so that a second run finds nothing to change. A store of a key is a secret: the password is no protection.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import ssl
import struct

from ._errors import InvalidError

# Java checks the integrity of a store when it is given a password. What is secret is kept by the mode of its file.
PASSWORD = "changeit"
TYPE = "JKS"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(r"-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----", re.DOTALL)
# sun.security.provider.JavaKeyStore: magic number, version, and what goes into the digest beside the password.
_MAGIC, _VERSION, _WHITENER = 0xFEEDFEED, 2, b"Mighty Aphrodite"
_PRIVATE_KEY, _TRUSTED_CERTIFICATE = 1, 2
# sun.security.provider.KeyProtector: AlgorithmIdentifier of 1.3.6.1.4.1.42.2.17.1.1.
_PROTECTED = bytes.fromhex("300e060a2b060104012a021101010500")


_UTF16 = PASSWORD.encode("utf-16-be")
_NO_TIME = struct.pack(">Q", 0)


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
    entries = []
    for number, certificate in enumerate(_certificates(pem)):
        # The time of an entry has no meaning for a trusted certificate.
        entries.append(struct.pack(">I", _TRUSTED_CERTIFICATE) + _text(f"ca-{number}") + _NO_TIME + certificate)
    return _store(entries)


@functools.cache
def key_store(certificate: str, key: str) -> str:
    """A server's certificate, with its chain, and its key as a JKS key store, in base64.

    Args:
        key: in PKCS #8, without a password.

    Raises:
        InvalidError: one of them is not what it should be; the error shows neither.
    """
    chain, found = _certificates(certificate), _KEY.search(key)
    try:
        plain = base64.b64decode(found.group(1)) if found else b""
    except ValueError:
        plain = b""
    if not chain or not plain:
        raise InvalidError(
            "The certificate or the key of an endpoint cannot be put into a key store of Java",
            why="tls.certificate holds no certificate in PEM" if not chain else "tls.key is no key in PEM of PKCS #8",
            remedy="give the certificate as it begins with -----BEGIN CERTIFICATE-----, and the key as "
            "`openssl pkcs8 -topk8 -nocrypt -in FILE` prints it, which begins with -----BEGIN PRIVATE KEY-----",
        )
    hidden = _protected(plain)
    entry = struct.pack(">I", _PRIVATE_KEY) + _text("server") + _NO_TIME + struct.pack(">I", len(hidden)) + hidden
    return _store([entry + struct.pack(">I", len(chain)) + b"".join(chain)])


def _store(entries: list[bytes]) -> str:
    store = struct.pack(">III", _MAGIC, _VERSION, len(entries)) + b"".join(entries)
    return base64.b64encode(store + _sha1(_UTF16 + _WHITENER + store)).decode()


def _certificates(pem: str) -> list[bytes]:
    """Those of ``pem`` in order, each as a store has it."""
    found = [ssl.PEM_cert_to_DER_cert(text) for text in _CERTIFICATE.findall(pem)]
    return [_text("X.509") + struct.pack(">I", len(each)) + each for each in found]


def _protected(plain: bytes) -> bytes:
    """A key as KeyProtector hides it. Its salt, by chance there, follows from the key here."""
    digest = salt = _sha1(b"salt" + plain)
    stream = b""
    while len(stream) < len(plain):
        digest = _sha1(_UTF16 + digest)
        stream += digest
    hidden = salt + bytes(a ^ b for a, b in zip(plain, stream, strict=False)) + _sha1(_UTF16 + plain)
    return _der(0x30, _PROTECTED + _der(0x04, hidden))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size])
    if size > 127:
        raw = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(raw)]) + raw
    return bytes([tag]) + length + content


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()
