# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A JSON server in a thread, for fakes of servers that speak REST."""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass
class Call:
    """A request as the server saw it."""

    method: str
    path: tuple[str, ...]
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


class Reply(Exception):
    """Ends a request with this answer. :param body: text goes out as it is, anything else as JSON."""

    def __init__(self, status: int, body: Any = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class FakeServer:
    """Subclasses give `answer(call)`, which returns the body or raises `Reply`.

    :param port: 0 takes any that is free.
    :param listen: False refuses connections until `listen()` is called.
    :ivar calls: every request so far.
    :ivar disturbances: answers to give to the next requests instead of the right one; None drops the connection.
    """

    def __init__(self, context: ssl.SSLContext | None = None, port: int = 0, listen: bool = True) -> None:
        self.calls: list[Call] = []
        self.disturbances: list[Reply | None] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler(), bind_and_activate=False)
        self._server.server_bind()
        if listen:
            self.listen()
        self._scheme = "http"
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def listen(self) -> None:
        """Accept connections from now on."""
        self._server.server_activate()

    def answer(self, call: Call) -> Any:
        raise NotImplementedError

    def writes(self) -> list[tuple[str, str]]:
        """Method and path of every request that could change something."""
        return [(call.method, "/".join(call.path)) for call in self.calls if call.method in WRITES]

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                content = self.rfile.read(length)
                address = urlsplit(self.path)
                call = Call(
                    self.command,
                    tuple(unquote(part) for part in address.path.strip("/").split("/")),
                    {name: values[-1] for name, values in parse_qs(address.query).items()},
                    json.loads(content) if content else None,
                    dict(self.headers.items()),
                )
                with server._lock:
                    server.calls.append(call)
                    disturbed = bool(server.disturbances)
                    reply = server.disturbances.pop(0) if disturbed else None
                    if disturbed and reply is None:
                        self.close_connection = True
                        return
                    if reply is None:
                        try:
                            reply = Reply(200, server.answer(call))
                        except Reply as raised:
                            reply = raised
                self._send(reply)

            def _send(self, reply: Reply) -> None:
                text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
                content = b"" if reply.body is None else text.encode()
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler
