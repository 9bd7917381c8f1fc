"""Certificate authorities of a test's own, and servers with their certificates."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates.

    Attributes:
        ca: path of its own certificate, for those who trust it.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name, self._made = folder, name, 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        extensions = [(x509.BasicConstraints(True, None), True), (usage, True)]
        self.ca = folder / f"{name}.pem"
        self.ca.write_bytes(_pem(self._sign(self._subject, self._key.public_key(), extensions)))

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extensions: list[tuple[x509.ExtensionType, bool]]
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(
            self._subject, subject, key, x509.random_serial_number(), now - _DAY, now + _DAY
        )
        identifiers = (
            x509.SubjectKeyIdentifier.from_public_key(key),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
        )
        for extension, critical in [*extensions, *((each, False) for each in identifiers)]:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._key, hashes.SHA256())

    def certificate(self, *hosts: str) -> tuple[Path, Path]:
        """A server's certificate for these host names and addresses, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_name(host) for host in hosts])
        signed = self._sign(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])]),
            key.public_key(),
            [(x509.BasicConstraints(False, None), True), (names, False)],
        )
        self._made += 1
        paths = [self._folder / f"{self._name}-{self._made}.{kind}" for kind in ("crt", "key")]
        paths[0].write_bytes(_pem(signed))
        plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
        return paths[0], paths[1]

    def context(self, *hosts: str) -> ssl.SSLContext:
        """TLS of a server that is known by these names."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self.certificate(*hosts))
        return context


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@contextmanager
def https_server(handler: type[http.server.BaseHTTPRequestHandler], context: ssl.SSLContext) -> Iterator[int]:
    """Serves on a port of 127.0.0.1, which it gives. Handshakes are each connection's own thread's."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request, client_address):
            request.settimeout(10)
            with context.wrap_socket(request, server_side=True) as encrypted:
                super().finish_request(encrypted, client_address)

        def handle_error(self, request, client_address):
            """A client that does not trust it goes away: that is what tests are about."""

    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
