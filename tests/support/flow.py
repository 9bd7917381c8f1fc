# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A steady trickle of changes through a fault, each of which must arrive once in Kafka and once in the archive.

cdc-load ends when its database does; this writer connects again, and asks whether what it had sent was committed.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import psycopg
from cdc_pipeline.instance.archive import flush, unarchived
from cdc_pipeline.instance.context import Context
from cdc_pipeline.load import table
from cdc_pipeline.load.consumer import Follower
from cdc_pipeline.load.generator import Sent
from cdc_pipeline.load.ledger import Ledger
from cdc_pipeline.load.objects import read_back
from psycopg import sql
from waiting import until

_SIZE = 10
_PAUSE = 0.1
_MOST = 20_000
# Until what was committed last is in Kafka, and in objects.
_KAFKA_SECONDS = 120.0
_ARCHIVE_SECONDS = 90.0
# In which what is left in Kafka is read.
_LOOK_SECONDS = 5.0


class Flow:
    """Writes in a thread of its own."""

    def __init__(self, context: Context, pause: float) -> None:
        self._context, self._pause = context, pause
        self._number = secrets.randbelow(2**31 - 1) + 1
        self._stop = threading.Event()
        self._sent: list[Sent] = []
        self._ledger = Ledger(_MOST * _SIZE, _SIZE)
        self._topic = context.plan.topic(table.TABLE)
        self._follower = Follower(context, self._topic, self._number, self._ledger)
        self._writer = threading.Thread(target=self._write, name="flow", daemon=True)
        self._began = time.time()
        self.interruptions = 0

    def start(self) -> None:
        with self._context.postgresql() as connection:
            connection.execute(table.ddl())
        self._follower.start()
        self._writer.start()
        # Until the first has come through, a fault would not meet a pipeline that works.
        until(self._came, lambda count: count >= 5 * _SIZE, 60, "the first changes are in Kafka")

    def _came(self) -> int:
        assert self._follower.problem is None, self._follower.problem
        return self._ledger.seen()

    def _write(self) -> None:
        connection: psycopg.Connection | None = None
        while not self._stop.wait(self._pause) and len(self._sent) < _MOST:
            number = len(self._sent)
            try:
                connection = connection or self._context.postgresql()
                started = time.time()
                if not self._is_there(connection, number):
                    each = table.transaction(number, _SIZE, writers=_MOST)
                    connection.execute(table.insert_sql(table.TABLE), table.insert_arguments(self._number, each))
                self._sent.append(Sent(number, started, started, time.time()))
            except psycopg.Error:
                self.interruptions += 1
                if connection is not None:
                    connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _is_there(self, connection: psycopg.Connection, number: int) -> bool:
        """Whether a transaction that had no answer was committed nevertheless."""
        query = sql.SQL("SELECT count(*) FROM {} WHERE run = %s AND id = %s").format(
            sql.Identifier(*table.TABLE.split("."))
        )
        row = connection.execute(query, (self._number, number * _SIZE)).fetchone()
        return row is not None and row[0] == 1

    def moved(self, context: Context) -> None:
        """The pipeline is reached in another way by now: all that was written is read again."""
        begin = self._follower.begin
        self._follower.stop()
        self._context, self._ledger = context, Ledger(_MOST * _SIZE, _SIZE)
        self._follower = Follower(context, self._topic, self._number, self._ledger)
        self._follower.begin, self._follower.positions = begin, dict(begin)
        self._follower.start()

    def through(self, since: float) -> bool:
        """Whether a change that was made after ``since``, wall clock, is in Kafka."""
        return any(self._ledger.latencies([each]) for each in list(self._sent) if each.started > since)

    def longest_silence(self, since: float) -> float:
        """Seconds between two arrivals in Kafka, at most, from ``since`` on."""
        sent = list(self._sent)
        times = sorted(each.committed + seconds for each in sent for seconds in self._ledger.latencies([each]))
        times = [since, *(each for each in times if each > since)]
        return max((later - earlier for earlier, later in pairwise(times)), default=0.0)

    def stop(self) -> None:
        self._stop.set()
        self._writer.join(30)
        self._follower.stop()

    def arrived(self) -> None:
        """Every change that was committed is in Kafka and in the archive, each once."""
        before = len(self._sent)
        until(lambda: len(self._sent), lambda count: count >= before + 5, 60, "changes are made again")
        self.rest()
        if self._context.plan.expected.archive.service:
            flush(self._context)
            self.archived(_ARCHIVE_SECONDS)

    def rest(self) -> None:
        """No more changes are made; every one that was committed is in Kafka once."""
        self._stop.set()
        self._writer.join(30)
        wanted = len(self._sent) * _SIZE
        until(self._ledger.seen, lambda count: count >= wanted, _KAFKA_SECONDS, f"{wanted} changes in Kafka")
        # A duplicate would follow.
        time.sleep(1)
        assert self._follower.problem is None, self._follower.problem
        kafka = self._ledger.counts(self._sent)
        assert (kafka.lost, kafka.duplicates, self._ledger.strange) == (0, 0, 0), kafka
        print(f"Kafka: {kafka}; the writer was interrupted {self.interruptions} times")

    def buffered(self) -> int:
        """Records at rest in Kafka that the archive has not written and committed at this moment."""
        return sum(unarchived(self._context, dict(self._follower.positions), _LOOK_SECONDS).values())

    def archived(self, seconds: float) -> None:
        """In time, the archive has committed all that is at rest in Kafka, and objects hold it once."""
        ends = dict(self._follower.positions)
        until(lambda: unarchived(self._context, ends, _LOOK_SECONDS), lambda left: not left, seconds, "all is archived")
        ledger = Ledger(_MOST * _SIZE, _SIZE)
        found = read_back(
            self._context, self._topic, self._number, self._follower.begin, self._began, time.time(), ledger
        )
        objects = ledger.counts(self._sent)
        assert (objects.lost, objects.duplicates, found.doubled) == (0, 0, 0), objects
        print(f"archive: {objects} in {found.tiles} tiles")

    def clean(self) -> None:
        try:
            with self._context.postgresql() as connection:
                connection.execute(
                    sql.SQL("DELETE FROM {} WHERE run = %s").format(sql.Identifier(*table.TABLE.split("."))),
                    (self._number,),
                )
        except psycopg.Error:
            # The test has failed for that reason, then.
            pass


@contextmanager
def flowing(context: Context, pause: float = _PAUSE) -> Iterator[Flow]:
    """``pause``: seconds from one transaction of ten changes to the next."""
    flow = Flow(context, pause)
    flow.start()
    try:
        yield flow
    finally:
        flow.stop()
        flow.clean()
