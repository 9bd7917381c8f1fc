"""Stand-ins between the service and its store: a TCP proxy to switch off and on, a store that overwrites."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Proxy:
    """Forwards bytes to ``url``'s host, whether they are encrypted or not.

    `off` closes every connection and refuses new ones until ``on = True``.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{parts.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.on = True
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def off(self) -> None:
        """The server is gone."""
        self.on = False
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the proxy."""
        self.off()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self.on:
                client.close()
                continue
            server = socket.create_connection(self._target)
            self._open |= {client, server}
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, client), daemon=True).start()

    def _forward(self, source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                to.sendall(data)
        for one in (source, to):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            self._open.discard(one)


class Overwriting(BaseHTTPRequestHandler):
    """A store that accepts every PUT, whatever its conditions; the header is signed, so a proxy could not strip it."""

    def do_PUT(self) -> None:
        """Accept it."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200)

    def do_POST(self) -> None:
        """Bulk delete."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"<DeleteResult/>")

    def do_DELETE(self) -> None:
        """Delete."""
        self._answer(204)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("ETag", '"same"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


def overwriting_store() -> ThreadingHTTPServer:
    """Serve `Overwriting` in a thread."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Overwriting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
