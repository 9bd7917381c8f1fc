"""T9 and T10: what is written to PostgreSQL is what Kafka and, value by value, Parquet have, each change once."""

from __future__ import annotations

import io
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import obstore
import polars as pl

from cdc_pipeline.archive.tile import folder, hour_in, hour_of, parse
from cdc_pipeline.clients import topics
from cdc_pipeline.instance.archive import flush, unarchived
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.objects import Object, list_objects
from cdc_pipeline.verify.avro_events import Event
from cdc_pipeline.verify.chain import judge_body
from cdc_pipeline.verify.probe_run import Change, Probe, probe
from cdc_pipeline.verify.probe_table import COLUMNS, UNBOUND, archived
from cdc_pipeline.verify.step import Step

_NAMES = {"c": "insert", "u": "update", "d": "delete"}
_SHOWN = 3
_KAFKA = "See the connector's status and log, and the slot's lag."
_ARCHIVE = "See the archive's log, and the dead letter topic of the probe table."
Row = dict[str, Any]


def judge_events(run: Probe, goal_seconds: float) -> Iterator[Finding]:
    """Kafka has every committed change once, in order, with operation, LSN and transaction; nothing else."""
    pairs = run.pairs()
    for operation, name in _NAMES.items():
        wanted = sum(change.operation == operation for change in run.changes)
        seen = [event for change, event in pairs if change.operation == operation == event.operation]
        bare = [each for each in seen if not isinstance(each.value.get("__lsn"), int) or not each.value.get("__txId")]
        flags = {str(each.value.get("__deleted")) for each in seen}
        good = len(seen) == wanted and not bare and flags == {"true" if operation == "d" else "false"}
        yield Finding(
            f"end_to_end.kafka.{name}",
            f"{name}s in Kafka, with operation, LSN and transaction",
            wanted,
            len(seen) - len(bare),
            good,
            _KAFKA,
        )
    yield equal("end_to_end.kafka.exactly_once", "events for the changes", len(run.changes), len(run.events), _KAFKA)
    ids = {change.id for change in run.changes}
    strange = sorted({event.value["id"] for event in run.events} - ids)
    yield equal("end_to_end.kafka.rollback", "events of a transaction that was rolled back", [], strange, _KAFKA)
    last = run.seconds[-1]
    cold = ", ".join(f"{seconds:.1f}" for seconds in run.seconds[:-1])
    yield Finding(
        "end_to_end.kafka.latency",
        "seconds from the last commit until its events were read from Kafka, once the JVMs are warm",
        f"below {goal_seconds:.0f}",
        f"{last:.2f}, before that {cold}" if cold else round(last, 2),
        last < goal_seconds,
        "It is slow repeatedly: check the machine's load, the connector's log and the slot's lag.",
    )
    yield equal("end_to_end.kafka.cleaned", "rows that the probe left in its table", 0, run.rows_left)


def judge_rows(run: Probe, rows: Sequence[Row]) -> Iterator[Finding]:
    """Parquet has every change once, at the position of its event."""
    at = Counter((row["__partition"], row["__offset"]) for row in rows)
    double = sorted(position for position, count in at.items() if count > 1)
    yield equal(
        "end_to_end.parquet.once", "positions (partition, offset) with more than one row", [], double[:_SHOWN], _ARCHIVE
    )
    events = {(event.partition, event.offset): event for event in run.events}
    lost = sorted(set(events) - set(at))
    foreign = sorted(set(at) - set(events))
    yield equal("end_to_end.parquet.none_lost", "events without a row", [], lost[:_SHOWN], _ARCHIVE)
    yield equal("end_to_end.parquet.none_invented", "rows without an event", [], foreign[:_SHOWN], _ARCHIVE)
    by_position = {(row["__partition"], row["__offset"]): row for row in rows}
    for operation, name in _NAMES.items():
        wanted = sum(change.operation == operation for change in run.changes)
        good = sum(
            change.operation == operation
            and _same_change(change, event, by_position.get((event.partition, event.offset)))
            for change, event in run.pairs()
        )
        yield equal(
            f"end_to_end.parquet.{name}", f"{name}s in Parquet, with key, operation and LSN", wanted, good, _ARCHIVE
        )


