"""Rights over HTTP, tried on a server that lets in whom it should, and on ones that do not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cdc_pipeline.endpoints import Login
from cdc_pipeline.instance.right import Right
from cdc_pipeline.serving import Access, Handler, listen
from cdc_pipeline.verify.http_rights import judge_rights
from certificates import Authority

LOGIN = Login("reader", "r")
RIGHTS = (
    Right("", "GET", "/health/live", True),
    Right("", "GET", "/metrics", False),
    Right("reader", "GET", "/metrics", True),
    Right("reader", "POST", "/flush?timeout=0", True),
)


class Served(Handler):
    def do_GET(self) -> None:
        self.health(True)

    def do_POST(self) -> None:
        self.json(400, {})


@contextmanager
def serving(access: Access) -> Iterator[str]:
    server = listen(Served, "127.0.0.1", 0, access)
    try:
        yield f"{'https' if access.certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def judged(url: str, ca: str, rights: tuple[Right, ...] = RIGHTS) -> dict[str, object]:
    findings = judge_rights("service", "the service", f"{url}/api", ca, {"reader": LOGIN}, rights, "archive")
    return {finding.id: finding.found for finding in findings if not finding.ok}


def tls(authority: Authority, login: Login | None) -> Access:
    certificate, key = authority.certificate("127.0.0.1")
    return Access(str(certificate), str(key), login)


def test_all_is_as_stated(authority: Authority) -> None:
    with serving(tls(authority, LOGIN)) as url:
        assert judged(url, str(authority.ca)) == {}
        assert judged(url, str(authority.ca), ()) == {}


def test_a_server_that_asks_nobody_is_found(authority: Authority) -> None:
    with serving(tls(authority, None)) as url:
        found = judged(url, str(authority.ca))
    assert found == {"service.rights": {"nobody GET /metrics": "200, not refused"}, "service.logins": ["reader"]}


def test_a_server_that_does_not_encrypt_is_found() -> None:
    with serving(Access(login=LOGIN)) as url:
        assert judged(url, "") == {"service.encrypted": "status 200"}


def test_a_server_that_refuses_who_may_is_found(authority: Authority) -> None:
    with serving(tls(authority, Login("reader", "other"))) as url:
        found = judged(url, str(authority.ca))
    assert found == {
        "service.rights": {
            "reader GET /metrics": "401, not let through",
            "reader POST /flush?timeout=0": "401, not let through",
        }
    }


@pytest.mark.parametrize("known", [True, False])
def test_a_server_that_is_not_trusted_or_away_is_found(authority: Authority, stranger: Authority, known: bool) -> None:
    with serving(tls(authority, LOGIN)) as url:
        where = "https://127.0.0.1:1" if known else url
        found = judged(where, str((authority if known else stranger).ca))
    assert set(found) == {"service.rights", "service.logins"}
    assert found["service.rights"]["nobody GET /health/live"] == "no answer, not let through"
