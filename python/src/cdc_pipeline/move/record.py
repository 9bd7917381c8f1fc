"""What a pipeline knows, as far as nothing of it may change in a move."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import boto3
import httpx
import psycopg
from botocore.config import Config
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from cdc_pipeline.verify import topics

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


def record(endpoints: Mapping[str, Any], names: list[str], group: str, connectors: list[str]) -> Record:
    """The pipeline behind ``endpoints`` (as in endpoints.json), with its connectors stopped.

    Args:
        names: topics whose records must all be there, and no other.
        group: of the archive.
    """
    return {
        "postgresql": _postgresql(endpoints["postgresql"]),
        "kafka": _kafka(endpoints["kafka"], names, group),
        "schema_registry": _schemas(endpoints["schema_registry"]),
        "connectors": {name: _connector(endpoints["kafka_connect"]["url"], name) for name in connectors},
        "object_store": _objects(endpoints["object_store"]),
    }


def at_rest(endpoints: Mapping[str, Any], *arguments: Any, seconds: float = 120.0) -> Record:
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


def _postgresql(where: Mapping[str, Any]) -> Record:
    with psycopg.connect(
        host=where["host"],
        port=where["port"],
        dbname=where["dbname"],
        user=where["user"],
        password=where["password"],
        connect_timeout=int(_SECONDS),
        autocommit=True,
    ) as connection:
        system, lsn, slots = connection.execute(_POSTGRESQL).fetchone()
    return {"system": system, "lsn": lsn, "slots": slots or {}}


def _kafka(where: Mapping[str, Any], names: list[str], group: str) -> Record:
    client = {"bootstrap.servers": where["bootstrap_servers"], "log_level": 0}
    admin = AdminClient(client)
    at = topics.partitions_of(admin, names)
    lows, highs = topics.ends(admin, at, earliest=True), topics.ends(admin, at)
    member = {"group.id": group, "enable.auto.commit": False, "isolation.level": "read_committed"}
    reader = Consumer({**client, **member})
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


def _schemas(where: Mapping[str, Any]) -> Record:
    """Id of each version of each subject, and a digest of its text."""
    reader = where["reader"]
    found: Record = {}
    with httpx.Client(auth=(reader["username"], reader["password"]), timeout=_SECONDS, trust_env=False) as http:

        def get(path: str) -> Any:
            answer = http.get(f"{where['url']}{path}")
            answer.raise_for_status()
            return answer.json()

        for subject in get("/subjects"):
            for version in get(f"/subjects/{subject}/versions"):
                schema = get(f"/subjects/{subject}/versions/{version}")
                text = hashlib.sha256(schema["schema"].encode()).hexdigest()
                found[f"{subject}/{version}"] = [schema["id"], text]
    return found


def _connector(url: str, name: str) -> Any:
    """The offsets that Connect keeps for a connector; None where there is no such connector."""
    answer = httpx.get(f"{url}/connectors/{name}/offsets", timeout=_SECONDS, trust_env=False)
    if answer.status_code == 404:
        return None
    answer.raise_for_status()
    return answer.json()["offsets"]


def _objects(where: Mapping[str, Any]) -> Record:
    """How many objects there are, and a digest of their names, sizes and entity tags."""
    client = boto3.client(
        "s3",
        endpoint_url=where["endpoint_url"] or None,
        region_name=where["region"],
        aws_access_key_id=where["access_key_id"] or None,
        aws_secret_access_key=where["secret_access_key"] or None,
        config=Config(s3={"addressing_style": "path"}, connect_timeout=5, retries={"max_attempts": 3}),
    )
    lines, size = [], 0
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=where["bucket"])
    for page in pages:
        for item in page.get("Contents", ()):
            # What proves that the store refuses to overwrite comes and goes.
            if "/.probe/" in f"/{item['Key']}":
                continue
            lines.append(f"{item['Key']} {item['Size']} {item['ETag']}")
            size += item["Size"]
    text = "\n".join(sorted(lines))
    return {"objects": len(lines), "bytes": size, "digest": hashlib.sha256(text.encode()).hexdigest()}
