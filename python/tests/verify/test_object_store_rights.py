"""What a port answers that must answer nobody, and what became of an attempt."""

from __future__ import annotations

import http.server
import socket
import ssl
from pathlib import Path

import pytest
from cdc_pipeline.endpoints import Keys, ObjectStoreEndpoint
from cdc_pipeline.verify.checks import object_store
from certificates import Authority, https_server
from obstore.exceptions import GenericError, PermissionDeniedError
from obstore.store import MemoryStore


def answers(port: int) -> set[str]:
    return {way for way, speak in object_store._WAYS.items() if object_store._answer(port, *speak)}


def test_an_answer_without_a_certificate_is_seen(tmp_path: Path) -> None:
    context = Authority(tmp_path, "ours").context("127.0.0.1")
    with https_server(http.server.SimpleHTTPRequestHandler, context) as port:
        assert "https" in answers(port)


def test_a_port_that_wants_a_certificate_answers_nobody(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    context = authority.context("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca)
    with https_server(http.server.SimpleHTTPRequestHandler, context) as port:
        assert answers(port) == set()


def test_a_closed_port_answers_nobody() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert answers(bound.getsockname()[1]) == set()


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (None, "allowed"),
        (PermissionDeniedError("Generic S3 error"), "refused"),
        (GenericError("DeleteObjects request failed for key k: Access Denied. (code: AccessDenied)"), "refused"),
        (GenericError("connection reset\nby somebody"), "GenericError: connection reset"),
    ],
)
def test_what_became_of_an_attempt(monkeypatch: pytest.MonkeyPatch, error: Exception | None, found: str) -> None:
    def attempt(store: object, key: str) -> None:
        if error:
            raise error

    monkeypatch.setitem(object_store._ACTIONS, "read", attempt)
    assert object_store._try("read", MemoryStore(), "k") == found


def test_a_store_with_one_key_is_read_with_it() -> None:
    where = ObjectStoreEndpoint("b", "key", "secret", endpoint_url="https://s3")
    assert where.signed_by(where.reader) == where
    reader = where.signed_by(Keys("reader", "hidden"))
    assert (reader.access_key_id, reader.secret_access_key, reader.bucket) == ("reader", "hidden", "b")
    assert "hidden" not in repr(Keys("reader", "hidden"))
