# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Certificates and keys as this package handles them, and their texts in PEM."""

from __future__ import annotations

import datetime
import ipaddress
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .._errors import MissingLibraryError

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
except ImportError:
    _TRACE = traceback.format_exc()
    Certificate = PrivateKey = Any
else:
    _TRACE = ""
    Certificate = x509.Certificate
    # What TLS signs with, of what the clients of this pipeline know.
    PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Pair:
    """A certificate, the chain that leads to its authority, and its key.

    Attributes:
        chain: further certificates that a server sends along, without the authority itself.
    """

    certificate: Certificate
    key: PrivateKey
    chain: tuple[Certificate, ...] = ()

    @property
    def certificate_pem(self) -> str:
        """The certificate and its chain."""
        return pem(self.certificate, *self.chain)

    @property
    def key_pem(self) -> str:
        """The key as PKCS #8, which Kafka wants."""
        plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return self.key.private_bytes(serialization.Encoding.PEM, *plain).decode()


def require_library() -> None:
    """Raises MissingLibraryError where the library cryptography is not installed."""
    if _TRACE:
        raise MissingLibraryError("cryptography", _TRACE)


def pem(*certificates: Certificate) -> str:
    """The text of these certificates."""
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates)


def read_certificates(text: str) -> tuple[Certificate, ...]:
    """The certificates of a text.

    Raises:
        ValueError: there is none, or what is there is damaged.
    """
    return tuple(x509.load_pem_x509_certificates(text.encode()))


def read_key(text: str) -> PrivateKey:
    """The key of a text.

    Raises:
        ValueError: there is none, or what is there is damaged.
        TypeError: it is encrypted.
    """
    return serialization.load_pem_private_key(text.encode(), None)


def fits(certificate: Certificate, key: PrivateKey) -> bool:
    """Whether the key is the one of the certificate."""
    return _public(certificate.public_key()) == _public(key.public_key())


def _public(key: object) -> bytes:
    encoding = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_bytes(*encoding)  # type: ignore[attr-defined]


def signed_by(certificate: Certificate, authority: Certificate) -> bool:
    """Whether ``authority`` has signed ``certificate``."""
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # The library has one exception for each kind of mismatch, and some of its own for odd keys.
        return False
    return True


def names_of(certificate: Certificate) -> set[str]:
    """The host names and addresses that it is for, as in :func:`general_names`."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in found if isinstance(name, (x509.DNSName, x509.IPAddress))}


def general_names(names: Iterable[str]) -> list[x509.GeneralName]:
    """Host names and addresses as a certificate holds them."""
    return [_general_name(name) for name in names]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def now() -> datetime.datetime:
    """The time in UTC, with whole seconds, as certificates have them."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)
