# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A running pipeline that captures tables, and what it has archived of them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import yaml
from cases import Table, made, statement
from cdc_pipeline.clients import kafka, postgresql, s3
from cdc_pipeline.endpoints import KafkaEndpoint, ObjectStoreEndpoint, PostgresqlEndpoint
from confluent_kafka import OFFSET_BEGINNING, KafkaError, TopicPartition
from reading import Row, objects, views
from signed_in import signed_in
from site_runs import ROOT, Site
from waiting import until, wait

# Seconds until snapshots have come, until the last change has, and until all is archived.
_SNAPSHOTS, _CHANGES, _ARCHIVED = 60, 60, 45
# Written last: when it has come, all has.
_LAST = Table("lossless_last", ("CREATE TABLE {t} (id int PRIMARY KEY)",), after=("INSERT INTO {t} VALUES (1)",))
_ADDED = ("--tags", "connectors,archive")
# Values are looked at by these tests themselves.
_NEW = ("--skip-tags", "verify")
OBJECTS, VIEWS = "objects", "cdc sql"


@dataclass
class Archived:
    """Every row of the tables, by reader.

    Attributes:
        changes: by reader and table, in the order of partition and offset.
        current: what `cdc sql` shows as the rows as they are now, by table.
        expected: of each table, how many records Kafka has.
        said: what the run said that captured them, on one line.
        added: to a pipeline that ran already.
    """

    site: Site
    added: bool = True
    changes: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    current: dict[str, list[Row]] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    said: str = ""

    def rows(self, table: str, reader: str) -> list[Row]:
        """The table's changes. No record of it is missing, whatever became of it."""
        rows = self.changes[reader].get(table, [])
        assert len(rows) == self.expected[table], f"{self.expected[table]} records, {len(rows)} rows by {reader}"
        return rows

    def row(self, table: str, reader: str, op: str, **values: Any) -> Row:
        """The one change with these values."""
        rows = self.rows(table, reader)
        found = [r for r in rows if r.op == op and all(r.get(name) == value for name, value in values.items())]
        assert len(found) == 1, f"{op} {values}: {len(found)} of {len(rows)} rows"
        return found[0]


def captured(site: Site, tables: Iterable[Table], new: bool = False) -> Archived:
    """Make the tables, capture them, change them, and read what is archived of them.

    Args:
        new: only the instance's database is there yet, so that the connector's initial snapshot reads them.
    """
    every = [*tables, _LAST]
    archived = Archived(site, not new)
    with connected(site) as connection:
        _all(connection, every, lambda each: each.create)
        _all(connection, every, lambda each: each.before)
        names = [each.name for each in every]
        counts = {n: connection.execute(f"SELECT count(*) FROM public.{made(n)}").fetchone()[0] for n in names}
        archived.said = " ".join(capture(site, names, _NEW if new else _ADDED).split())
        # What is not there in time, here and below, the tests will miss.
        wait(lambda: all(n >= counts[name] for name, n in records(site, names).items()), bool, _SNAPSHOTS)
        _all(connection, every, lambda each: each.after)
    wait(lambda: records(site, [_LAST.name])[_LAST.name] > 0, bool, _CHANGES)
    archived.expected = records(site, names)
    where = ObjectStoreEndpoint(**site.endpoints()["object_store"])
    store = s3.store(where)
    folders = {name: _folder(where, name) for name in names}

    def all_archived() -> bool:
        _flush(site)
        archived.changes[OBJECTS] = {name: objects(store, folder) for name, folder in folders.items()}
        return {name: len(rows) for name, rows in archived.changes[OBJECTS].items()} == archived.expected

    wait(all_archived, bool, _ARCHIVED)
    if (site.home / "bin" / "cdc").exists():
        there = [name for name in names if archived.changes[OBJECTS][name]]
        changes = views(site.home, [f"SELECT * FROM {made(n)}_changes ORDER BY __partition, __offset" for n in there])
        archived.changes[VIEWS] = dict(zip(there, changes, strict=True))
        keyed = [each.name for each in every if each.keyed and each.name in there]
        now = views(site.home, [f"SELECT * FROM {made(n)}" for n in keyed])
        archived.current = dict(zip(keyed, now, strict=True))
    return archived


