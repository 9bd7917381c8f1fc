"""Clients of the object store, against a server that answers as S3 does, over TLS."""

from __future__ import annotations

import http.server
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from cdc_pipeline.archive import settings, store
from cdc_pipeline.clients import s3
from cdc_pipeline.endpoints import ObjectStoreEndpoint
from cdc_pipeline.instance.objects import list_objects
from cdc_pipeline.move import record
from certificates import Authority, https_server
from obstore.exceptions import BaseError

KEY, BODY, STAMP = "archive/t/a.parquet", b"the object", "2026-01-02T03:04:05.000Z"
LISTING = f"""<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix><KeyCount>1</KeyCount>
<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated><Contents><Key>{KEY}</Key><LastModified>{STAMP}</LastModified>
<ETag>"abc"</ETag><Size>{len(BODY)}</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>"""


class Bucket(http.server.BaseHTTPRequestHandler):
    """One object, and the list of it."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path.rstrip("/") == "/b" and "list-type=2" in query:
            self._answer(LISTING.encode(), {"Content-Type": "application/xml"})
        elif path == f"/b/{KEY}":
            self._answer(BODY, {"ETag": '"abc"', "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"})
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def _answer(self, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def url(authority: Authority) -> Iterator[str]:
    with https_server(Bucket, authority.context("127.0.0.1")) as port:
        yield f"https://127.0.0.1:{port}"


def endpoint(url: str, ca: Path | str = "") -> ObjectStoreEndpoint:
    return ObjectStoreEndpoint("b", "key", "secret", url, ca=str(ca))


def read(where: ObjectStoreEndpoint) -> bytes:
    return bytes(obstore.get(s3.store(where, retries=0), KEY).bytes())


def test_a_server_of_the_authority_is_trusted(url: str, authority: Authority) -> None:
    where = endpoint(url, authority.ca)
    assert read(where) == BODY
    assert [(each.key, each.size, each.tag) for each in list_objects(s3.store(where), "")] == [
        (KEY, len(BODY), '"abc"')
    ]


def test_objects_are_recorded_as_a_move_does(url: str, authority: Authority) -> None:
    found = record._objects(endpoint(url, authority.ca))
    assert (found["objects"], found["bytes"]) == (1, len(BODY))


def test_each_authority_of_a_file_is_trusted(
    url: str, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(stranger.ca.read_bytes() + authority.ca.read_bytes())
    assert read(endpoint(url, both)) == BODY


def test_a_server_of_another_authority_is_refused(url: str, stranger: Authority) -> None:
    for where in (endpoint(url, stranger.ca), endpoint(url)):
        with pytest.raises(BaseError):
            read(where)


def test_a_server_by_another_name_is_refused(authority: Authority) -> None:
    with (
        https_server(Bucket, authority.context("elsewhere.example")) as port,
        pytest.raises(BaseError),
    ):
        read(endpoint(f"https://127.0.0.1:{port}", authority.ca))


def test_plain_http_does_not_pass_where_tls_is_spoken(url: str) -> None:
    with pytest.raises(BaseError):
        read(endpoint(url.replace("https", "http")))


def test_the_archive_trusts_the_authority_of_its_settings(url: str, authority: Authority, stranger: Authority) -> None:
    def connected(ca: Path) -> store.S3Store:
        keys = {"access_key_id": "key", "secret_access_key": "secret", "timeout_seconds": 5.0}
        return store.connect(settings.ObjectStore("b", url, ca_file=str(ca), **keys))

    assert bytes(obstore.get(connected(authority.ca), KEY).bytes()) == BODY
    with pytest.raises(BaseError):
        obstore.get(connected(stranger.ca), KEY)
