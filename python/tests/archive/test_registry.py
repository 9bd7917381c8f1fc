"""Schemas by id: what is retried, what is final."""

from __future__ import annotations

import json

import httpx
import pytest
from cdc_pipeline.archive.errors import UnavailableError, UnknownSchemaError, UnsupportedSchemaError
from cdc_pipeline.archive.registry import Registry
from cdc_pipeline.clients.http import client
from cdc_pipeline.endpoints import Login

SCHEMA = {"type": "record", "name": "V", "fields": [{"name": "a", "type": "int"}]}


class Server:
    """Answers in order, the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.now = 0.0
        api = client("http://registry/api", Login("u", "p"), transport=httpx.MockTransport(self))
        self.registry = Registry(api, patience=30, clock=lambda: self.now)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def good(schema: object = SCHEMA) -> httpx.Response:
    return httpx.Response(200, json={"schema": json.dumps(schema)})


def test_a_schema_is_fetched_once() -> None:
    server = Server(good())
    assert server.registry.decoder(7) is server.registry.decoder(7)
    assert [str(r.url) for r in server.requests] == ["http://registry/api/schemas/ids/7"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(503),
        httpx.Response(401),
        httpx.ConnectError("no"),
        httpx.ReadTimeout("slow"),
    ],
    ids=["500", "503", "401", "refused", "timeout"],
)
def test_trouble_is_to_be_tried_again(answer: httpx.Response | Exception) -> None:
    server = Server(answer, good())
    with pytest.raises(UnavailableError):
        server.registry.decoder(7)
    assert server.registry.decoder(7)


def test_an_unknown_id_may_become_known_for_30_seconds() -> None:
    server = Server(httpx.Response(404), httpx.Response(404), good())
    for server.now in (0.0, 29.0):
        with pytest.raises(UnavailableError):
            server.registry.decoder(7)
    assert server.registry.decoder(7)


def test_an_id_that_stays_unknown_is_final() -> None:
    server = Server(httpx.Response(404))
    with pytest.raises(UnavailableError):
        server.registry.decoder(7)
    server.now = 30.0
    with pytest.raises(UnknownSchemaError):
        server.registry.decoder(7)


def test_an_outage_does_not_use_up_the_patience() -> None:
    server = Server(httpx.Response(500), httpx.Response(404))
    for server.now in (0.0, 40.0, 69.0):
        with pytest.raises(UnavailableError):
            server.registry.decoder(7)


@pytest.mark.parametrize(
    "answer",
    [
        good({"type": "string"}),
        httpx.Response(200, json={"schema": "{", "schemaType": "AVRO"}),
        httpx.Response(200, json={"schema": "syntax", "schemaType": "PROTOBUF"}),
        good({"type": "record", "name": "V", "fields": [{"name": "a"}]}),
    ],
    ids=["no record", "no JSON", "protobuf", "no schema"],
)
def test_a_schema_without_rows_is_final(answer: httpx.Response) -> None:
    server = Server(answer)
    for _ in range(2):
        with pytest.raises(UnsupportedSchemaError):
            server.registry.decoder(7)
    assert len(server.requests) == 1


def test_references_are_followed() -> None:
    outer = {"type": "record", "name": "O", "fields": [{"name": "i", "type": "x.Inner"}]}
    inner = {"type": "record", "name": "Inner", "namespace": "x", "fields": [{"name": "a", "type": "int"}]}
    listed = [{"name": "x.Inner", "subject": "inner", "version": 1}]
    server = Server(httpx.Response(200, json={"schema": json.dumps(outer), "references": listed}), good(inner))
    decoder = server.registry.decoder(7)
    assert decoder.decode([b"\0\0\0\0\x07\x06"]).frame.rows() == [({"a": 3},)]
