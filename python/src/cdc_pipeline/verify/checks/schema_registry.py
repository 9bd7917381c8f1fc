"""T6: who may read and write, compatibility, the topic behind it, and a subject's life."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx

from cdc_pipeline.endpoints import Login
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.verify.http_rights import judge_rights
from cdc_pipeline.verify.jvm import judge_memory
from cdc_pipeline.verify.step import Step

_ACCESS = "See the roles of its users in the registry's configuration (tag schema_registry)."
_SUBJECT = "Check the registry's log."


def record_schema(*fields: dict[str, Any]) -> str:
    """An Avro record with these fields, as the registry's API takes it."""
    return json.dumps({"type": "record", "name": "Probe", "namespace": "cdc.verify", "fields": list(fields)})


_ID = {"name": "id", "type": "long"}
_FIRST = record_schema(_ID)
_COMPATIBLE = record_schema(_ID, {"name": "note", "type": ["null", "string"], "default": None})
# Readers of the new schema could not read what the old one wrote.
_INCOMPATIBLE = record_schema(_ID, {"name": "note", "type": "string"})


def _request(
    context: Context, method: str, path: str, login: Login | None, body: dict[str, Any] | None = None
) -> httpx.Response:
    auth = (login.username, login.password) if login else None
    return context.schema_registry.request(method, path, auth=auth, json=body)


def _access(context: Context) -> Iterator[Finding]:
    where = context.plan.endpoints.schema_registry
    expected = context.plan.expected.schema_registry
    anonymous = _request(context, "GET", "/subjects", None)
    yield equal(
        "schema_registry.unauthenticated",
        "status of a request without credentials",
        401,
        anonymous.status_code,
        _ACCESS,
    )
    wrong = _request(context, "GET", "/subjects", Login(where.reader.username, "wrong"))
    yield equal(
        "schema_registry.wrong_password", "status of a request with a wrong password", 401, wrong.status_code, _ACCESS
    )
    reading = _request(context, "GET", "/subjects", where.reader)
    yield equal(
        "schema_registry.reader_reads", "status when the reader lists subjects", 200, reading.status_code, _ACCESS
    )
    # An empty body: were it let through, the registry would refuse it and nothing would change.
    refused = _request(context, "POST", "/subjects/cdc-verify-reader/versions", where.reader, {})
    yield equal(
        "schema_registry.reader_writes_not", "status when the reader registers", 403, refused.status_code, _ACCESS
    )
    level = _request(context, "GET", "/config", where.reader)
    yield equal(
        "schema_registry.compatibility",
        "global compatibility",
        expected.compatibility,
        level.json().get("compatibilityLevel") if level.status_code == 200 else level.status_code,
        "Run the tag schema_registry.",
    )
    topic = context.kafka_admin.list_topics(expected.topic, timeout=30).topics[expected.topic]
    factors = sorted({len(partition.replicas) for partition in topic.partitions.values()})
    yield equal(
        "schema_registry.topic_replicated",
        f"replicas of the topic {expected.topic}",
        [expected.replication_factor],
        factors,
        "Was it created before there were enough brokers?",
    )


def _life(context: Context) -> Iterator[Finding]:
    writer = context.plan.endpoints.schema_registry.writer
    subject = f"cdc-verify-{context.run}-value"
    path = f"/subjects/{quote(subject, safe='')}"
    try:
        first = _request(context, "POST", f"{path}/versions", writer, {"schema": _FIRST})
        yield equal(
            "schema_registry.registered", "status when a schema is registered", 200, first.status_code, _SUBJECT
        )
        again = _request(context, "POST", f"{path}/versions", writer, {"schema": _FIRST})
        yield equal(
            "schema_registry.registered_once", "its id when it is registered again", _id(first), _id(again), _SUBJECT
        )
        bad = _request(context, "POST", f"{path}/versions", writer, {"schema": _INCOMPATIBLE})
        yield equal(
            "schema_registry.incompatible_refused", "status of an incompatible change", 409, bad.status_code, _SUBJECT
        )
        good = _request(context, "POST", f"{path}/versions", writer, {"schema": _COMPATIBLE})
        yield equal(
            "schema_registry.compatible_accepted", "status of a compatible change", 200, good.status_code, _SUBJECT
        )
        by_id = _request(context, "GET", f"/schemas/ids/{_id(good)}", writer)
        same = by_id.status_code == 200 and json.loads(by_id.json()["schema"]) == json.loads(_COMPATIBLE)
        yield equal("schema_registry.read_by_id", "a schema is read back by its id", True, same, _SUBJECT)
    finally:
        _request(context, "DELETE", path, writer)
        _request(context, "DELETE", f"{path}?permanent=true", writer)
    gone = _request(context, "GET", f"{path}/versions", writer)
    yield equal("schema_registry.deleted", "status of the subject after its deletion", 404, gone.status_code, _SUBJECT)


def _id(response: httpx.Response) -> int | str:
    return response.json().get("id", "none") if response.status_code == 200 else f"status {response.status_code}"


def _processes(context: Context) -> Iterator[Finding]:
    limit = context.plan.expected.schema_registry.memory_mib
    yield judge_memory(context, "schema_registry", "the registry", context.servers.of("schema_registry"), limit)


def _rights(context: Context) -> Iterator[Finding]:
    where, rights = context.plan.endpoints.schema_registry, context.plan.expected.schema_registry.rights
    logins = {"reader": where.reader, "writer": where.writer}
    yield from judge_rights("schema_registry", "the registry", where.url, where.ca, logins, rights, "schema_registry")


STEPS = (
    Step(
        "schema_registry.access",
        "schema_registry",
        _access,
        "T6",
        ("unauthenticated", "wrong_password", "reader_reads", "reader_writes_not", "compatibility", "topic_replicated"),
    ),
    Step("schema_registry.rights", "schema_registry", _rights, "T6", ("rights", "logins", "encrypted")),
    Step(
        "schema_registry.subject_life",
        "schema_registry",
        _life,
        "T6",
        ("registered", "registered_once", "incompatible_refused", "compatible_accepted", "read_by_id", "deleted"),
        writes=True,
    ),
    Step("schema_registry.processes", "schema_registry", _processes, "T6", ("memory",)),
)
