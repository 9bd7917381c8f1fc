"""What a pipeline knows, as far as nothing of it may change in a move."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import httpx

from cdc_pipeline.clients import http, kafka, postgresql, s3, topics
from cdc_pipeline.endpoints import (
    Endpoints,
    KafkaConnectEndpoint,
    KafkaEndpoint,
    ObjectStoreEndpoint,
    PostgresqlEndpoint,
    SchemaRegistryEndpoint,
)
from cdc_pipeline.instance.objects import list_objects

Record = dict[str, Any]
_SECONDS = 20.0
_STABLE_SECONDS = 2.0
_POSTGRESQL = """\
SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
       pg_current_wal_lsn()::text AS lsn,
       (SELECT jsonb_object_agg(slot_name, jsonb_build_object('confirmed', confirmed_flush_lsn::text,
                                                              'wal', wal_status))
          FROM pg_replication_slots WHERE slot_type = 'logical') AS slots
"""


def record(endpoints: Endpoints, names: list[str], group: str, connectors: list[str]) -> Record:
    """The pipeline behind ``endpoints``, with its connectors stopped.

    Args:
        names: topics whose records must all be there, and no other.
        group: of the archive.
    """
    return {
        "postgresql": _postgresql(endpoints.postgresql),
        "kafka": _kafka(endpoints.kafka, names, group),
        "schema_registry": _schemas(endpoints.schema_registry),
        "connectors": _connectors(endpoints.kafka_connect, connectors),
        "object_store": _objects(endpoints.object_store.signed_by(endpoints.object_store.reader)),
    }


def at_rest(endpoints: Endpoints, *arguments: Any, seconds: float = 120.0) -> Record:
    """The record once it has stayed the same for a moment.

    Raises:
        TimeoutError: something still moves.
    """
    deadline = time.monotonic() + seconds
    found: Record | None = None
    while True:
        try:
            again = record(endpoints, *arguments)
        except httpx.HTTPError as error:
            # Such as a worker that has just started.
            found, moving = None, [str(error)]
        else:
            moving = sorted(key for key in again if key != "postgresql" and (found or {}).get(key) != again[key])
            if not moving:
                return again
            found = again
        if time.monotonic() > deadline:
            raise TimeoutError(f"not at rest after {seconds:.0f} s: {', '.join(moving)}")
        time.sleep(_STABLE_SECONDS)


def _postgresql(where: PostgresqlEndpoint) -> Record:
    with postgresql.connect(where, connect_timeout=int(_SECONDS)) as connection:
        system, lsn, slots = connection.execute(_POSTGRESQL).fetchone()
    return {"system": system, "lsn": lsn, "slots": slots or {}}


def _kafka(where: KafkaEndpoint, names: list[str], group: str) -> Record:
    quiet = {"log_level": 0}
    admin = kafka.admin(where, quiet)
    at = topics.partitions_of(admin, names)
    lows, highs = topics.ends(admin, at, earliest=True), topics.ends(admin, at)
    member = {"group.id": group, "enable.auto.commit": False, "isolation.level": "read_committed"}
    reader = kafka.consumer(where, {**quiet, **member})
    try:
        committed = topics.committed(reader, at)
    finally:
        reader.close()
    return {
        "ids": topics.topic_ids(admin, names),
        "ends": {f"{topic}-{partition}": [lows[topic, partition], highs[topic, partition]] for topic, partition in at},
        # Behind the tile's name stands how far holes follow, which the archive notes once a minute.
        "archived": {
            f"{topic}-{partition}": [offset, metadata.partition(" ")[0]]
            for (topic, partition), (offset, metadata) in committed.items()
        },
    }


def _schemas(where: SchemaRegistryEndpoint) -> Record:
    """Id of each version of each subject, and a digest of its text."""
    found: Record = {}
    with http.client(where.url, where.reader, where.ca, _SECONDS) as registry:

        def get(path: str) -> Any:
            return registry.get(path).raise_for_status().json()

        for subject in get("/subjects"):
            for version in get(f"/subjects/{subject}/versions"):
                schema = get(f"/subjects/{subject}/versions/{version}")
                text = hashlib.sha256(schema["schema"].encode()).hexdigest()
                found[f"{subject}/{version}"] = [schema["id"], text]
    return found


def _connectors(where: KafkaConnectEndpoint, names: list[str]) -> Record:
    """The offsets that Connect keeps for each connector; None where there is no such connector."""
    found: Record = {}
    with http.client(where.url, where.reader, where.ca, _SECONDS) as worker:
        for name in names:
            answer = worker.get(f"/connectors/{name}/offsets")
            found[name] = None if answer.status_code == 404 else answer.raise_for_status().json()["offsets"]
    return found


def _objects(where: ObjectStoreEndpoint) -> Record:
    """How many objects there are, and a digest of their names, sizes and entity tags."""
    lines, size = [], 0
    for each in list_objects(s3.store(where, _SECONDS), ""):
        # What proves that the store refuses to overwrite comes and goes.
        if "/.probe/" in f"/{each.key}":
            continue
        lines.append(f"{each.key} {each.size} {each.tag}")
        size += each.size
    text = "\n".join(sorted(lines))
    return {"objects": len(lines), "bytes": size, "digest": hashlib.sha256(text.encode()).hexdigest()}
