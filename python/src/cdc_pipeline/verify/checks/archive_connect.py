"""T10 with the engine connect: the sink connector runs, and Iceberg's tables have every change once, by the hour."""

from __future__ import annotations

import io
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import obstore
import polars as pl
import psycopg
from confluent_kafka import Message

from cdc_pipeline.archive.tile import hour_in, hour_of
from cdc_pipeline.clients import topics
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.plan import table_of
from cdc_pipeline.verify.avro_events import Event
from cdc_pipeline.verify.checks.connectors import exposed, judge_status
from cdc_pipeline.verify.checks.end_to_end import judge_hours, judge_rows
from cdc_pipeline.verify.checks.kafka import differing
from cdc_pipeline.verify.iceberg import DataFile, data_files, key_in, metadata_location, table_folder
from cdc_pipeline.verify.probe_run import probe
from cdc_pipeline.verify.step import Step
from cdc_pipeline.verify.tables import row_count

_TAG = "Run the tag archive."
_LOG = "See the sink connector's status, and the log of kafka_connect for `iceberg`."
_FOLDERS = re.compile(r"/data/year=\d{4}/month=\d\d/day=\d\d/hour=\d\d/[^/]+\.parquet$")
_SHOWN = 3
_POLL_SECONDS = 2.0
# A commit waits for its writers, and the first one of a table makes the table.
_COMMIT_SECONDS = 45.0
_DEAD_LETTER_SECONDS = 30.0
Row = dict[str, Any]


def judge_layout(files: Mapping[str, Sequence[DataFile]], bucket: str, prefix: str) -> Finding:
    """Every data file of the tables' current snapshots lies in the folder of its hour."""
    wrong, count = [], 0
    for topic, mine in files.items():
        root = table_folder(prefix, topic)
        for file in mine:
            count += 1
            folders = "/".join(f"{unit}={file.partition.get(unit)}" for unit in ("year", "month", "day", "hour"))
            key = key_in(file.location, bucket)
            if not key.startswith(f"{root}/data/{folders}/") or not _FOLDERS.search(key):
                wrong.append(key)
    return Finding(
        "archive.connect.layout",
        "data files of the current snapshots",
        f"{prefix}/<topic with / for .>/data/year=YYYY/month=MM/day=dd/hour=HH/<name>.parquet",
        wrong[:_SHOWN] or f"all {count}",
        not wrong and count > 0,
        "A table that was made with other partitions keeps them: see iceberg.tables.default-partition-by.",
    )


def same(event: Any, row: Any) -> bool:
    """Whether a value of an event is the one in a table, where a long number may be text and a map is its entries."""
    if isinstance(event, Decimal) and isinstance(row, str):
        return Decimal(row) == event
    if isinstance(event, float) and isinstance(row, float) and math.isnan(event):
        return math.isnan(row)
    if isinstance(event, dict) and isinstance(row, list):
        return len(event) == len(row) and same(event, {entry["key"]: entry["value"] for entry in row})
    if isinstance(event, dict) and isinstance(row, dict):
        return event.keys() == row.keys() and all(same(value, row[key]) for key, value in event.items())
    if isinstance(event, list) and isinstance(row, list):
        return len(event) == len(row) and all(same(*pair) for pair in zip(event, row, strict=True))
    return type(event) is type(row) and event == row


def judge_values(events: Iterable[Event], rows: Iterable[Row]) -> Finding:
    """Every field of every event is in the table as Kafka had it."""
    by_position = {(row["__partition"], row["__offset"]): row for row in rows}
    wrong, compared = [], 0
    for event in events:
        row = by_position.get((event.partition, event.offset))
        if row is None:
            continue
        for name, value in event.value.items():
            compared += 1
            if name not in row:
                wrong.append(f"{name}: no such column")
            elif not same(value, row[name]):
                wrong.append(f"{name}: Kafka has {value!r:.100}, Iceberg {row[name]!r:.100}")
    return Finding(
        "end_to_end.connect.values",
        "values in Iceberg that differ from those in Kafka",
        [],
        sorted(set(wrong))[:_SHOWN] or (f"none of {compared}" if not compared else []),
        bool(compared) and not wrong,
        _LOG,
    )


