"""Tables of Apache Iceberg as their own files tell: the catalog's row, the snapshot's manifests, the data files.

Few keys of four kinds of files are needed, so that a library for Iceberg would bring far more than it saves.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import fastavro
import psycopg

# Of an entry in a manifest.
_DELETED = 2
# Of a file that holds rows; others name rows that are deleted.
_DATA = 0

Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class DataFile:
    """A data file of a table's current snapshot.

    Attributes:
        location: as Iceberg has it, such as s3://bucket/key.
        records: how many rows it says that it has.
        partition: values of the table's partition columns.
    """

    location: str
    records: int
    partition: dict[str, Any]


def table_of_topic(topic: str) -> tuple[str, str]:
    """Namespace and name of the table that a topic is routed to. Iceberg's sink makes them lower case."""
    namespace, _, name = topic.lower().rpartition(".")
    return namespace, name


def table_folder(prefix: str, topic: str) -> str:
    """The folder of the table that a topic is routed to, in the bucket, as the catalog chooses it."""
    namespace, name = table_of_topic(topic)
    return "/".join(part for part in (prefix, *namespace.split("."), name) if part)


def metadata_location(connection: psycopg.Connection[Any], catalog: str, topic: str) -> str | None:
    """Where the table's current metadata lie, by the JDBC catalog; None when there is no such table."""
    query = (
        "SELECT metadata_location FROM iceberg_tables"
        " WHERE catalog_name = %s AND table_namespace = %s AND table_name = %s"
    )
    row = connection.execute(query, (catalog, *table_of_topic(topic))).fetchone()
    return row[0] if row else None


def key_in(location: str, bucket: str) -> str:
    """The key of an object in the bucket.

    Raises:
        ValueError: it lies elsewhere.
    """
    scheme, _, rest = location.partition("://")
    where, _, key = rest.partition("/")
    if not scheme.startswith("s3") or where != bucket or not key:
        raise ValueError(f"{location} is not in the bucket {bucket}")
    return key


def data_files(metadata: str, fetch: Fetch) -> Iterator[DataFile]:
    """The data files of the current snapshot.

    Args:
        metadata: location of the table's metadata.
        fetch: reads the object at a location.
    """
    table = json.loads(fetch(metadata))
    current = table.get("current-snapshot-id")
    for snapshot in table.get("snapshots", ()):
        if snapshot["snapshot-id"] == current:
            for manifest in fastavro.reader(io.BytesIO(fetch(snapshot["manifest-list"]))):
                yield from _manifest(fetch(manifest["manifest_path"]))


def _manifest(body: bytes) -> Iterator[DataFile]:
    for entry in fastavro.reader(io.BytesIO(body)):
        file = entry["data_file"]
        if entry["status"] != _DELETED and file.get("content", _DATA) == _DATA:
            yield DataFile(file["file_path"], file["record_count"], dict(file["partition"]))
