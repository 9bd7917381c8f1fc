# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The connector as the service `connectors` sees it in PostgreSQL: at its snapshot, at rest, and when it hangs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import psycopg
from cdc_pipeline.connectors.judge import Expected, Judge
from cdc_pipeline.connectors.observed import Connector as Reported
from cdc_pipeline.connectors.observed import Part, Seen, Source
from cdc_pipeline.connectors.source import read_source
from connector import Connector

# As Kafka Connect has it all the while.
RUNS = {"cdc": Reported(Part("RUNNING"), {0: Part("RUNNING")})}


def until(database: psycopg.Connection, good: Callable[[Source], Any], seconds: float = 180) -> Source:
    end = time.monotonic() + seconds
    while not good(found := read_source(database, "cdc")):
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def confirmed(source: Source) -> int:
    return (source.slot and source.slot.confirmed) or 0


def said(looks: list[Source]) -> list[str]:
    """What is said after these looks, the last of which lasts for ten minutes."""
    judge = Judge(Expected(("cdc",), "cdc", "cdc"))
    for at, source in enumerate([*looks, *[looks[-1]] * 60]):
        found = judge.see(Seen(at * 10.0, RUNS, source))
    return [each.state for each in found]


def test_what_is_seen_of_it(database: psycopg.Connection, connector: Connector):
    database.execute("CREATE TABLE big (id int PRIMARY KEY, t text)")
    database.execute("INSERT INTO big SELECT n, repeat('x', 200) FROM generate_series(1, 50000) n")
    connector.start(["public.big"])
    snapshot = until(database, lambda source: source.snapshot is not None)
    assert said([snapshot]) == [], "nobody reads the slot meanwhile"
    streams = until(database, lambda source: source.slot and source.slot.active and source.snapshot is None)
    assert streams.slot and streams.slot.holder and streams.slot.holder.own, streams
    # Nothing happens in the database but the connector's own heartbeat.
    moves = [until(database, lambda source: confirmed(source) > confirmed(streams))]
    moves += [until(database, lambda source: confirmed(source) > confirmed(moves[0]))]
    assert moves[-1].snapshot is None
    connector.process.send_signal(signal.SIGSTOP)
    try:
        database.execute("INSERT INTO big VALUES (0)")
        hung = until(database, lambda source: source.slot and not source.slot.decoding)
        time.sleep(3)
        still = until(database, lambda source: source.slot and not source.slot.decoding)
        assert confirmed(still) == confirmed(hung) < still.end and still.slot.active
        assert said([*moves, still]) == ["stuck"]
    finally:
        connector.process.send_signal(signal.SIGCONT)
    until(database, lambda source: confirmed(source) > still.end)
