"""HTTP clients: whom they trust, and how they sign in."""

from __future__ import annotations

import base64
import http.server
import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from cdc_pipeline.clients import http as clients
from cdc_pipeline.endpoints import (
    ArchiveEndpoint,
    ConnectorsEndpoint,
    Endpoints,
    KafkaConnectEndpoint,
    KafkaEndpoint,
    Login,
    ObjectStoreEndpoint,
    PostgresqlEndpoint,
    SchemaRegistryEndpoint,
)
from certificates import Authority, https_server

LOGIN = Login("reader", "a secret")


class Echo(http.server.BaseHTTPRequestHandler):
    """Says what it was asked, and by whom."""

    def do_GET(self) -> None:
        body = json.dumps([self.path, self.headers.get("Authorization")]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def url(authority: Authority) -> Iterator[str]:
    with https_server(Echo, authority.context("127.0.0.1", "localhost")) as port:
        yield f"https://127.0.0.1:{port}"


def basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def test_a_server_of_the_authority_is_trusted(url: str, authority: Authority) -> None:
    with clients.client(f"{url}/apis/v7/", LOGIN, str(authority.ca)) as client:
        assert client.get("/subjects/a%2Fb?x=1").json() == ["/apis/v7/subjects/a%2Fb?x=1", basic(LOGIN)]
        assert client.get("/subjects", auth=None).json() == ["/apis/v7/subjects", None]


def test_a_server_of_another_authority_is_refused(url: str, stranger: Authority) -> None:
    for ca in (str(stranger.ca), ""):
        with (
            clients.client(url, ca=ca) as client,
            pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            client.get("/")


def test_a_server_by_another_name_is_refused(authority: Authority) -> None:
    with (
        https_server(Echo, authority.context("elsewhere.example")) as port,
        clients.client(f"https://127.0.0.1:{port}", ca=str(authority.ca)) as client,
        pytest.raises(httpx.ConnectError, match=r"not valid for '127\.0\.0\.1'"),
    ):
        client.get("/")


def test_plain_http_does_not_pass_where_tls_is_spoken(url: str) -> None:
    with clients.client(url.replace("https", "http")) as client, pytest.raises(httpx.HTTPError):
        client.get("/")


def test_without_an_authority_the_systems_are_trusted(
    url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    with clients.client(url) as client:
        assert client.get("/").status_code == 200


def test_a_proxy_of_the_environment_is_not_used(
    url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with clients.client(url, ca=str(authority.ca)) as client:
        assert client.get("/").status_code == 200


def test_a_file_that_holds_no_authority_is_named(tmp_path) -> None:
    missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
    empty.write_text("no certificate\n")
    for path in (missing, empty):
        with pytest.raises(OSError, match=str(path)):
            clients.client("https://a:1", ca=str(path))


def test_whole_urls_have_each_their_own_authority(url: str, authority: Authority, stranger: Authority) -> None:
    ours, theirs = str(authority.ca), str(stranger.ca)
    with https_server(Echo, stranger.context("127.0.0.1")) as port:
        other = f"https://127.0.0.1:{port}"
        endpoints = Endpoints(
            PostgresqlEndpoint("h", 1, "d", "u", "p"),
            KafkaEndpoint("h:1"),
            SchemaRegistryEndpoint(f"{url}/apis/v7", LOGIN, LOGIN, ours),
            KafkaConnectEndpoint(other, (other,), theirs),
            ObjectStoreEndpoint("b", "", ""),
            ArchiveEndpoint("http://127.0.0.1:1"),
            ConnectorsEndpoint(),
        )
        with clients.client_of_all(endpoints) as client:
            assert client.get(f"{url}/apis/v7/subjects").json() == ["/apis/v7/subjects", None]
            assert client.get(f"{other}/connectors").status_code == 200
        swapped = replace(endpoints, kafka_connect=KafkaConnectEndpoint(other, ca=ours))
        with clients.client_of_all(swapped) as client, pytest.raises(httpx.ConnectError, match="VERIFY_FAILED"):
            client.get(f"{other}/connectors")