def _same_change(change: Change, event: Event, row: Row | None) -> bool:
    return row is not None and (row["id"], row["run"], row["__op"], row["__deleted"], row["__lsn"], row["__txId"]) == (
        change.id,
        event.value["run"],
        change.operation,
        "true" if change.operation == "d" else "false",
        event.value["__lsn"],
        event.value["__txId"],
    )


def judge_values(run: Probe, rows: Iterable[Row]) -> Iterator[Finding]:
    """Every value of every insert and update is the one that PostgreSQL had. Of a delete only the key is told."""
    by_position = {(row["__partition"], row["__offset"]): row for row in rows}
    pairs = [
        (change, by_position[event.partition, event.offset])
        for change, event in run.pairs()
        if change.values and (event.partition, event.offset) in by_position
    ]
    for column in COLUMNS:
        wrong = []
        for change, row in pairs:
            kept, found = change.values[column.name], archived(row, column)
            if kept != found or (kept is None) != (found is None):
                wrong.append(f"PostgreSQL has {kept!r:.200}, Parquet {found!r:.200}")
        yield Finding(
            f"end_to_end.type.{column.name.removeprefix('c_')}",
            f"values of type {column.type}",
            f"{len(pairs)} as PostgreSQL had them",
            f"{len(wrong)} differ: {'; '.join(wrong[:_SHOWN])}" if wrong else f"{len(pairs)} as PostgreSQL had them",
            bool(pairs) and not wrong,
            _ARCHIVE,
        )


def holding(keys: Iterable[str], events: Iterable[Event], topic_id: str) -> list[str]:
    """The tiles that can hold the events: the last that starts at or before the first, up to the last event."""
    spans: dict[int, tuple[int, int]] = {}
    for event in events:
        low, high = spans.get(event.partition, (event.offset, event.offset))
        spans[event.partition] = (min(low, event.offset), max(high, event.offset))
    starts: dict[int, list[tuple[int, str]]] = {}
    for key in keys:
        named = parse(key)
        if named is not None and topics.plain_id(named[0].topic_id) == topic_id and named[0].partition in spans:
            starts.setdefault(named[0].partition, []).append((named[1], key))
    found = []
    for partition, (low, high) in spans.items():
        mine = sorted(each for each in starts.get(partition, []) if each[0] <= high)
        first = max((start for start, _ in mine if start <= low), default=0)
        found += [key for start, key in mine if start >= first]
    return found


def hour_folders(prefix: str, topic: str, events: Iterable[Event]) -> list[str]:
    """The folders of the hours of the events. A tile never reaches over an hour's end, so no other can hold them."""
    hours = sorted({hour_of(event.time) for event in events})
    stamps = [datetime.fromtimestamp(hour * 3600, UTC) for hour in hours]
    return [f"{folder(prefix, topic)}/{at:year=%Y/month=%m/day=%d/hour=%H}" for at in stamps]


def judge_hours(rows: Mapping[str, Sequence[Row]], events: Iterable[Event]) -> Finding:
    """A tile lies in the folder of the hour of its records' timestamps in Kafka."""
    times = {(event.partition, event.offset): event.time for event in events}
    wrong = [
        key
        for key, mine in rows.items()
        if any(
            hour_of(times[row["__partition"], row["__offset"]]) != hour_in(key)
            for row in mine
            if (row["__partition"], row["__offset"]) in times
        )
    ]
    return equal(
        "end_to_end.parquet.hour", "probe tiles outside the folder of their records' hour", [], wrong[:_SHOWN], _ARCHIVE
    )


