"""An authority of its own and a server's certificate, for scenarios that encrypt.

tests/support/certificates.py ENDPOINT FILE [NAMESPACE]    writes variables that make it encrypt, for `-e @FILE`
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAYS = 30


@dataclass(frozen=True)
class Served:
    """PEM texts: the authority's certificate, the server's own, and its key."""

    ca: str
    certificate: str
    key: str

    def variables(self, endpoint: str) -> dict[str, object]:
        """What makes an endpoint encrypt: its declaration, and nothing else."""
        tls = {"enabled": True, "ca": self.ca, "certificate": self.certificate, "key": self.key}
        return {"cdc_endpoints_extra": {endpoint: {"tls": tls}}}


def certificate_for(workload: str, namespace: str = "data-ingestion", domain: str = "cluster.local") -> Served:
    """A certificate for the names under which a workload is reached on either runtime."""
    authority_key, authority = _signed("cdc-pipeline test authority", None, None, [])
    names: list[x509.GeneralName] = [
        x509.DNSName(name)
        for name in (
            "localhost",
            workload,
            # By which OpenShift's router knows it.
            f"{workload}.{namespace}.svc",
            f"{workload}.{namespace}.svc.{domain}",
            f"*.{workload}-headless.{namespace}.svc.{domain}",
        )
    ]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    key, certificate = _signed(workload, authority_key, authority, names)
    return Served(_pem(authority), _pem(certificate), _key(key))


def _signed(
    name: str,
    signer: ec.EllipticCurvePrivateKey | None,
    issuer: x509.Certificate | None,
    names: list[x509.GeneralName],
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A new key and its certificate; an authority signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    is_authority = issuer is None
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key((signer or key).public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=is_authority, crl_sign=is_authority, **usage),
            critical=True,
        )
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return key, builder.sign(signer or key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def plain_http_is_refused(url: str) -> None:
    """Nothing answers there to a request that is not encrypted, but something listens."""
    try:
        answer = httpx.get(url, timeout=10, trust_env=False)
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return
    raise AssertionError(f"{url} answers without encryption: HTTP {answer.status_code}")


def strangers_are_refused(url: str) -> None:
    """A client that does not know the authority ends the handshake."""
    try:
        httpx.get(url, timeout=10, trust_env=False)
    except httpx.ConnectError as error:
        assert "CERTIFICATE_VERIFY_FAILED" in str(error), error
        return
    raise AssertionError(f"{url} is trusted by a client without its authority")


if __name__ == "__main__":
    endpoint, file, *rest = sys.argv[1:]
    served = certificate_for(endpoint.replace("_", "-"), *rest)
    Path(file).touch(mode=0o600)
    Path(file).write_text(json.dumps(served.variables(endpoint)))
