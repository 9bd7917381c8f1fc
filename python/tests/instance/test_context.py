"""The context's HTTP clients, on servers that only TLS gets through to."""

from __future__ import annotations

import http.server
import json
from collections.abc import Iterator

import httpx
import pytest
from cdc_pipeline.archive import build, settings
from cdc_pipeline.archive.errors import UnavailableError
from cdc_pipeline.endpoints import Endpoints
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.plan import Plan
from cdc_pipeline.move import record
from cdc_pipeline.shape import read
from certificates import Authority, https_server

SCHEMA = json.dumps({"type": "record", "name": "V", "fields": [{"name": "a", "type": "int"}]})
ANSWERS = {
    "/api/schemas/ids/7": {"schema": SCHEMA},
    "/api/subjects": ["s"],
    "/api/subjects/s/versions": [1],
    "/api/subjects/s/versions/1": {"id": 7, "schema": SCHEMA},
    "/connectors/cdc/offsets": {"offsets": [1]},
    "/health/ready": {},
}
LOGINS = {"/api": "Basic cmVhZGVyOnI=", "/con": "Basic Y29ubmVjdDpj"}


class Servers(http.server.BaseHTTPRequestHandler):
    """All of them at one port: they answer whoever signs in as they want it."""

    def do_GET(self) -> None:
        body = json.dumps(ANSWERS.get(self.path, {})).encode()
        signed_in = LOGINS.get(self.path[:4]) == self.headers.get("Authorization")
        self.send_response((200 if self.path in ANSWERS else 404) if signed_in else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def url(authority: Authority) -> Iterator[str]:
    with https_server(Servers, authority.context("127.0.0.1")) as port:
        yield f"https://127.0.0.1:{port}"


def endpoints(url: str, ca: str) -> Endpoints:
    document = {
        "postgresql": {"host": "h", "port": 1, "dbname": "d", "user": "u", "password": "p"},
        "kafka": {"bootstrap_servers": "h:1"},
        "schema_registry": {
            "url": f"{url}/api",
            "ca": ca,
            "reader": {"username": "reader", "password": "r"},
            "writer": {"username": "writer", "password": "w"},
        },
        "kafka_connect": {"url": url, "urls": [url], "ca": ca, "reader": {"username": "connect", "password": "c"}},
        "object_store": {"bucket": "b", "access_key_id": "k", "secret_access_key": "s", "ca": ca},
        "archive": {"url": url, "ca": ca},
        "connectors": {"url": url, "ca": ca},
    }
    return read(Endpoints, document, "endpoints")


def ask(context: Context) -> list[httpx.Response]:
    with context.connect_worker(url := context.plan.endpoints.kafka_connect.url) as worker:
        return [
            context.schema_registry.get("/subjects"),
            context.kafka_connect.get("/connectors/cdc/offsets"),
            worker.get("/connectors/cdc/offsets"),
            context.archive.get("/health/ready"),
            context.connectors.get("/health/ready"),
            context.http.get(f"{url}/health/ready"),
        ]


def test_each_server_is_trusted_by_its_authority(url: str, authority: Authority, stranger: Authority) -> None:
    context = Context(Plan(endpoints(url, str(authority.ca))))
    assert [answer.status_code for answer in ask(context)] == [200] * 6
    strange = Context(Plan(endpoints(url, str(stranger.ca))))
    for client in (strange.schema_registry, strange.kafka_connect, strange.archive, strange.connectors):
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            client.get("/")


def test_what_a_pipeline_knows_is_recorded_by_tls(url: str, authority: Authority) -> None:
    at = endpoints(url, str(authority.ca))
    ((name, (number, _digest)),) = record._schemas(at.schema_registry).items()
    assert (name, number) == ("s/1", 7)
    assert record._connectors(at.kafka_connect, ["cdc", "none"]) == {"cdc": [1], "none": None}


def test_the_archive_reads_schemas_by_tls(url: str, authority: Authority, stranger: Authority) -> None:
    def registry(ca: str) -> build.Registry:
        where = settings.SchemaRegistry(f"{url}/api", "reader", "r", ca_file=ca)
        return build.registry_of(settings.Settings("g", settings.Kafka("k"), where, settings.ObjectStore("b"), ["t"]))

    assert registry(str(authority.ca)).decoder(7)
    with pytest.raises(UnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        registry(str(stranger.ca)).decoder(7)
