"""`cdc tables`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click
import duckdb
import obstore
from confluent_kafka import KafkaException

from cdc_pipeline.cli.archive import Archive
from cdc_pipeline.cli.archive_files import ArchiveFiles, pattern
from cdc_pipeline.cli.archived import Archived, last_change, newest
from cdc_pipeline.cli.complete import Complete, Completeness
from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.lag import COUNT_SECONDS, Lag
from cdc_pipeline.cli.options import as_json, for_instance
from cdc_pipeline.cli.output import print_json, print_table
from cdc_pipeline.cli.tunnels import reached
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.objects import Object
from cdc_pipeline.verify.footers import Memory, read_tiles

_COLUMNS = ("TABLE", "LAG", "BEHIND", "ROWS ARCHIVED", "OBJECTS", "LAST CHANGE", "COMPLETE TO", "")
_RIGHT = ("LAG", "BEHIND", "ROWS ARCHIVED", "OBJECTS")


@click.command()
@for_instance
@as_json
def command(instance: Instance, json_output: bool) -> int:
    """Show for each captured table how far the archive is behind, and what it has.

    LAG is how many records are in Kafka and not in the archive yet, BEHIND the age of the oldest of them. ROWS ARCHIVED
    counts every change. LAST CHANGE is the time of the last commit that is archived; what committed before COMPLETE TO
    is archived, as far as it was captured.
    """
    with reached(instance):
        found = list(read_tables(Context(instance.plan(), read_only=True)))
    if json_output:
        print_json({"instance": instance.name, "tables": found})
    else:
        print_table(_COLUMNS, [_cells(each) for each in found], _RIGHT)
    return 0


def read_tables(context: Context) -> Iterator[dict[str, Any]]:
    """What `--json` gives for each table.

    Raises:
        CdcError: Kafka or the store does not answer.
    """
    archive = Archive(context)
    captured = set(context.plan.archived_topics)
    try:
        complete = Completeness(context, captured, COUNT_SECONDS)
    except KafkaException as error:
        servers = context.plan.endpoints.kafka.bootstrap_servers
        raise CdcError(f"Kafka at {servers} does not answer: {error.args[0].str()}. See `cdc status`.") from None
    now = time.time()
    for table, topic in archive.topics.items():
        objects = list(archive.objects(archive.folder(table)))
        have = _archived(context, archive, table, objects)
        yield {
            "table": table,
            "topic": topic,
            "captured": topic in captured,
            **_lag(complete.lags.get(topic), now),
            **_have(have),
            **_complete(complete.of(table, topic, lambda objects=objects: objects)),  # type: ignore[misc]
        }


def _archived(context: Context, archive: Archive, table: str, objects: list[Object]) -> Archived:
    folder = archive.folder(table)
    changed = last_change(newest(objects), lambda each: bytes(obstore.get(context.store, each.key).bytes()))
    if context.plan.expected.archive.service:
        where = context.plan.endpoints.object_store
        memory = Memory(context.plan.paths.cache, f"{where.endpoint_url}/{where.bucket}")
        try:
            rows = sum(tile.rows for tile in read_tiles(context.store, folder, memory)[0])
        finally:
            memory.close()
    else:
        rows = _count(archive, folder) if objects else 0
    return Archived(rows, len(objects), changed)


def _count(archive: Archive, folder: str) -> int:
    """The rows of objects whose footers nobody remembers."""
    with duckdb.connect() as connection:
        connection.register_filesystem(ArchiveFiles(archive.objects, archive.fetch))
        row = connection.execute("SELECT count(*) FROM read_parquet(?)", [pattern(folder)]).fetchone()
        return int(row[0]) if row else 0


def _lag(lag: Lag | None, now: float) -> dict[str, Any]:
    return {
        "lag_records": None if lag is None else lag.records,
        "lag_exact": lag is None or lag.exact,
        "lag_seconds": None if lag is None else round(lag.seconds(now), 3),
    }


def _have(have: Archived) -> dict[str, Any]:
    changed = have.last_change
    shown = None if changed is None else datetime.fromtimestamp(changed, UTC).isoformat(timespec="milliseconds")
    return {"rows_archived": have.rows, "objects": have.objects, "last_change": shown}


def _complete(complete: Complete) -> dict[str, Any]:
    return {"complete_to": complete.stamp, "complete_unknown": complete.why or None}


def _time(stamp: str | None) -> str | None:
    return stamp and stamp[:19].replace("T", " ") + " UTC"


def _cells(found: dict[str, Any]) -> list[Any]:
    records, seconds = found["lag_records"], found["lag_seconds"]
    return [
        found["table"],
        None if records is None else f"{'' if found['lag_exact'] else '≤ '}{records}",
        None if seconds is None else f"{seconds:.0f} s",
        found["rows_archived"],
        found["objects"],
        _time(found["last_change"]),
        _time(found["complete_to"]) or "unknown",
        "" if found["captured"] else "no longer captured",
    ]
