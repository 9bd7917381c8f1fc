"""People at Prometheus and Alertmanager by way of the service: what is passed on, and for whom."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cdc_pipeline.clients import http
from cdc_pipeline.endpoints import Login
from cdc_pipeline.monitor.cli import _bound
from cdc_pipeline.monitor.relay import Relay
from cdc_pipeline.people.logins import READER
from cdc_pipeline.serving import Access, listen
from certificates import Authority

OWN, ADA, BOB = Login("reader", "hunter2"), Login("ada", "adas14"), Login("bob", "bobs14")
SILENCE = "/alertmanager/api/v2/silences"
END = "/alertmanager/api/v2/silence/3f0c1a52-8a1e-4a6e-9c51-0f6f5a0f1c11"


class Servers:
    """Prometheus and Alertmanager, of which each says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        self.answer = b"{}"

    def relay(self) -> Relay:
        def handle(request: httpx.Request) -> httpx.Response:
            self.asked.append((request.method, str(request.url), request.content))
            if request.url.path.endswith("/targets"):
                raise httpx.ConnectError("refused")
            return httpx.Response(200, content=self.answer, headers={"Content-Type": "application/json"})

        transport = httpx.MockTransport(handle)
        return Relay(
            {name: http.client(f"https://{name}", transport=transport) for name in ("prometheus", "alertmanager")}
        )


@pytest.fixture
def servers() -> Servers:
    return Servers()


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        (
            "/prometheus/api/v1/query?query=up%7Ba%3D%22b%22%7D",
            "https://prometheus/api/v1/query?query=up%7Ba%3D%22b%22%7D",
        ),
        ("/prometheus/api/v1/label/job/values", "https://prometheus/api/v1/label/job/values"),
        ("/alertmanager/api/v2/alerts?active=true", "https://alertmanager/api/v2/alerts?active=true"),
        ("/alertmanager/api/v2/silences", "https://alertmanager/api/v2/silences"),
    ],
)
def test_what_is_read_is_passed_on_as_it_is(servers: Servers, target: str, asked: str) -> None:
    answer = servers.relay().get(target)
    assert answer is not None and answer.status == 200
    assert servers.asked == [("GET", asked, b"")]


@pytest.mark.parametrize(
    "target",
    [
        "/prometheus",
        "/prometheus/",
        "/prometheus/metrics",
        "/prometheus/debug/pprof/profile",
        "/prometheus/-/quit",
        "/prometheus/api/v1/../../debug/pprof/",
        "/prometheus/api/v1/admin/tsdb/snapshot",
        "/prometheus/api/v2/alerts",
        # It shows where alerts are sent.
        "/alertmanager/api/v2/status",
        "/alertmanager/api/v2/alerts/../status",
        "/alertmanager/metrics",
        "/other/api/v1/query",
        "//prometheus/api/v1/query",
    ],
)
def test_nothing_else_is(servers: Servers, target: str) -> None:
    assert servers.relay().get(target) is None
    assert servers.asked == []


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/prometheus/api/v1/query"),
        ("POST", "/alertmanager/api/v2/alerts"),
        ("DELETE", "/alertmanager/api/v2/silences"),
        ("POST", END),
        ("DELETE", f"{END}/x"),
        ("DELETE", f"{END}?x"),
    ],
)
def test_nothing_but_silences_is_changed(servers: Servers, method: str, target: str) -> None:
    assert servers.relay().change(method, target, "application/json", b"{}") is None
    assert servers.asked == []


def test_a_server_that_does_not_answer_is_named(servers: Servers) -> None:
    answer = servers.relay().get("/prometheus/api/v1/targets")
    assert answer is not None and answer.status == 502
    assert "prometheus does not answer: refused" in json.loads(answer.body)["error"]


def test_an_answer_is_bounded(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdc_pipeline.monitor.relay._MOST_BYTES", 1 << 20)
    servers.answer = b"x" * ((1 << 20) + 1)
    answer = servers.relay().get("/prometheus/api/v1/series")
    assert answer is not None and answer.status == 502 and b"more than 1 MiB" in answer.body


@pytest.fixture
def url(servers: Servers, tmp_path: Path, authority: Authority) -> Iterator[str]:
    """The service with its own login, a reader and an operator."""
    certificate, key = map(str, authority.certificate("localhost", "127.0.0.1"))
    people = tmp_path / "logins.properties"
    people.write_text("reader.ada=adas14\nwriter.bob=bobs14\n")
    healthy: Any = SimpleNamespace(alive=lambda: True, not_ready=lambda: [])
    access = Access(certificate, key, OWN, str(people), READER)
    listening = listen(_bound(healthy, None, servers.relay()), "127.0.0.1", 0, access)
    yield f"https://127.0.0.1:{listening.server_port}"
    listening.shutdown()


def test_everybody_who_signs_in_reads_and_operators_silence(servers: Servers, url: str, authority: Authority) -> None:
    found = {}
    for login in (None, Login("ada", "wrong"), ADA, OWN, BOB):
        with http.client(url, login, str(authority.ca)) as client:
            found[login] = [
                client.get("/prometheus/api/v1/query?query=up").status_code,
                client.get(SILENCE).status_code,
                client.post(SILENCE, json={"comment": "x"}).status_code,
                client.delete(END).status_code,
            ]
    nobody = [401, 401, 401, 401]
    assert found == {
        None: nobody,
        Login("ada", "wrong"): nobody,
        ADA: [200, 200, 403, 403],
        OWN: [200, 200, 403, 403],
        BOB: [200, 200, 200, 200],
    }
    changed = [(method, address, body) for method, address, body in servers.asked if method != "GET"]
    where = "https://alertmanager/api/v2/silence"
    assert [(method, address) for method, address, _body in changed] == [
        ("POST", f"{where}s"),
        ("DELETE", END.replace("/alertmanager", "https://alertmanager")),
    ]
    assert json.loads(changed[0][2]) == {"comment": "x"}


def test_a_page_of_another_server_cannot_silence(servers: Servers, url: str, authority: Authority) -> None:
    """A browser sends these media types for it without asking, and the login with them."""
    with http.client(url, BOB, str(authority.ca)) as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
            assert client.post(SILENCE, content=b"{}", headers={"Content-Type": kind}).status_code == 415, kind
        assert client.post(SILENCE, content=b"x" * 70000).status_code == 413
    assert servers.asked == []
