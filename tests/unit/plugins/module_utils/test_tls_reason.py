# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._tls_reason import certificate_reason
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)


@pytest.fixture
def served(tmp_path):
    """Serves a certificate of its own making, which is its own authority, on a port of 127.0.0.1."""
    stack = contextlib.ExitStack()

    def serve(address="127.0.0.1", ends=DAY):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kafka")])
        now = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - 3 * DAY, now + ends)
        for extension in (x509.BasicConstraints(True, None), names):
            builder = builder.add_extension(extension, False)
        pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        kinds = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file, ca = tmp_path / "server.pem", tmp_path / "ca.pem"
        file.write_bytes(key.private_bytes(*kinds) + pem)
        ca.write_bytes(pem)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=_accept, args=(listener, context), daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}", str(ca)

    with stack:
        yield serve


def _accept(listener, context):
    with contextlib.suppress(OSError):
        while True:
            plain = listener.accept()[0]
            with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True):
                pass


def test_what_is_right_gives_no_reason(served):
    server, ca = served()
    assert certificate_reason([server], ca) == ""


def test_an_expired_one_is_named_with_its_time(served):
    server, ca = served(ends=-DAY)
    reason = certificate_reason(["127.0.0.1:9", server], ca)
    ended = datetime.datetime.now(datetime.UTC) - DAY
    assert reason.startswith(f"{server}: certificate has expired (certificate of CN=kafka by CN=kafka, valid ")
    assert f" to {ended:%Y-%m-%d}" in reason


def test_another_address_and_another_authority_are_named(served):
    server, ca = served(address="10.0.0.1")
    assert "IP address mismatch" in certificate_reason([server], ca)
    assert "self-signed certificate" in certificate_reason([server])


def test_a_file_that_is_not_there_is_named(served):
    assert (
        certificate_reason(["127.0.0.1:9"], "/no/such.pem") == "/no/such.pem cannot be used: No such file or directory"
    )
