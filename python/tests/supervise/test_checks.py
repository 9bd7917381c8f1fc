"""Probes of all three kinds, and waiting for them."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time

import pytest
from cdc_pipeline.supervise import probe
from cdc_pipeline.supervise.checks import check
from certificates import https_server


@pytest.fixture
def server():
    """An HTTP server that answers with the status in its path, and keeps the headers that it got."""
    seen = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.update(self.headers)
            self.send_response(int(self.path.strip("/")))
            self.end_headers()
            self.wfile.write(b"the reason\n")

        def log_message(self, *arguments):
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.seen = seen
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def http_probe(server, path, **changes):
    target = {"host": "127.0.0.1", "port": server.server_port, "path": path, "headers": {"X-Probe": "1"}}
    return {"http": target, "timeout_seconds": 2, "period_seconds": 1, "failure_threshold": 3, **changes}


def exec_probe(*command, timeout=5):
    return {"exec": list(command), "timeout_seconds": timeout, "period_seconds": 1, "failure_threshold": 3}


def test_http(server, make_replica):
    for status, ok in ((200, True), (302, True), (404, False), (503, False)):
        result = check(make_replica(), http_probe(server, f"/{status}"))
        assert (result.ok, str(status) in result.detail) == (ok, True)
    assert "the reason" in result.detail and server.seen["X-Probe"] == "1"


def test_https(make_replica, authority, stranger):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/ready" else 503)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    def asked(port, path="/ready", **target):
        target = {"host": "127.0.0.1", "port": port, "path": path, "headers": {}, **target}
        return check(make_replica(), {"http": target, "timeout_seconds": 2})

    with https_server(Handler, authority.context("127.0.0.1")) as port:
        assert asked(port, scheme="https", ca=str(authority.ca)).ok
        failing = asked(port, "/", scheme="https", ca=str(authority.ca))
        assert not failing.ok and f"https://127.0.0.1:{port}/: 503" in failing.detail
        refused = asked(port, scheme="https", ca=str(stranger.ca))
        assert not refused.ok and "certificate verify failed" in refused.detail
        # Without an authority it is not asked who answers; None is how JSON says that there is none.
        assert asked(port, scheme="https").ok and asked(port, scheme="https", ca=None).ok
        assert not asked(port, scheme="http").ok
        missing = asked(port, scheme="https", ca="/no/such.pem")
        assert not missing.ok and "/no/such.pem" in missing.detail
        wrong = asked(port, scheme="ftp")
        assert not wrong.ok and "http or https, not ftp" in wrong.detail
    with https_server(Handler, authority.context("elsewhere.example")) as port:
        other = asked(port, scheme="https", ca=str(authority.ca))
        assert not other.ok and "IP address mismatch" in other.detail


def test_tcp(server, make_replica):
    target = {"host": "127.0.0.1", "port": server.server_port}
    assert check(make_replica(), {"tcp": target, "timeout_seconds": 1}).ok
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        target = {"host": "127.0.0.1", "port": closed.getsockname()[1]}
        result = check(make_replica(), {"tcp": target, "timeout_seconds": 1})
    assert not result.ok and "refused" in result.detail


def test_a_silent_server_times_out(make_replica):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        target = {"host": "127.0.0.1", "port": silent.getsockname()[1], "path": "/", "headers": {}}
        started = time.monotonic()
        assert not check(make_replica(), {"http": target, "timeout_seconds": 0.3}).ok
        assert time.monotonic() - started < 3


def test_exec(make_replica):
    replica = make_replica(start={"env": {"GREETING": "hello", "PATH": "/usr/bin:/bin"}})
    result = check(replica, exec_probe("/bin/sh", "-c", "echo $GREETING; exit 3"))
    assert (result.ok, result.detail) == (False, "exit status 3: hello")
    assert check(replica, exec_probe("true")).ok
    assert "No such file" in check(replica, exec_probe("/no/such")).detail


def test_exec_ends_with_all_its_children(make_replica):
    started = time.monotonic()
    result = check(make_replica(), exec_probe("/bin/sh", "-c", "sleep 30 & sleep 30", timeout=0.3))
    assert not result.ok and "did not end within 0.3 s" in result.detail
    assert time.monotonic() - started < 5


def test_waits_for_all_of_them(server, write_replica, capsys, tmp_path):
    good = write_replica("a-0", probes={"readiness": http_probe(server, "/200")})
    flag = tmp_path / "flag"
    late = write_replica("b-0", probes={"readiness": exec_probe("test", "-e", str(flag))})
    threading.Timer(0.6, flag.touch).start()
    assert probe.main(["readiness", "--wait", "10", str(good), str(late)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["a-0"]["ok"] and found["b-0"]["ok"] and found["a-0"]["kills"] == 0


def test_gives_up_in_time(write_replica, capsys):
    path = write_replica(probes={"readiness": exec_probe("false")}, gate=exec_probe("true"))
    started = time.monotonic()
    assert probe.main(["readiness", "--wait", "0.6", str(path)]) == 1
    assert time.monotonic() - started < 3
    assert json.loads(capsys.readouterr().out)["web-0"]["detail"] == "exit status 1"
    assert probe.main(["gate", str(path)]) == 0
    assert probe.main(["liveness", str(path)]) == 0
    assert "no probe" in capsys.readouterr().out
    assert probe.main(["liveness", "/no/such/file"]) == 2
