"""Writes to the probe table and follows the changes into Kafka. Done once a run, however many checks want it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from cdc_pipeline.clients import topics
from cdc_pipeline.instance.context import Context
from cdc_pipeline.verify import probe_table
from cdc_pipeline.verify.avro_events import Decoder, Event
from cdc_pipeline.verify.tables import identifier

_ROWS = 14
# Ids that are kept apart from those of the rows.
_FLEETING, _ABORTED = 1000, 2000
_KAFKA_SECONDS = 20.0
# The first changes after a start are slow, whatever the pipeline is like: its JVMs compile meanwhile.
_TRIES = 4


@dataclass(frozen=True)
class Change:
    """A change that was committed in PostgreSQL; ``values`` are the row's afterwards, none for a delete."""

    operation: str
    id: int
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Probe:
    """What was written, and what of it was seen in Kafka.

    Attributes:
        run: the value of the column run in every row.
        begin: the end of each partition before the first change.
        rows_left: rows of this run in the table afterwards.
        seconds: from the last commit until its events could be consumed, of each try.
    """

    run: str
    topic: str
    changes: tuple[Change, ...]
    events: tuple[Event, ...]
    begin: topics.Partitions
    rows_left: int
    seconds: tuple[float, ...]

    def pairs(self) -> list[tuple[Change, Event]]:
        """Each change with its event: the n-th of a row with the n-th of its key. Unmatched ones are left out."""
        queues: dict[int, list[Event]] = {}
        for event in sorted(self.events, key=lambda each: (each.partition, each.offset)):
            queues.setdefault(event.value["id"], []).append(event)
        return [(change, queues[change.id].pop(0)) for change in self.changes if queues.get(change.id)]


def probe(context: Context) -> Probe:
    """The probe of this run; the first caller makes it, others wait for it."""
    return context.once("probe", lambda: _make(context))


def _make(context: Context) -> Probe:
    plan = context.plan
    topic = plan.topic(plan.expected.end_to_end.table)
    admin = context.kafka_admin
    begin = topics.ends(admin, topics.partitions_of(admin, [topic]))
    if not begin:
        raise LookupError(f"the topic {topic} does not exist: is {plan.expected.end_to_end.table} captured?")
    changes = write(context)
    seconds: list[float] = []
    while True:
        committed_at = time.monotonic()
        events = follow(context, begin, len(changes))
        seconds.append(time.monotonic() - committed_at)
        lost = len(events) < len(changes)
        if lost or seconds[-1] < plan.expected.end_to_end.kafka_seconds or len(seconds) == _TRIES:
            break
        changes += write_fleeting(context, _FLEETING + len(seconds))
    with context.postgresql() as connection:
        table = identifier(plan.expected.end_to_end.table)
        query = sql.SQL("SELECT count(*) FROM {} WHERE run = %s").format(table)
        row = connection.execute(query, (context.run,)).fetchone()
    return Probe(context.run, topic, tuple(changes), tuple(events), begin, row[0] if row else -1, tuple(seconds))


def write(context: Context) -> list[Change]:
    """Inserts, updates and deletes in several transactions, one of them rolled back; nothing stays.

    Raises:
        psycopg.Error: the table is not there or not as expected.
    """
    table = context.plan.expected.end_to_end.table
    rng = random.Random(context.run)
    rows = probe_table.rows(rng, _ROWS)
    with context.postgresql() as connection, connection.cursor() as cursor:
        writer = _Writer(cursor, table, context.run)
        # What an interrupted run left behind.
        cursor.execute(f"DELETE FROM {table} WHERE made < now() - interval '1 hour'")
        with connection.transaction():
            for id, values in enumerate(rows):
                writer.add(id, values)
        with connection.transaction():
            writer.change(0, rows[1])
            writer.change(1, rows[0])
            for id in (2, 3, _ROWS - 1):
                writer.change(id, probe_table.rows(rng, _ROWS)[-1])
        with connection.transaction(force_rollback=True):
            cursor.execute(probe_table.insert_sql(table), (context.run, _ABORTED, *rows[-1]))
        with connection.transaction():
            writer.fleeting(_FLEETING, rows[-1], rows[-2])
        with connection.transaction():
            for id in range(_ROWS):
                writer.remove(id)
    return writer.changes


def write_fleeting(context: Context, id: int) -> list[Change]:
    """One more row that comes, changes and goes in one transaction."""
    first, second = probe_table.rows(random.Random(f"{context.run} {id}"), _ROWS)[-2:]
    with context.postgresql() as connection, connection.cursor() as cursor, connection.transaction():
        writer = _Writer(cursor, context.plan.expected.end_to_end.table, context.run)
        writer.fleeting(id, first, second)
    return writer.changes


class _Writer:
    """Changes rows of a run, and keeps what PostgreSQL then had."""

    def __init__(self, cursor: psycopg.Cursor[Any], table: str, run: str) -> None:
        self.changes: list[Change] = []
        self._cursor = cursor
        self._run = run
        self._insert, self._update = probe_table.insert_sql(table), probe_table.update_sql(table)
        bound = table.replace("%", "%%")
        self._delete = f"DELETE FROM {bound} WHERE run = %s AND id = %s"

    def add(self, id: int, values: probe_table.Values) -> None:
        self._cursor.execute(self._insert, (self._run, id, *values))
        self.changes.append(Change("c", id, probe_table.kept(self._cursor.fetchone() or ())))

    def change(self, id: int, values: probe_table.Values) -> None:
        self._cursor.execute(self._update, (*values, self._run, id))
        self.changes.append(Change("u", id, probe_table.kept(self._cursor.fetchone() or ())))

    def remove(self, id: int) -> None:
        self._cursor.execute(self._delete, (self._run, id))
        self.changes.append(Change("d", id))

    def fleeting(self, id: int, first: probe_table.Values, second: probe_table.Values) -> None:
        self.add(id, first)
        self.change(id, second)
        self.remove(id)


def follow(context: Context, begin: topics.Partitions, count: int) -> list[Event]:
    """This run's events in Kafka: until there are ``count``, then to the end of every partition."""
    decoder = Decoder(context)
    consumer = context.kafka_consumer(enable_partition_eof=True, fetch_wait_max_ms=50)
    found: dict[tuple[int, int], Event] = {}
    deadline = time.monotonic() + _KAFKA_SECONDS
    try:
        at = dict(begin)
        while True:
            for message in topics.read(consumer, at, deadline - time.monotonic()):
                at[message.topic(), message.partition()] = message.offset() + 1
                event = decoder.event(message)
                if event is not None and event.value.get("run") == context.run:
                    found[event.partition, event.offset] = event
            if len(found) >= count or time.monotonic() >= deadline:
                return list(found.values())
    finally:
        consumer.close()
