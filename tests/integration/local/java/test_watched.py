# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The connector as the service `connectors` sees it in PostgreSQL: while it takes its first snapshot, and at rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
from cdc_pipeline.connectors.judge import Expected, Judge
from cdc_pipeline.connectors.observed import Connector as Reported
from cdc_pipeline.connectors.observed import Part, Seen, Source
from cdc_pipeline.connectors.source import read_source
from connector import Connector
from waiting import until

# As Kafka Connect has it all the while.
RUNS = {"cdc": Reported(Part("RUNNING"), {0: Part("RUNNING")})}


def until_seen(database: psycopg.Connection, good: Callable[[Source], Any]) -> Source:
    return until(lambda: read_source(database, "cdc"), good, 90, "the connector, as PostgreSQL shows it", 0.1)


def said_of(source: Source) -> list[str]:
    """What is said where it stays so for an hour."""
    judge = Judge(Expected(("cdc",), "cdc", "cdc"))
    for at in range(360):
        found = judge.see(Seen(at * 10.0, RUNS, source))
    return [each.state for each in found]


def test_a_snapshot_is_told_from_a_connector_that_stands_still(database: psycopg.Connection, connector: Connector):
    database.execute("CREATE TABLE big (id int PRIMARY KEY, t text)")
    database.execute("INSERT INTO big SELECT n, repeat('x', 200) FROM generate_series(1, 20000) n")
    connector.start(["public.big"])
    # The slot is active while it is being made.
    snapshot = until_seen(database, lambda source: source.snapshot and source.slot and not source.slot.active)
    assert said_of(snapshot) == []
    streams = until_seen(database, lambda source: source.slot and source.slot.active and source.snapshot is None)
    assert streams.slot and streams.slot.holder and streams.slot.holder.own, streams
    # None of its sessions is left in a transaction, and the server does not seem to decode: else no hang would be seen.
    looks = []
    for _look in range(20):
        looks.append(read_source(database, "cdc"))
        time.sleep(0.1)
    assert sum(look.snapshot is None and bool(look.slot) and not look.slot.decoding for look in looks) > 15, looks
    assert said_of(looks[-1]) == ["stuck"]


def test_a_connector_at_rest_leaves_kafka_alone(database: psycopg.Connection, connector: Connector):
    """It polls 20 times a second, and has a heartbeat twice a second."""
    database.execute("CREATE TABLE small (id int PRIMARY KEY)")
    database.execute("INSERT INTO small VALUES (1)")
    connector.start(["public.small"])
    until_seen(database, lambda source: source.slot and source.slot.active and source.snapshot is None)
    time.sleep(6)
    connector.stop()
    # One at the start, one at the end, one each second.
    assert 5 <= connector.offset_reads() <= 14