def _kafka(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.end_to_end
    if not expected.table:
        return
    captured = bool(topics.partitions_of(context.kafka_admin, [context.plan.topic(expected.table)]))
    hint = f"Have {expected.table} among the captured tables, or set its name to nothing."
    yield equal("end_to_end.kafka.captured", f"is {expected.table} captured", True, captured, hint)
    if captured:
        yield from judge_events(probe(context), expected.kafka_seconds)


def _parquet(context: Context) -> Iterator[Finding]:
    plan = context.plan
    if not plan.expected.end_to_end.table or not plan.expected.archive.service:
        return
    run = probe(context)
    until: topics.Partitions = {}
    for event in run.events:
        at = (event.topic, event.partition)
        until[at] = max(until.get(at, 0), event.offset + 1)
    flush(context)
    behind = unarchived(context, until, plan.expected.end_to_end.seconds)
    yield equal("end_to_end.parquet.archived", "events of the probe not archived after a flush", {}, behind, _ARCHIVE)
    contents = _contents(context, run)
    spoiled = [problem for key, body in contents.items() for problem in judge_body(key, body)]
    yield equal(
        "end_to_end.parquet.hashes",
        "objects whose pages, rows or offsets are not what their footer says",
        [],
        spoiled,
        _ARCHIVE,
    )
    by_key = {key: _rows(body, run.run) for key, body in contents.items()}
    rows = [row for mine in by_key.values() for row in mine]
    yield from judge_rows(run, rows)
    yield judge_hours(by_key, run.events)
    yield from judge_values(run, rows)
    yield equal(
        "end_to_end.parquet.duckdb",
        "changes by operation, as DuckDB reads the same objects",
        dict(sorted(Counter(change.operation for change in run.changes).items())),
        _by_duckdb(contents.values(), run.run),
        _ARCHIVE,
    )


def _contents(context: Context, run: Probe) -> dict[str, bytes]:
    """The tiles that hold the probe's events, by key."""
    prefix = context.plan.endpoints.object_store.prefix
    topic_id = topics.topic_ids(context.kafka_admin, [run.topic])[run.topic]
    listed: list[Object] = []
    for each in hour_folders(prefix, run.topic, run.events):
        listed += list_objects(context.store, each)
    keys = holding([each.key for each in listed], run.events, topic_id)
    return {key: bytes(obstore.get(context.store, key).bytes()) for key in keys}


def _rows(body: bytes, run: str) -> list[Row]:
    frame = pl.read_parquet(io.BytesIO(body))
    if "run" not in frame.columns:  # A tile of rejected records alone has no columns of the table.
        return []
    unbound = pl.col(*(name for name in UNBOUND if name in frame.columns)).to_physical()
    return frame.filter(pl.col("run") == run).with_columns(unbound).to_dicts()


def _by_duckdb(bodies: Iterable[bytes], run: str) -> dict[str, int]:
    with tempfile.TemporaryDirectory(prefix="cdc-verify-") as folder_name:
        for number, body in enumerate(bodies):
            (Path(folder_name) / f"{number}.parquet").write_bytes(body)
        if not any(Path(folder_name).iterdir()):
            return {}
        with duckdb.connect() as connection:
            query = (
                "SELECT __op, count(*) FROM read_parquet(?, union_by_name = true)"
                " WHERE run = ? GROUP BY __op ORDER BY __op"
            )
            return dict(connection.execute(query, [f"{folder_name}/*.parquet", run]).fetchall())


STEPS = (
    Step(
        "end_to_end.kafka",
        "end_to_end",
        _kafka,
        "T9",
        (
            "kafka.captured",
            "kafka.<operation>",
            "kafka.exactly_once",
            "kafka.rollback",
            "kafka.latency",
            "kafka.cleaned",
        ),
        writes=True,
        along=("connectors",),
    ),
    Step(
        "end_to_end.parquet",
        "end_to_end",
        _parquet,
        "T10",
        (
            "parquet.archived",
            "parquet.hashes",
            "parquet.once",
            "parquet.none_lost",
            "parquet.none_invented",
            "parquet.<operation>",
            "parquet.hour",
            "type.<type>",
            "parquet.duckdb",
        ),
        writes=True,
        along=("archive",),
    ),
)