def restart(site: Site) -> None:
    """The connector begins new sessions."""
    query = "SELECT pid FROM pg_stat_replication WHERE state = 'streaming'"
    with connected(site) as connection:
        before = connection.execute(query).fetchall()
        with signed_in(site.endpoints()["kafka_connect"], "writer") as worker:
            worker.post("/connectors/postgres-cdc/restart?includeTasks=true").raise_for_status()
        until(lambda: connection.execute(query).fetchall(), lambda now: now and now != before, 60, "a new session")


def changed(archived: Archived, table: str, text: str) -> list[Row]:
    """The table's objects after a statement that makes one record more."""
    site = archived.site
    before = records(site, [table])[table]
    with connected(site) as connection:
        connection.execute(statement(text, table))
    until(lambda: records(site, [table])[table], lambda now: now > before, _CHANGES, text)
    where = ObjectStoreEndpoint(**site.endpoints()["object_store"])

    def read() -> list[Row]:
        _flush(site)
        return objects(s3.store(where), _folder(where, table))

    return until(read, lambda rows: len(rows) == before + 1, _ARCHIVED, text)


def remove(site: Site, tables: Iterable[Table]) -> None:
    """Let the tables go, and drop them."""
    capture(site, [])
    with connected(site) as connection:
        for each in [*tables, _LAST]:
            connection.execute(f"DROP TABLE IF EXISTS public.{each.made} CASCADE")
        _all(connection, list(tables), lambda each: each.drop)


def connected(site: Site) -> psycopg.Connection[Any]:
    """As the superuser, with settings under which literals mean what they say."""
    where = PostgresqlEndpoint(**site.endpoints()["postgresql"])
    return postgresql.connect(
        where, client_encoding="utf8", options="-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=postgres"
    )


def capture(site: Site, names: Iterable[str], options: Sequence[str] = _ADDED) -> str:
    """Has these tables captured beside those that every instance has."""
    shared = yaml.safe_load((ROOT / "roles/common/defaults/main/pipeline.yml").read_text())
    tables = [*shared["cdc_tables"], *(f"public.{made(name)}" for name in names)]
    return site.run(*options, cdc_tables=tables).must_succeed().output


def records(site: Site, names: Iterable[str]) -> dict[str, int]:
    """How many committed records each table's topic has; markers of transactions are none."""
    topics = {f"postgres.public.{made(name)}": name for name in names}
    settings = {"group.id": uuid.uuid4().hex, "enable.partition.eof": True, "fetch.wait.max.ms": 50}
    isolated = {"isolation.level": "read_committed", "enable.auto.commit": False}
    consumer = kafka.consumer(KafkaEndpoint(**site.endpoints()["kafka"]), {**settings, **isolated})
    try:
        known = consumer.list_topics(timeout=10).topics
        parts = [TopicPartition(t, p, OFFSET_BEGINNING) for t in topics if t in known for p in known[t].partitions]
        consumer.assign(parts)
        found, open_ = dict.fromkeys(topics.values(), 0), {(each.topic, each.partition) for each in parts}
        deadline = time.monotonic() + 30
        while open_:
            assert time.monotonic() < deadline, f"no end of {open_}"
            for message in consumer.consume(1000, timeout=1):
                if message.error() is None:
                    found[topics[message.topic()]] += 1
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    open_.discard((message.topic(), message.partition()))
        return found
    finally:
        consumer.close()


def _flush(site: Site) -> None:
    with signed_in(site.endpoints()["archive"]) as archive:
        archive.post("/flush?timeout=30")


def _folder(where: ObjectStoreEndpoint, table: str) -> str:
    return f"{where.prefix}/postgres.public.{made(table)}"


def _all(connection: psycopg.Connection[Any], tables: Iterable[Table], of: Callable[[Table], Iterable[str]]) -> None:
    for table in tables:
        for text in of(table):
            try:
                connection.execute(statement(text, table.name))
            except psycopg.Error as error:
                raise AssertionError(f"{table.name}: {text[:2000]}: {error}") from error
