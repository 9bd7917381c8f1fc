"""The services' HTTP server: by TLS, with a login, and what it tells without one."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from cdc_pipeline.clients import http as clients
from cdc_pipeline.endpoints import Login
from cdc_pipeline.people.logins import READER
from cdc_pipeline.serving import Access, Handler, listen
from cdc_pipeline.supervise.checks import check
from certificates import Authority

LOGIN = Login("watcher", "pässword:14")


class Served(Handler):
    """As the services do it."""

    def do_GET(self) -> None:
        self.health(self.path != "/health/live?down", reasons=["the store refuses hunter2"])

    def do_POST(self) -> None:
        self.json(200, {"done": True})


@contextmanager
def serving(access: Access) -> Iterator[int]:
    server = listen(Served, "127.0.0.1", 0, access)
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def access(authority: Authority) -> Access:
    certificate, key = authority.certificate("localhost", "127.0.0.1")
    return Access(str(certificate), str(key), LOGIN)


@pytest.fixture
def port(access: Access) -> Iterator[int]:
    with serving(access) as port:
        yield port


def test_health_tells_a_status_and_details_only_to_who_signs_in(port: int, authority: Authority) -> None:
    with clients.client(f"https://127.0.0.1:{port}", ca=str(authority.ca)) as nobody:
        for path in ("/health/live", "/health/ready", "/health/ready?x=1"):
            assert (nobody.get(path).status_code, nobody.get(path).json()) == (200, {"status": "UP"})
        assert nobody.get("/health/live?down").json() == {"status": "DOWN"}
    with clients.client(f"https://127.0.0.1:{port}", LOGIN, str(authority.ca)) as watcher:
        assert watcher.get("/health/ready").json()["reasons"] == ["the store refuses hunter2"]
        assert watcher.get("/metrics").status_code == 200
        assert watcher.post("/flush").json() == {"done": True}


def test_people_come_and_go_and_readers_only_read(access: Access, authority: Authority, tmp_path: Path) -> None:
    people = tmp_path / "logins.properties"
    ada, bob = Login("ada", "adas14"), Login("bob", "bobs14")
    with serving(replace(access, people=str(people))) as port:

        def statuses(login: Login) -> tuple[int, int]:
            with clients.client(f"https://127.0.0.1:{port}", login, str(authority.ca)) as person:
                return person.get("/metrics").status_code, person.post("/flush").status_code

        assert statuses(ada) == (401, 401)
        people.write_text("reader.ada=adas14\nwriter.bob=bobs14\n")
        assert (statuses(ada), statuses(bob), statuses(LOGIN)) == ((200, 403), (200, 200), (200, 200))
        assert statuses(Login("ada", bob.password)) == (401, 401)
        people.write_text("")
        assert (statuses(ada), statuses(LOGIN)) == ((401, 401), (200, 200))


def test_the_login_of_a_server_may_only_read_where_it_is_a_readers(access: Access, authority: Authority) -> None:
    with (
        serving(replace(access, right=READER)) as port,
        clients.client(f"https://127.0.0.1:{port}", LOGIN, str(authority.ca)) as watcher,
    ):
        assert (watcher.get("/metrics").status_code, watcher.post("/flush").status_code) == (200, 403)


@pytest.mark.parametrize(
    "login", [None, Login("watcher", "wrong"), Login("other", LOGIN.password), Login("watcher", "")]
)
def test_everything_else_takes_the_login(port: int, authority: Authority, login: Login | None) -> None:
    with clients.client(f"https://127.0.0.1:{port}", login, str(authority.ca)) as stranger:
        for method, path in (("GET", "/metrics"), ("GET", "/"), ("POST", "/flush"), ("POST", "/health/live")):
            refused = stranger.request(method, path)
            assert refused.status_code == 401, path
            assert ("wrong" if login else "a login is needed") in refused.json()["error"]
            assert "endpoints.json" in refused.json()["error"]
            assert refused.headers["WWW-Authenticate"].startswith("Basic ")
        # A wrong login may know as much as none.
        assert stranger.get("/health/ready").json() == {"status": "UP"}


def test_headers_that_are_no_login(port: int, authority: Authority) -> None:
    with clients.client(f"https://127.0.0.1:{port}", ca=str(authority.ca)) as stranger:
        for header in ("Basic", "Basic \xff", "Bearer x", "", "Basic d2F0Y2hlcg=="):
            assert stranger.get("/metrics", headers={"Authorization": header.encode("latin-1")}).status_code == 401


def test_nothing_is_spoken_without_encryption(port: int) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/health/live", trust_env=False, timeout=10)


def test_a_client_trusts_only_its_authority_and_the_name(access: Access, authority: Authority, stranger: Authority):
    with serving(access) as port:
        for ca in (str(stranger.ca), ""):
            with clients.client(f"https://127.0.0.1:{port}", ca=ca) as client, pytest.raises(httpx.ConnectError):
                client.get("/health/live")
    certificate, key = authority.certificate("elsewhere")
    with serving(Access(str(certificate), str(key))) as port:
        client = clients.client(f"https://127.0.0.1:{port}", ca=str(authority.ca))
        with client, pytest.raises(httpx.ConnectError, match="IP address mismatch"):
            client.get("/health/live")


def test_who_does_not_finish_a_handshake_holds_nobody_up(port: int, authority: Authority) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    began = time.monotonic()
    with clients.client(f"https://127.0.0.1:{port}", ca=str(authority.ca)) as client:
        assert client.get("/health/live").status_code == 200
    assert time.monotonic() - began < 5
    for each in silent:
        each.close()


def test_without_certificate_and_login_everything_is_answered() -> None:
    with serving(Access()) as port, clients.client(f"http://127.0.0.1:{port}") as client:
        assert client.get("/health/ready").json()["reasons"]
        assert client.post("/flush").json() == {"done": True}


def test_certificates_that_cannot_be_served_are_named(authority: Authority, tmp_path: Path) -> None:
    certificate, key = map(str, authority.certificate("localhost"))
    other = str(authority.certificate("localhost")[1])
    with pytest.raises(OSError, match=r"nowhere\.pem"):
        Access(certificate, str(tmp_path / "nowhere.pem")).context()
    with pytest.raises(OSError, match=f"the key in {other} is not that of the certificate in {certificate}"):
        Access(certificate, other).context()
    (tmp_path / "no.pem").write_text("hunter2")
    with pytest.raises(OSError, match="are not a certificate and its key in PEM") as caught:
        Access(str(tmp_path / "no.pem"), key).context()
    assert "hunter2" not in str(caught.value)
    with pytest.raises(OSError, match=r"nowhere\.pem"):
        listen(Served, "127.0.0.1", 0, Access(str(tmp_path / "nowhere.pem"), key))


def test_a_probe_signs_in_and_needs_no_login_to_pass(port: int, authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "login.json"
    target = {"host": "127.0.0.1", "port": port, "path": "/health/ready", "headers": {}, "scheme": "https"}
    target |= {"ca": str(authority.ca), "login": str(file)}
    alone = check(None, {"http": target, "timeout_seconds": 5})
    assert alone.ok and "reasons" not in alone.body, "a file that is missing fails no probe"
    file.write_text('{"username": "watcher", "password": "pässword:14"}')
    found = check(None, {"http": target, "timeout_seconds": 5})
    assert found.ok and "the store refuses" in found.body
    assert LOGIN.password not in found.detail + found.body


def test_over_a_tunnel(port: int, authority: Authority, stranger: Authority) -> None:
    def ask(login: Login | None, ca: Path) -> bytes:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            return clients.get_over(connection, "localhost", "/health/ready", 5, login, str(ca))

    assert b"reasons" in ask(LOGIN, authority.ca)
    assert b"reasons" not in ask(None, authority.ca)
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(LOGIN, stranger.ca)
