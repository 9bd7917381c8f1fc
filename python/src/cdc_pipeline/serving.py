"""What the services' HTTP servers have in common: TLS, a login, and what is told without one."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from cdc_pipeline.endpoints import Login
from cdc_pipeline.people.logins import OPERATOR, read_logins

HEALTH = ("/health/live", "/health/ready")
"""What a GET is answered without a login, with a status alone."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a server encrypts, and whom it answers.

    Attributes:
        certificate: PEM file of its certificate and the chain; empty: it does not encrypt.
        key: PEM file of the certificate's key.
        login: who may ask for more than a status; None: everybody.
        right: what ``login`` may do, OPERATOR or READER.
        people: file of people who may, too, as :mod:`cdc_pipeline.people.logins` writes it; empty: nobody. It is read
            at each request that ``login`` does not make.
    """

    certificate: str = ""
    key: str = ""
    login: Login | None = field(default=None)
    people: str = ""
    right: str = OPERATOR

    def context(self) -> ssl.SSLContext | None:
        """TLS as a server speaks it; None without a certificate.

        Raises:
            OSError: a file cannot be read, is not in PEM, or the key is another certificate's. The text says which.
        """
        if not self.certificate:
            return None
        for file in (self.certificate, self.key):
            # Of two files, OpenSSL does not say which one.
            try:
                Path(file).read_bytes()
            except OSError as error:
                raise OSError(error.errno, error.strerror, file) from None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            # Without a password it would ask at the terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise OSError(f"the key in {self.key} is not that of the certificate in {self.certificate}") from None
            raise OSError(
                f"{self.certificate} and {self.key} are not a certificate and its key in PEM, without a password: "
                f"{error.reason or error}"
            ) from None
        return context


def listen(handler: type[Handler], bind: str, port: int, access: Access | None = None) -> ThreadingHTTPServer:
    """Answer requests in threads of their own until ``shutdown`` of what is returned.

    Raises:
        OSError: the address cannot be listened on, or as of :meth:`Access.context`.
    """
    server = _Server((bind, port), handler, access or Access())
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[Handler], access: Access) -> None:
        self._tls = access.context()
        self.access = access
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls is not None:
            # The first read shakes hands, in the thread of the request, which ends after the handler's timeout.
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: socketserver._AfInetAddress
    ) -> None:
        # A client that went away, does not trust the certificate, or speaks no TLS.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers in JSON, and in Prometheus' text format."""

    timeout = 30
    signed_in = False

    def parse_request(self) -> bool:
        """As of the base class, and whether the request is let in."""
        if not super().parse_request():
            return False
        right = _right(self.headers.get("Authorization"), cast(_Server, self.server).access)
        self.signed_in = right is not None
        reads = self.command == "GET"
        if right == OPERATOR or (reads and (self.signed_in or urlsplit(self.path).path in HEALTH)):
            return True
        if self.signed_in:
            self.json(403, {"error": f"this login may only read; {self.command} needs an operator's"})
            return False
        wrong = "Authorization" in self.headers
        why = "the username or the password is wrong" if wrong else "a login is needed for more than a status"
        body = {"error": f"{why}; endpoints.json of the instance has the one of this service"}
        self.json(401, body, {"WWW-Authenticate": 'Basic realm="cdc", charset="UTF-8"'})
        return False

    def metrics(self, registry: CollectorRegistry) -> None:
        """Answer with the metrics of ``registry``."""
        self.content(200, generate_latest(registry), CONTENT_TYPE_LATEST)

    def health(self, good: bool, **details: Any) -> None:
        """Answer a probe: 200 or 503. Only who has signed in gets the details."""
        shown = details if self.signed_in else {}
        self.json(200 if good else 503, {"status": "UP" if good else "DOWN", **shown})

    def json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        """Answer with ``body``."""
        self.content(status, json.dumps(body).encode() + b"\n", "application/json", headers)

    def content(self, status: int, body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        """Answer with ``body``, of the media type ``kind``."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""


def _right(header: str | None, access: Access) -> str | None:
    """What who sends ``header`` may do: everything (OPERATOR), only read (READER), or nothing (None)."""
    if access.login is None:
        return OPERATOR
    if _is(header, access.login):
        return access.right
    if header is None or not access.people:
        return None
    return next((right for login, right in read_logins(access.people) if _is(header, login)), None)


def _is(header: str | None, login: Login) -> bool:
    """Whether a request signs in with ``login``. It takes as long for a password that is nearly right."""
    expected = base64.b64encode(f"{login.username}:{login.password}".encode())
    kind, _, given = (header or "").partition(" ")
    return kind.lower() == "basic" and hmac.compare_digest(given.strip().encode("latin-1", "replace"), expected)
