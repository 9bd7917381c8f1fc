"""Connections to PostgreSQL, against a server that lets in who comes by TLS."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from certificates import Authority

sys.path.insert(0, str(Path(__file__).parent))

import tls_servers


@pytest.fixture(scope="module")
def port(authority: Authority) -> Iterator[int]:
    with tls_servers.serving(tls_servers.postgresql(authority.context("127.0.0.1"))) as port:
        yield port


def endpoint(port: int, ca: Path | str = "", sslmode: str = "") -> PostgresqlEndpoint:
    return PostgresqlEndpoint("127.0.0.1", port, "db", "user", "secret", sslmode, str(ca))


def encrypted(where: PostgresqlEndpoint) -> bool:
    with postgresql.connect(where) as connection:
        return connection.pgconn.ssl_in_use


def test_without_tls_libpq_decides() -> None:
    found = postgresql.parameters(endpoint(5432), application_name="me")
    assert not [name for name in found if name.startswith("ssl")]
    assert (found["host"], found["port"], found["application_name"]) == ("127.0.0.1", 5432, "me")
    assert "secret" not in repr(endpoint(5432))


def test_a_server_of_the_authority_is_trusted(port: int, authority: Authority) -> None:
    where = endpoint(port, authority.ca)
    assert encrypted(where)


@pytest.mark.parametrize("sslmode", ["", "verify-full"])
def test_a_server_of_another_authority_is_refused(port: int, stranger: Authority, sslmode: str) -> None:
    where = endpoint(port, stranger.ca, sslmode)
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        encrypted(where)


def test_a_server_by_another_name_is_refused(authority: Authority) -> None:
    serve = tls_servers.postgresql(authority.context("elsewhere.example"))
    with (
        tls_servers.serving(serve) as port,
        pytest.raises(psycopg.OperationalError, match="does not match host name"),
    ):
        encrypted(endpoint(port, authority.ca))


def test_a_connection_without_tls_is_refused_where_the_server_wants_it(port: int) -> None:
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        encrypted(endpoint(port, sslmode="disable"))


def test_without_an_authority_the_systems_are_trusted(
    port: int, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = endpoint(port, sslmode="verify-full")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        encrypted(where)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    assert encrypted(where)