def judge_dead_letter(message: Message | None, topic: str, connector: str) -> Finding:
    """A record that cannot be converted is a dead letter, with headers that say whence and why."""
    wanted = {"__connect.errors.topic": topic, "__connect.errors.connector.name": connector}
    headers = {} if message is None else {name: (value or b"").decode() for name, value in message.headers() or ()}
    found = {name: headers.get(name) for name in wanted}
    reason = headers.get("__connect.errors.exception.class.name")
    return Finding(
        "end_to_end.connect.dead_letter",
        "headers of the dead letter of a record that is not Avro",
        wanted,
        "no dead letter" if message is None else {**found, "reason": reason},
        message is not None and found == wanted and bool(reason),
        _LOG,
    )


@dataclass
class _Tables:
    """The archive's tables, and the rows of this run, of which each file is read once."""

    context: Context

    def __post_init__(self) -> None:
        self.bucket = self.context.plan.endpoints.object_store.bucket
        self._rows: dict[str, list[Row]] = {}

    def fetch(self, location: str) -> bytes:
        return bytes(obstore.get(self.context.store, key_in(location, self.bucket)).bytes())

    def files(self, names: Iterable[str]) -> dict[str, list[DataFile]]:
        """The data files of each topic's table; none for one without a table."""
        connect = self.context.plan.expected.archive.connect
        with catalog_connection(self.context) as connection:
            at = {topic: metadata_location(connection, connect.catalog, topic) for topic in names}
        return {topic: list(data_files(where, self.fetch)) if where else [] for topic, where in at.items()}

    def rows(self, topic: str, hours: set[int]) -> dict[str, list[Row]]:
        """This run's rows by the key of their file, of files of these hours."""
        keys = {key_in(file.location, self.bucket): file.location for file in self.files([topic])[topic]}
        found = {}
        for key, location in keys.items():
            if _FOLDERS.search(key) and hour_in(key) not in hours:
                continue
            if key not in self._rows:
                frame = pl.read_parquet(io.BytesIO(self.fetch(location)), hive_partitioning=False)
                self._rows[key] = frame.filter(pl.col("run") == self.context.run).to_dicts()
            if self._rows[key]:
                found[key] = self._rows[key]
        return found


def catalog_connection(context: Context) -> psycopg.Connection[Any]:
    """A connection to the database of Iceberg's catalog, which the caller closes."""
    return context.postgresql(dbname=context.plan.expected.archive.connect.database)


def _status(context: Context) -> Finding:
    name = context.plan.expected.archive.connect.name
    answer = context.kafka_connect.get(f"/connectors/{name}/status")
    status = answer.raise_for_status().json() if answer.status_code != 404 else None
    return replace(judge_status(name, status), id="archive.connect.connector", hint=_TAG)


def _connector(context: Context) -> Iterator[Finding]:
    plan = context.plan
    if plan.expected.archive.service:
        return
    connect = plan.expected.archive.connect
    yield _status(context)
    answer = context.kafka_connect.get(f"/connectors/{connect.name}/config")
    config = answer.json() if answer.status_code == 200 else {}
    wanted = {
        "consumer.override.isolation.level": "read_committed",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": plan.expected.kafka_connect.dead_letter_topic,
        "errors.deadletterqueue.context.headers.enable": "true",
        **connect.config,
    }
    what = f"settings of {connect.name} other than the plan's"
    yield equal("archive.connect.config", what, {}, differing(wanted, config), _TAG)
    yield equal(
        "archive.connect.topics",
        f"topics that {connect.name} does not archive",
        [],
        sorted(set(plan.archived_topics) - set(config.get("topics", "").split(","))),
        _TAG,
    )
    store, database = plan.endpoints.object_store, plan.endpoints.postgresql
    secrets = [store.access_key_id, store.secret_access_key, database.password]
    shown = exposed(config, secrets)
    yield equal("archive.connect.no_secrets", f"settings of {connect.name} that hold a secret", [], shown, _TAG)
    absent = sorted(set(connect.topics) - set(context.kafka_admin.list_topics(timeout=30).topics))
    yield equal("archive.connect.own_topics", "topics of the sink connector that are missing", [], absent, _TAG)


def _catalog(context: Context) -> Iterator[Finding]:
    plan = context.plan
    connect = plan.expected.archive.connect
    if plan.expected.archive.service or not connect.database:
        return
    with catalog_connection(context) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM pg_publication),"
            " (SELECT count(*) FROM pg_replication_slots WHERE database = current_database())"
        ).fetchone()
    what = f"publications and slots in the catalog's database {connect.database}"
    yield equal("archive.connect.not_captured", what, (0, 0), row, "The catalog's own changes must not be captured.")
    if context.read_only:  # Otherwise the probe comes first, so that there is something to look at.
        files = _Tables(context).files(plan.archived_topics)
        yield judge_layout(files, plan.endpoints.object_store.bucket, connect.prefix)


