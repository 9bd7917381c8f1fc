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
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cdc_pipeline.instance.answer import ClusterError, Output
from cdc_pipeline.instance.processes import ProcessTable
from cdc_pipeline.verify.checks import strangers
from cdc_pipeline.verify.checks.strangers import judge
from cdc_pipeline.verify.strangers import Told, ask, at
from certificates import Authority, https_server
from fake_cluster import FakeCluster, pod

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
    monkeypatch.setattr("cdc_pipeline.verify.strangers.SECONDS", 1.0)


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return Authority(tmp_path, "ours").context("localhost", "127.0.0.1")


def test_a_port_without_encryption() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Open) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        told = ask(at("127.0.0.1", server.server_address[1]))
        server.shutdown()
    assert told.plain[0].startswith("HTTP is answered: b'HTTP/1.0 404") and told.encrypted == ()


def test_a_port_of_another_protocol_without_encryption() -> None:
    with raw_server(None) as port:
        assert any(each.startswith("Kafka is answered") for each in ask(at("127.0.0.1", port)).plain)


def test_a_port_that_encrypts_and_answers_everybody(context: ssl.SSLContext) -> None:
    with https_server(Open, context) as port:
        assert ask(at("127.0.0.1", port)) == Told(encrypted=(f"GET /metrics: 200, {len(SECRET)} bytes",))
    with raw_server(context) as port:
        assert ask(at("127.0.0.1", port)).encrypted == ("Kafka's Metadata is answered: 8 bytes",)


def test_a_port_that_tells_a_status_alone(context: ssl.SSLContext) -> None:
    with https_server(Closed, context) as port:
        assert ask(at("127.0.0.1", port)) == Told()


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


# As /proc/net/tcp has them: a socket that listens on port 8123 (1FBB) of all addresses, and a connection.
SOCKETS = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1FBB 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 100 0 0 10 0
"""


class Pods(FakeCluster):
    """Two pods, one of which has ended; port 8123 leads to a port of this host, or nowhere."""

    def __init__(self, leads_to: int | None) -> None:
        path = "/api/v1/namespaces/data-ingestion/pods"
        super().__init__(
            {path: [pod("archive-0", "archive"), {**pod("job-0", "job"), "status": {"phase": "Succeeded"}}]},
            lambda _pod, _command: Output(1, SOCKETS, "cat: /proc/net/tcp6: No such file or directory"),
        )
        self.leads_to = leads_to

    def connect(self, pod: str, port: int, failed: Callable[[Exception], None]) -> socket.socket:
        assert (pod, port) == ("archive-0", 8123)
        if self.leads_to is not None:
            return socket.create_connection(("127.0.0.1", self.leads_to))
        ours, theirs = socket.socketpair()
        failed(ClusterError("connection refused in the pod"))
        theirs.close()
        return ours


def test_the_ports_of_pods_are_asked_through_the_clusters_api(context: ssl.SSLContext) -> None:
    with https_server(Open, context) as port:
        ways = strangers._of_pods(Pods(port))
        assert {name: strangers._told(way) for name, way in ways.items()} == {
            "archive-0:8123": Told(encrypted=(f"GET /metrics: 200, {len(SECRET)} bytes",))
        }


def test_a_port_of_a_pod_that_cannot_be_reached_is_said() -> None:
    (way,) = strangers._of_pods(Pods(None)).values()
    assert strangers._told(way).plain == ("it cannot be queried: connection refused in the pod",)


def test_a_pod_without_ports_is_not_taken_for_a_safe_one() -> None:
    cluster = Pods(None)
    cluster.commands = lambda _pod, _command: Output(127, "", "cat: not found")
    with pytest.raises(LookupError, match=r"no listening port is to be seen in pod archive-0: cat: not found"):
        strangers._of_pods(cluster)
