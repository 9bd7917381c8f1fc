"""Up to when the archive has every commit of a table.

The connector's own progress is asked for first, then Kafka's ends and the archive's positions, and the objects are
listed last: so what the first says is in Kafka, what is at a position is in an object, and that object is listed.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import obstore
import polars as pl
from confluent_kafka import KafkaException

from cdc_pipeline.archive.tile import parse
from cdc_pipeline.cli.archive import Archive
from cdc_pipeline.cli.archived import newest
from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.lag import Lag, read_lags
from cdc_pipeline.clients import topics
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.objects import Object
from cdc_pipeline.names import parse as parse_table

# A query does not wait longer for servers that may be down.
_SECONDS = 5.0
_COUNT_SECONDS = 1.0
_OFFSETS_SECONDS = 3.0
Value = TypeVar("Value")


@dataclass(frozen=True)
class Complete:
    """Up to when.

    Attributes:
        until: every transaction that committed before the one of this time is there; in seconds since the epoch, by
            PostgreSQL's clock. None where it is not known.
        why: it is not known.
    """

    until: float | None
    why: str = ""

    @property
    def stamp(self) -> str | None:
        """The time in ISO 8601, UTC."""
        if self.until is None:
            return None
        return datetime.fromtimestamp(self.until, UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Progress:
    """What the connector has committed to Kafka.

    Attributes:
        complete: up to which commit.
        waiting: tables whose snapshot is not complete.
    """

    complete: Complete
    waiting: frozenset[str] = frozenset()

    def of(self, table: str) -> Complete:
        """How far the connector is with one table."""
        return (
            Complete(None, "its snapshot is not complete") if parse_table(table).id in self.waiting else self.complete
        )


def progress_of(document: Mapping[str, Any]) -> Progress:
    """The progress in Connect's answer about a connector's offsets.

    The time of a position is that of a commit only while changes are streamed. A row of a snapshot sets it to the clock
    of the connector's host, which says nothing of the commits that have been captured.
    """
    offset = next((each["offset"] for each in document.get("offsets", ()) if each.get("offset")), None)
    if offset is None:
        return _unknown("the connector has no position yet")
    if offset.get("snapshot") and not (offset.get("last_snapshot_record") or offset.get("snapshot_completed")):
        return _unknown("the first snapshot is not complete")
    collections = json.loads(offset.get("incremental_snapshot_collections") or "[]")
    waiting = frozenset(str(each["incremental_snapshot_collections_id"]) for each in collections)
    if waiting:
        return _unknown(f"a snapshot of {', '.join(sorted(waiting))} is running", waiting)
    if offset.get("snapshot") or offset.get("lsn_commit") is None:
        return _unknown("no commit has followed the snapshot yet")
    if offset.get("ts_usec") is None:
        return _unknown("the connector's position has no timestamp")
    return Progress(Complete(int(offset["ts_usec"]) / 1e6))


def _unknown(why: str, waiting: frozenset[str] = frozenset()) -> Progress:
    return Progress(Complete(None, why), waiting)


def read_progress(context: Context) -> Progress:
    """How far the CDC connector is. Its position is stored in one transaction with its records."""
    name = context.plan.expected.connectors.names[0]
    try:
        answer = context.kafka_connect.get(f"/connectors/{name}/offsets", timeout=_OFFSETS_SECONDS)
        return progress_of(answer.raise_for_status().json())
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        return _unknown(f"Kafka Connect does not say how far the connector {name} is: {error}")


def complete_to(progress: Complete, lag: Lag, commits: Callable[[int], float | None]) -> Complete:
    """Up to when a table is complete.

    Args:
        progress: of the connector with this table, asked for before the lag. It bounds what is known of every
            partition, those too that have been archived further since.
        lag: of its topic.
        commits: the commit of the last record that is archived, by partition.
    """
    if progress.until is None or not lag.partitions:
        return progress
    times = {partition: commits(partition) for partition in lag.partitions}
    unknown = [partition for partition, time in times.items() if time is None]
    if unknown:
        return Complete(
            None, f"no commit of partition {min(unknown)} is known to be archived, and Kafka has more of it"
        )
    return Complete(min(progress.until, *(time for time in times.values() if time is not None)))


def last_commit(body: bytes) -> float | None:
    """The commit of an object's last row, in seconds since the epoch. Rows of a snapshot have none."""
    wanted = ["__op", "__source_ts_us", "__offset"]
    if not set(wanted) <= set(pl.read_parquet_schema(io.BytesIO(body))):
        return None
    rows = pl.read_parquet(io.BytesIO(body), columns=wanted).sort("__offset")
    rows = rows.filter(pl.col("__op").is_in(["c", "u", "d", "t"]), pl.col("__source_ts_us").is_not_null())
    return None if rows.is_empty() else rows["__source_ts_us"][-1] / 1e6


class Completeness:
    """Up to when tables are complete, by what the servers said when it was made.

    Raises:
        KafkaException: Kafka does not answer.
    """

    def __init__(self, context: Context, names: Iterable[str], count_seconds: float) -> None:
        """``names``: of the topics."""
        self._context = context
        self._progress = read_progress(context)
        self.lags = read_lags(context, names, count_seconds)
        behind = [topic for topic, lag in self.lags.items() if lag.partitions]
        self._ids = topics.topic_ids(context.kafka_admin, behind) if behind else {}

    def of(self, table: str, topic: str, objects: Callable[[], Iterable[Object]]) -> Complete:
        """Up to when a table is complete. ``objects``: those that are there after this was made."""
        lag = self.lags.get(topic)
        if lag is None:
            return Complete(None, "it is no longer captured, or has no topic")
        found: dict[int, Object] = {}

        def commits(partition: int) -> float | None:
            if not found:
                for each in newest(objects()):
                    tile = parse(each.key)
                    if tile is not None and topics.plain_id(tile[0].topic_id) == self._ids.get(topic):
                        found[tile[0].partition] = each
            last = found.get(partition)
            return None if last is None else last_commit(bytes(obstore.get(self._context.store, last.key).bytes()))

        return complete_to(self._progress.of(table), lag, commits)


def asked(context: Context, archive: Archive, tables: Iterable[str]) -> dict[str, Complete]:
    """Up to when some tables are complete, for a query; not known where the servers do not answer in time."""
    named = {table: archive.topics[table] for table in tables}
    captured = set(context.plan.archived_topics)

    def read() -> dict[str, Complete]:
        whole = Completeness(context, captured & set(named.values()), _COUNT_SECONDS)
        return {
            table: whole.of(table, topic, lambda table=table: archive.objects(archive.folder(table)))  # type: ignore[misc]
            for table, topic in named.items()
        }

    try:
        found = _within(_SECONDS, read)
    except (KafkaException, CdcError) as error:
        return dict.fromkeys(named, Complete(None, f"a server does not answer: {error}"))
    return found or dict.fromkeys(named, Complete(None, f"Kafka does not answer within {_SECONDS:.0f} s"))


def _within(seconds: float, call: Callable[[], Value]) -> Value | None:
    """What a call gives, or None if it takes longer; it is then left alone."""
    results: list[Value] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    return results[0] if results else None