def _probe(context: Context) -> Iterator[Finding]:
    plan = context.plan
    connect = plan.expected.archive.connect
    if plan.expected.archive.service or not connect.database or not plan.expected.end_to_end.table:
        return
    run = probe(context)
    dead = _spoil(context, run.topic)
    tables = _Tables(context)
    hours = {hour_of(event.time) for event in run.events}
    wanted = {(event.partition, event.offset) for event in run.events}
    by_key = _until(
        lambda: tables.rows(run.topic, hours),
        lambda found: wanted <= {(row["__partition"], row["__offset"]) for mine in found.values() for row in mine},
        plan.expected.archive.flush_seconds + _COMMIT_SECONDS,
    )
    rows = [row for mine in by_key.values() for row in mine]
    for finding in (*judge_rows(run, rows), judge_hours(by_key, run.events)):
        yield replace(finding, id=finding.id.replace(".parquet.", ".connect.", 1), hint=_LOG)
    yield judge_values(run.events, rows)
    files = tables.files(plan.archived_topics)
    yield replace(judge_layout(files, tables.bucket, connect.prefix), id="end_to_end.connect.layout")
    yield from _snapshots(context, tables)
    yield judge_dead_letter(dead, run.topic, connect.name)
    yield replace(
        _status(context), id="end_to_end.connect.goes_on", what="the connector after a record that is not Avro"
    )


def _until(read: Callable[[], Any], good: Callable[[Any], bool], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        value = read()
        if good(value) or time.monotonic() >= deadline:
            return value
        time.sleep(_POLL_SECONDS)


def _spoil(context: Context, topic: str) -> Message | None:
    """Writes a record that is not Avro to the probe's topic, and waits for its dead letter."""
    dead_letters = context.plan.expected.kafka_connect.dead_letter_topic
    admin = context.kafka_admin
    begin = topics.ends(admin, topics.partitions_of(admin, [dead_letters]))
    value = f"not Avro, by verification {context.run}".encode()
    producer = context.kafka_producer()
    producer.produce(topic, value=value)
    producer.flush(10)
    consumer = context.kafka_consumer(enable_partition_eof=True, fetch_wait_max_ms=50)
    deadline = time.monotonic() + _DEAD_LETTER_SECONDS
    try:
        while time.monotonic() < deadline:
            for message in topics.read(consumer, begin, deadline - time.monotonic()):
                if message.value() == value:
                    return message
        return None
    finally:
        consumer.close()


def _snapshots(context: Context, tables: _Tables) -> Iterator[Finding]:
    """A table's rows cannot outnumber its archived events: each came by a snapshot or an insert."""
    seconds = context.plan.expected.archive.flush_seconds + _COMMIT_SECONDS
    with context.postgresql() as connection:
        there = {
            topic: row_count(connection, context.plan.table_of(topic)) or 0 for topic in context.plan.archived_topics
        }
    # A commit reaches one table after the other, so the probe's may have it before the rest.
    short = _until(lambda: fewer(there, tables.files(list(there))), lambda found: not found, seconds)
    yield equal("end_to_end.connect.snapshot", "tables with more rows than archived events", {}, short, _LOG)


def fewer(there: Mapping[str, int], files: Mapping[str, Sequence[DataFile]]) -> dict[str, str]:
    """Tables whose data files have fewer records than the table has rows; by table what was found."""
    archived = {topic: sum(file.records for file in files.get(topic, ())) for topic in there}
    return {
        table_of(topic): f"{rows} rows, {archived[topic]} archived"
        for topic, rows in there.items()
        if archived[topic] < rows
    }


STEPS = (
    Step(
        "archive.connect.connector",
        "archive",
        _connector,
        "T10",
        ("connect.connector", "connect.config", "connect.topics", "connect.no_secrets", "connect.own_topics"),
    ),
    Step("archive.connect.catalog", "archive", _catalog, "T10", ("connect.not_captured", "connect.layout")),
    Step(
        "end_to_end.connect",
        "end_to_end",
        _probe,
        "T10",
        (
            "connect.once",
            "connect.none_lost",
            "connect.none_invented",
            "connect.<operation>",
            "connect.hour",
            "connect.values",
            "connect.layout",
            "connect.snapshot",
            "connect.dead_letter",
            "connect.goes_on",
        ),
        writes=True,
        along=("archive",),
    ),
)
