"""What a port answers to a client that does not encrypt, or that has neither a certificate nor a login."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SECONDS = 10.0
"""That a port has to answer."""
_MOST_BYTES = 65536
# The words of a status without any content, such as UP, and Kafka Connect's sentence about it.
_STATUS_BYTES = 128

# What anybody may read: a status. docs/security/http.md and docs/security/object_store.md list them by service.
STATUS_PATHS = (
    "/health",
    "/health/live",
    "/health/ready",
    "/apis/ccompat/v7/contexts",
    "/healthz",
    "/readyz",
    "/status",
)
# What servers of these kinds would serve, and some that none of them has.
OTHER_PATHS = (
    "/",
    "/metrics",
    "/connectors",
    "/connectors?expand=info",
    "/connector-plugins",
    "/admin/loggers",
    "/apis/ccompat/v7/subjects",
    "/apis/registry/v3/system/info",
    "/apis/registry/v3/groups",
    "/q/metrics",
    "/dir/status",
    "/debug/vars",
    "/flush",
)


# Kafka's Metadata request, key 3, version 0: size, key, version, correlation id, client id, and an empty list, which
# means all topics (Kafka's protocol guide). ApiVersions would prove nothing, since every login begins with it.
_KAFKA_METADATA = struct.pack("!ihhih3si", 17, 3, 0, 1, 3, b"cdc", 0)
_POSTGRESQL_USER = b"user\0postgres\0database\0postgres\0\0"
_POSTGRESQL_START = struct.pack("!ii", 8 + len(_POSTGRESQL_USER), 3 << 16) + _POSTGRESQL_USER
# The first message of a client that wants TLS (SSLRequest).
POSTGRESQL_TLS = struct.pack("!ii", 8, 80877103)
_HTTP_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
# A record of TLS that is an alert: what was sent is not TLS.
_ALERT = b"\x15\x03"
GO_WANTS_TLS = b"HTTP request to an HTTPS server"
"""What servers written in Go answer, without encryption, to a request without it."""
# PostgreSQL's invalid_authorization_specification, where pg_hba.conf has no line for a connection without encryption,
# and its protocol_violation.
_POSTGRESQL_REFUSES = (b"C28000\0", b"C08P01\0")

Connect = Callable[[], socket.socket]
"""Makes a new connection to a port, with a timeout; OSError where it cannot."""


@dataclass(frozen=True)
class Told:
    """What a port answered without encryption, and within TLS. Empty where it answered nothing, or a status alone."""

    plain: tuple[str, ...] = ()
    encrypted: tuple[str, ...] = ()


def at(host: str, port: int) -> Connect:
    """Connects to an address."""
    return lambda: socket.create_connection((host, port), SECONDS)


def ask(connect: Connect) -> Told:
    """Sends requests of HTTP, Kafka and PostgreSQL to a port, first without encryption, then within TLS."""
    return Told(tuple(_plain(connect)), tuple(_encrypted(connect)))


def _plain(connect: Connect) -> Iterator[str]:
    for name, request in (("HTTP", _get("/")), ("Kafka", _KAFKA_METADATA), ("PostgreSQL", _POSTGRESQL_START)):
        answer = _answer(connect, request)
        refused = answer.startswith(_ALERT) or any(words in answer for words in (GO_WANTS_TLS, *_POSTGRESQL_REFUSES))
        if answer and not refused:
            yield f"{name} is answered: {answer[:40]!r}"


def _encrypted(connect: Connect) -> Iterator[str]:
    if _HTTP_STATUS.match(_answer(lambda: _tls(connect), _get("/"))):
        yield from _paths(connect)
        return
    if answer := _answer(lambda: _tls(connect), _KAFKA_METADATA):
        yield f"Kafka's Metadata is answered: {len(answer)} bytes"
    answer = _answer(lambda: _tls(connect, POSTGRESQL_TLS), _POSTGRESQL_START)
    # AuthenticationOk; what else begins with R asks for a password.
    if answer.startswith(b"R") and answer[5:9] == b"\0\0\0\0":
        yield "PostgreSQL lets postgres in without a password"


def _paths(connect: Connect) -> Iterator[str]:
    asked = _Http(connect)
    for path in (*STATUS_PATHS, *OTHER_PATHS):
        try:
            status, size = asked.get(path)
        except (OSError, http.client.HTTPException) as error:
            yield f"GET {path}: {type(error).__name__}"
            continue
        if status < 400 and not (path in STATUS_PATHS and size <= _STATUS_BYTES):
            yield f"GET {path}: {status}, {size} bytes"
    asked.close()


class _Http:
    """Requests within TLS, over one connection for as long as the server keeps it."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> tuple[int, int]:
        """Status of an answer, and bytes of its body.

        Raises:
            OSError, HTTPException: a new connection is not answered either.
        """
        if self._connection is not None:
            # One that was kept may be over.
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self._ask(self._connection, path)
            self.close()
        self._connection = http.client.HTTPConnection("localhost")
        # It would make a connection of its own.
        self._connection.auto_open = 0
        self._connection.sock = _tls(self._connect)
        return self._ask(self._connection, path)

    def _ask(self, connection: http.client.HTTPConnection, path: str) -> tuple[int, int]:
        connection.request("GET", path)
        answer = connection.getresponse()
        size = len(answer.read(_MOST_BYTES))
        if answer.will_close or not answer.isclosed():
            self.close()
        return answer.status, size

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def _tls(connect: Connect, before: bytes = b"") -> ssl.SSLSocket:
    """A connection with TLS by somebody who verifies nothing and has no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(connect())
        if before:
            plain.sendall(before)
            if plain.recv(1) != b"S":
                raise ConnectionError("it does not support TLS")
        encrypted = context.wrap_socket(plain, server_hostname="localhost")
        stack.pop_all()
        return encrypted


def _answer(connect: Connect, request: bytes) -> bytes:
    """What comes until the server hangs up or says no more; empty also where it hangs up at once."""
    answer = b""
    with contextlib.suppress(OSError), connect() as connection:
        connection.sendall(request)
        while len(answer) < _MOST_BYTES and (part := connection.recv(4096)):
            answer += part
            # Servers that keep the connection wait for the next request.
            connection.settimeout(1)
    return answer
