"""A load test: load, follow, wait for the archive, read it back."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cdc_pipeline.clients import topics
from cdc_pipeline.instance.archive import flush
from cdc_pipeline.instance.context import Context
from cdc_pipeline.load import table
from cdc_pipeline.load.consumer import Follower
from cdc_pipeline.load.generator import Generator, Order, Sent, running
from cdc_pipeline.load.guard import RefusedError, lag_bound
from cdc_pipeline.load.ledger import Counts, Ledger
from cdc_pipeline.load.objects import Archived, read_back
from cdc_pipeline.load.sampler import Sample, Sampler

# The generator's process has to start, and its connections.
_LEAD_SECONDS = 3.0
# After the last commit: what the pipeline may take to catch up before what is missing counts as lost.
_DRAIN_SECONDS = 120.0
_PAUSE = 0.1
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """``rate``: events a second. ``warmup``: seconds of the same load before those of ``seconds``, counted apart.

    ``start``: what was started just before, a key of `parts.STARTS`.
    """

    rate: float
    seconds: float
    warmup: float
    size: int = 100
    table: str = table.TABLE
    start: str = "none"


@dataclass
class Result:
    """All that was measured; times are wall clock seconds.

    Attributes:
        sent: every transaction, those of the cold and of the warm part.
        consumed: when the last change was seen in Kafka.
        stopped: why the load ended early, or nothing.
        load_average: of the last minute before the load began.
        archived: None without the archive's service.
    """

    settings: Settings
    begin: float
    sent: list[Sent]
    consumed: float
    kafka: Ledger
    kafka_counts: Counts
    objects: Ledger
    objects_counts: Counts | None
    archived: Archived | None
    flushed: bool
    samples: list[Sample]
    load_average: float
    stopped: str = ""
    rates: dict[int, tuple[int, int]] = field(default_factory=dict)


def run(context: Context, settings: Settings, tell: Tell) -> Result:
    """
    Raises:
        RefusedError: the load's table is not captured, or the slot is behind already.
        GeneratorError: the load could not be made.
    """
    plan = context.plan
    topic = plan.topic(settings.table)
    most_lag = _prepare(context, settings.table)
    transactions = int(settings.rate * (settings.warmup + settings.seconds) / settings.size)
    load_average = os.getloadavg()[0]
    number = secrets.randbelow(2**31 - 1) + 1
    ledger = Ledger(transactions * settings.size, settings.size)
    follower, sampler = Follower(context, topic, number, ledger), Sampler(context)
    begin = time.time() + _LEAD_SECONDS
    database = plan.endpoints.postgresql
    order = Order(database, settings.table, number, begin, settings.rate, transactions, settings.size)
    follower.start()
    sampler.start()
    rates: dict[int, tuple[int, int]] = {}
    try:
        with running(order) as generator:
            stopped = _watch(generator, follower, sampler, ledger, settings, begin, most_lag, rates, tell)
            sent = generator.sent
        consumed = _drain(follower, ledger, sent, settings, rates, begin, tell)
        flushed = _await_archive(context, follower, tell) if plan.expected.archive.service else False
    finally:
        follower.stop()
        sampler.stop()
    archived, objects = None, Ledger(transactions * settings.size, settings.size)
    if plan.expected.archive.service:
        tell("reading the objects back")
        archived = read_back(context, topic, number, follower.begin, begin, time.time(), objects)
    _clean(context, settings.table)
    return Result(
        settings=settings,
        begin=begin,
        sent=sent,
        consumed=consumed,
        kafka=ledger,
        kafka_counts=ledger.counts(sent),
        objects=objects,
        objects_counts=objects.counts(sent) if archived else None,
        archived=archived,
        flushed=flushed,
        samples=sampler.samples,
        load_average=load_average,
        stopped=stopped,
        rates=rates,
    )


def _prepare(context: Context, name: str) -> int:
    """Makes the table; gives how far the slot may get behind, in bytes."""
    if context.plan.topic(name) not in context.plan.archived_topics:
        raise RefusedError(f"the table {name} is not captured: set cdc_load_table to it, and run the site again")
    with context.postgresql() as connection:
        connection.execute(table.ddl(name))
        row: Any = connection.execute(
            "SELECT setting::int FROM pg_settings WHERE name = 'max_slot_wal_keep_size'"
        ).fetchone()
        most = lag_bound(row[0])
        slot = context.plan.expected.postgresql.slot
        lag: Any = connection.execute(
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint FROM pg_replication_slots"
            " WHERE slot_name = %s",
            (slot,),
        ).fetchone()
    if lag is None:
        raise RefusedError(f"there is no replication slot {slot}: is the connector running?")
    if lag[0] is not None and lag[0] > most / 2:
        raise RefusedError(f"slot {slot} is {lag[0]} bytes behind already: let the connector catch up first")
    return most


def _watch(
    generator: Generator,
    follower: Follower,
    sampler: Sampler,
    ledger: Ledger,
    settings: Settings,
    begin: float,
    most_lag: int,
    rates: dict[int, tuple[int, int]],
    tell: Tell,
) -> str:
    """Waits for the generator's end; ends it early when the pipeline cannot keep up."""
    stopped = ""
    told = 0.0
    # However slow the database is: four times the time that was asked for is enough to know.
    deadline = begin + 4 * (settings.warmup + settings.seconds) + 60
    while not generator.ended:
        generator.look()
        now = time.time()
        rates[int(now - begin)] = (generator.count * settings.size, ledger.seen())
        lag = sampler.samples[-1].slot_lag
        reason = _reason(follower, lag, most_lag, now > deadline)
        if reason and not stopped:
            stopped = reason
            tell(f"ending early: {reason}")
            generator.stop()
        if now - told >= 10 and now > begin:
            told = now
            tell(f"{now - begin:4.0f} s: {generator.count * settings.size} sent, {ledger.seen()} in Kafka")
        time.sleep(_PAUSE)
    return stopped


