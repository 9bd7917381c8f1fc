"""What ports tell somebody without encryption, certificate or login. Real sockets, and TLS by a real authority."""

from __future__ import annotations

import contextlib
import http.server
import os
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cdc_pipeline.verify.checks.strangers import judge
from cdc_pipeline.verify.processes import ProcessTable
from cdc_pipeline.verify.strangers import Told, ask
from certificates import Authority, https_server

SECRET = b"a list of customers" * 10


class Open(http.server.BaseHTTPRequestHandler):
    """Answers everybody."""

    def do_GET(self) -> None:
        body = SECRET if self.path == "/metrics" else b"UP"
        self.send_response(200 if self.path in ("/metrics", "/health/live") else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Requests are not logged."""


class Closed(Open):
    """Tells a status alone, but who has signed in."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health/live" else 401)
        self.end_headers()
        self.wfile.write(b"UP" if self.path == "/health/live" else SECRET)


class Answers(socketserver.BaseRequestHandler):
    """Answers whatever comes first, as a broker answers a request."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.request.recv(1024)
            self.request.sendall(b"\0\0\0\4\0\0\0\1")


@contextlib.contextmanager
def raw_server(context: ssl.SSLContext | None) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answers) as server:
        server.handle_error = lambda *_arguments: None
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of one protocol wait for more of another one's request."""
    monkeypatch.setattr("cdc_pipeline.verify.strangers._SECONDS", 1.0)


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return Authority(tmp_path, "ours").context("localhost", "127.0.0.1")


def test_a_port_without_encryption() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Open) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        told = ask("127.0.0.1", server.server_address[1])
        server.shutdown()
    assert told.plain[0].startswith("HTTP is answered: b'HTTP/1.0 404") and told.encrypted == ()


def test_a_port_of_another_protocol_without_encryption() -> None:
    with raw_server(None) as port:
        assert any(each.startswith("Kafka is answered") for each in ask("127.0.0.1", port).plain)


def test_a_port_that_encrypts_and_answers_everybody(context: ssl.SSLContext) -> None:
    with https_server(Open, context) as port:
        assert ask("127.0.0.1", port) == Told(encrypted=(f"GET /metrics: 200, {len(SECRET)} bytes",))
    with raw_server(context) as port:
        assert ask("127.0.0.1", port).encrypted == ("Kafka's Metadata is answered: 8 bytes",)


def test_a_port_that_tells_a_status_alone(context: ssl.SSLContext) -> None:
    with https_server(Closed, context) as port:
        assert ask("127.0.0.1", port) == Told()


def test_what_is_found_is_said_by_port() -> None:
    told = {"127.0.0.1:1 (a)": Told(plain=("HTTP is answered",)), "127.0.0.1:2 (b)": Told(), "127.0.0.1:3 (c)": Told()}
    encrypted, login = judge(told)
    assert (encrypted.ok, encrypted.found, login.ok) == (False, {"127.0.0.1:1 (a)": ["HTTP is answered"]}, True)
    assert not list(judge({"127.0.0.1:2 (b)": Told(encrypted=("GET /: 200",))}))[1].ok


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_every_address_on_which_a_process_listens(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as server:
        server.bind((host, 0))
        server.listen()
        found = ProcessTable.read().addresses([os.getpid()])
    reached = "::1" if ":" in host else "127.0.0.1"
    assert found[(reached, server_port(found, reached))] == Path(sys.orig_argv[0]).name


def server_port(found: dict[tuple[str, int], str], host: str) -> int:
    (port,) = (port for address, port in found if address == host)
    return port
