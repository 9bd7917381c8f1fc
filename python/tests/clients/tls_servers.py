"""Servers that speak as little of PostgreSQL's and Kafka's protocols as it takes to see who trusts whom."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104


@contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serves each connection in a thread, on a port of 127.0.0.1, which it gives."""
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        # Clients that trust nobody go away.
        with connection, contextlib.suppress(OSError, struct.error):
            connection.settimeout(10)
            serve(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("it went away")
        data += part
    return data


class Broker:
    """Keeps what it is asked, once decrypted; answers with ``answer``, if there is one.

    Attributes:
        asked: the API keys of the requests.
    """

    def __init__(self, context: ssl.SSLContext, answer: bytes | None = None) -> None:
        self._context, self._answer = context, answer
        self.asked: list[int] = []
        self.was_asked = threading.Event()

    def __call__(self, plain: socket.socket) -> None:
        with self._context.wrap_socket(plain, server_side=True) as connection:
            (size,) = struct.unpack(">i", exactly(connection, 4))
            (key,) = struct.unpack(">h", exactly(connection, size)[:2])
            self.asked.append(key)
            self.was_asked.set()
            if self._answer is not None:
                connection.sendall(struct.pack(">i", len(self._answer)) + self._answer)


def postgresql(context: ssl.SSLContext) -> Callable[[socket.socket], None]:
    """Lets everybody in who comes by TLS, and refuses others, as pg_hba.conf can."""

    def serve(plain: socket.socket) -> None:
        code = 0
        while code != _SSL_REQUEST:
            size, code = struct.unpack(">ii", exactly(plain, 8))
            if code == _GSS_REQUEST:
                plain.sendall(b"N")
            elif code != _SSL_REQUEST:
                fields = b"SFATAL\0VFATAL\0C28000\0Mno encryption\0\0"
                plain.sendall(b"E" + struct.pack(">i", len(fields) + 4) + fields)
                return
        plain.sendall(b"S")
        with context.wrap_socket(plain, server_side=True) as connection:
            size, _ = struct.unpack(">ii", exactly(connection, 8))
            exactly(connection, size - 8)
            connection.sendall(b"R" + struct.pack(">ii", 8, 0))
            for name, value in (("server_version", "15.0"), ("client_encoding", "UTF8")):
                pair = f"{name}\0{value}\0".encode()
                connection.sendall(b"S" + struct.pack(">i", len(pair) + 4) + pair)
            connection.sendall(b"Z" + struct.pack(">i", 5) + b"I")
            connection.recv(1)

    return serve