def _reason(follower: Follower, lag: int | None, most_lag: int, late: bool) -> str:
    if follower.problem is not None:
        return f"the consumer failed: {follower.problem}"
    if lag is not None and lag > most_lag:
        return f"the slot is {lag} bytes behind; PostgreSQL would drop it at twice as much"
    return "the database is far too slow for this rate" if late else ""


def _drain(
    follower: Follower,
    ledger: Ledger,
    sent: list[Sent],
    settings: Settings,
    rates: dict[int, tuple[int, int]],
    begin: float,
    tell: Tell,
) -> float:
    """Waits until every committed change was seen; gives the time of that."""
    deadline = time.time() + _DRAIN_SECONDS
    tell(f"{len(sent) * settings.size} events sent; waiting for the last in Kafka")
    while ledger.seen() < len(sent) * settings.size and time.time() < deadline and follower.problem is None:
        time.sleep(_PAUSE / 2)
        rates[int(time.time() - begin)] = (len(sent) * settings.size, ledger.seen())
    at = time.time()
    # A duplicate may still follow.
    time.sleep(1.0)
    return at


def _await_archive(context: Context, follower: Follower, tell: Tell) -> bool:
    """Waits for the archive's own rule, so that its latencies are true. True if that failed and it was flushed."""
    archive = context.plan.expected.archive
    tell(f"waiting for the last objects (at most {archive.flush_seconds:.0f} s by the flush rule)")
    deadline = time.time() + archive.flush_seconds + 15

    def behind() -> bool:
        offsets = topics.committed(context.archive_group, follower.positions)
        return any(offsets.get(at, (0, ""))[0] < end for at, end in follower.positions.items() if end)

    while behind():
        if time.time() > deadline:
            tell("the archive is behind; flushing")
            flush(context)
            return True
        time.sleep(0.5)
    return False


def _clean(context: Context, name: str) -> None:
    with context.postgresql() as connection:
        connection.execute(f"TRUNCATE {name}")
