"""A TCP proxy in front of a server, which a test switches off and on, or lets drop a header."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from urllib.parse import urlsplit


class Proxy:
    """Forwards bytes to ``url``'s host. ``on = False`` closes every connection and refuses new ones.

    ``strip``: a request header that never arrives.
    """

    def __init__(self, url: str, strip: str | None = None) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 80)
        self._strip = re.compile(rb"(?im)^" + strip.encode() + rb":[^\r\n]*\r\n") if strip else None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
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
            threading.Thread(target=self._forward, args=(client, server, self._strip), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, client, None), daemon=True).start()

    def _forward(self, source: socket.socket, to: socket.socket, strip: re.Pattern[bytes] | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                to.sendall(strip.sub(b"", data) if strip else data)
        for one in (source, to):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            self._open.discard(one)
