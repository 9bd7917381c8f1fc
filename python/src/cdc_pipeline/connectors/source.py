"""PostgreSQL's side: the slot, who reads it, and whether the first snapshot is being taken."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from cdc_pipeline.clients import postgresql
from cdc_pipeline.connectors.observed import Holder, Slot, Source
from cdc_pipeline.endpoints import PostgresqlEndpoint
from cdc_pipeline.trouble import plain

EVERY_SECONDS = 10.0
# What was seen longer ago says nothing of now.
_STALE_SECONDS = 30.0
_APPLICATION = "cdc-connectors"
# Debezium names its connections so: `Debezium Streaming` and others.
_DEBEZIUM = "Debezium%"

# Anybody may read it: of other roles' sessions it takes no more than their names. Within the first snapshot, Debezium's
# session holds one snapshot of PostgreSQL's (backend_xmin) all the time.
_LOOK = """
SELECT s.slot_name, s.active, s.wal_status, s.safe_wal_size,
       (s.confirmed_flush_lsn - '0/0')::bigint, (s.restart_lsn - '0/0')::bigint,
       (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0')::bigint,
       (SELECT nullif(setting::bigint, -1) * 1024 * 1024 FROM pg_settings WHERE name = 'max_slot_wal_keep_size'),
       s.active_pid, a.usename, a.application_name,
       a.usename = current_user AND a.application_name LIKE %(debezium)s,
       a.usename = current_user AND a.state = 'active' AND (a.wait_event_type IS NULL OR a.wait_event_type = 'IO'),
       (SELECT extract(epoch FROM min(b.xact_start))::float8 FROM pg_stat_activity b
        WHERE b.usename = current_user AND b.backend_type = 'client backend' AND b.backend_xmin IS NOT NULL
          AND b.application_name LIKE %(debezium)s)
FROM (VALUES (%(slot)s)) AS wanted (name)
LEFT JOIN pg_replication_slots s ON s.slot_name = wanted.name
LEFT JOIN pg_stat_activity a ON a.pid = s.active_pid
"""


def read_source(connection: psycopg.Connection[Any], slot: str) -> Source:
    """One look.

    Raises:
        psycopg.Error: PostgreSQL does not answer.
    """
    row = connection.execute(_LOOK, {"slot": slot, "debezium": _DEBEZIUM}).fetchone()
    assert row is not None
    name, active, status, safe, confirmed, kept, end, limit, pid, user, application, own, decoding, snapshot = row
    if name is None:
        return Source(None, end, limit, snapshot)
    holder = None if user is None else Holder(pid, user, application or "", bool(own))
    found = Slot(bool(active), status or "", confirmed, kept, safe, holder, bool(decoding))
    return Source(found, end, limit, snapshot)


class SourceWatch:
    """Looks in a thread of its own, since a server that hangs must not hold up who watches Kafka Connect.

    Args:
        where: with the role by which the connector signs in.
        every: seconds between two looks.
    """

    def __init__(
        self,
        where: PostgresqlEndpoint,
        slot: str,
        every: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._where, self._slot, self._every, self._clock = where, slot, every, clock
        self._ended = threading.Event()
        self._connection: psycopg.Connection[Any] | None = None
        self._latest: tuple[float, Source | None, str] = (clock(), None, "")

    def start(self) -> None:
        """Look until `stop`."""
        threading.Thread(target=self._run, name="source", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def latest(self) -> tuple[Source | None, str]:
        """What was seen last, or why nothing is; neither before the first look has ended."""
        at, source, problem = self._latest
        age = self._clock() - at
        if age > self._every + _STALE_SECONDS:
            return None, f"PostgreSQL has not answered for {age:.0f} s"
        return source, problem

    def _run(self) -> None:
        while not self._ended.is_set():
            self.look()
            self._ended.wait(self._every)

    def look(self) -> None:
        """Once. A connection is kept; what is wrong with it is seen by the next look with a new one."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            found = read_source(self._connection, self._slot)
            self._latest = (self._clock(), found, "")
        except (psycopg.Error, OSError) as error:
            self._close()
            self._latest = (self._clock(), None, plain(error, (self._where.password,)))

    def _connect(self) -> psycopg.Connection[Any]:
        # A network that swallows everything is noticed; a server must answer in time.
        patience = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15000}
        connection = postgresql.connect(self._where, application_name=_APPLICATION, **patience)
        connection.execute("SET statement_timeout = '10s'")
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
