# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why the certificate of a server is not to be trusted, for clients that do not say."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable

_SECONDS = 5.0


def certificate_reason(servers: Iterable[str], ca: str = "") -> str:
    """What is wrong with the certificate of the first of these that shows a wrong one; empty where none does.

    :param servers: `host:port` each.
    :param ca: file of the authorities to trust; empty for those of the system.
    """
    for server in servers:
        host, _colon, port = server.strip().rpartition(":")
        try:
            context = ssl.create_default_context(cafile=ca or None)
        except OSError as error:
            return f"{ca} cannot be used: {error.strerror or error}"
        try:
            _handshake(context, host, int(port))
        except ssl.SSLCertVerificationError as error:
            return f"{server}: {error.verify_message}{_whose(host, int(port))}"
        except (OSError, ValueError):
            continue
    return ""


def _handshake(context: ssl.SSLContext, host: str, port: int) -> bytes:
    with (
        socket.create_connection((host, port), timeout=_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as encrypted,
    ):
        return encrypted.getpeercert(binary_form=True) or b""


def _whose(host: str, port: int) -> str:
    """Subject, issuer and times of the certificate, where the library that reads them is there."""
    try:
        from cryptography import x509
    except ImportError:
        return ""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Only to look at it; nothing is said to this server.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        found = x509.load_der_x509_certificate(_handshake(context, host, port))
    except (OSError, ValueError):
        return ""
    times = f"{found.not_valid_before_utc:%Y-%m-%d %H:%M} to {found.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    return f" (certificate of {found.subject.rfc4514_string()} by {found.issuer.rfc4514_string()}, valid {times})"
