# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Makes the authority and what it signs."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from .parts import Pair, general_names

# Where it is missing, `require_library` says so.
with contextlib.suppress(ImportError):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

# A clock that is behind does not refuse what has just been made.
_BACKDATED = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        name: the common name, and the whole subject.
        names: host names and addresses; none for a client.
        days: how long it holds; at most as long as the authority.
    """

    name: str
    names: tuple[str, ...]
    days: int

    @property
    def usages(self) -> tuple[x509.ObjectIdentifier, ...]:
        """Servers are clients of each other, too."""
        client = x509.ExtendedKeyUsageOID.CLIENT_AUTH
        return (x509.ExtendedKeyUsageOID.SERVER_AUTH, client) if self.names else (client,)


def subject(name: str) -> x509.Name:
    """A subject that consists of its common name, so that Kafka's name of a client is `User:CN=<name>`."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def make_authority(name: str, days: int, now: datetime.datetime) -> Pair:
    """A new authority, which signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(subject(name), subject(name), key, key.public_key(), now, now + datetime.timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def issue(wanted: Wanted, authority: Pair, now: datetime.datetime) -> Pair:
    """A new key, and its certificate signed by ``authority``."""
    key = ec.generate_private_key(ec.SECP256R1())
    until = min(now + datetime.timedelta(days=wanted.days), authority.certificate.not_valid_after_utc)
    builder = _builder(subject(wanted.name), authority.certificate.subject, authority.key, key.public_key(), now, until)
    extensions: Iterable[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage(wanted.usages), False),
        *([(x509.SubjectAlternativeName(general_names(wanted.names)), False)] if wanted.names else []),
    ]
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    algorithm = None if isinstance(authority.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Pair(builder.sign(authority.key, algorithm), key, authority.chain)


def _builder(
    of: x509.Name, issuer: x509.Name, signer: object, key: object, now: datetime.datetime, until: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(of)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _usage(**purposes: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: purposes.get(name, False) for name in names})
