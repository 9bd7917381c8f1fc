"""CPU time and memory of each component's processes, and how far the slot is behind, over a run."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg

from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.host_servers import HostMeter

_SECONDS = 2.0
OWN = "load_test"


@dataclass(frozen=True)
class Sample:
    """At ``time``, wall clock: seconds of CPU time since the process began, and bytes, by component.

    ``slot_lag``: bytes of WAL that the connector has not confirmed; None where it cannot be read.
    """

    time: float
    cpu: Mapping[str, float]
    memory: Mapping[str, int]
    slot_lag: int | None


class Sampler:
    """Samples in a thread of its own."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._meters = (context.servers.meter(), HostMeter({OWN: [os.getpid()]}))
        self.samples: list[Sample] = []

    def start(self) -> None:
        self.samples.append(self.take())
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        self.samples.append(self.take())

    def _run(self) -> None:
        while not self._stop.wait(_SECONDS):
            self.samples.append(self.take())

    def take(self) -> Sample:
        """A sample of now."""
        used = {name: usage for meter in self._meters for name, usage in meter.take().items()}
        cpu = {name: usage.cpu for name, usage in used.items()}
        memory = {name: usage.memory for name, usage in used.items()}
        return Sample(time.time(), cpu, memory, self._slot_lag())

    def _slot_lag(self) -> int | None:
        slot = self._context.plan.expected.postgresql.slot
        try:
            with self._context.postgresql() as connection:
                row = connection.execute(
                    "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint"
                    " FROM pg_replication_slots WHERE slot_name = %s",
                    (slot,),
                ).fetchone()
        except psycopg.Error:
            return None
        return int(row[0]) if row and row[0] is not None else None


def between(samples: Sequence[Sample], begin: float, end: float) -> tuple[Sample, Sample]:
    """The samples nearest to two moments."""
    return min(samples, key=lambda each: abs(each.time - begin)), min(samples, key=lambda each: abs(each.time - end))


def used(first: Sample, last: Sample) -> dict[str, float]:
    """Seconds of CPU time of each component between two samples.

    A process that ended in between takes its time with it; its component then shows less.
    """
    return {name: max(0.0, last.cpu[name] - first.cpu[name]) for name in last.cpu if name in first.cpu}


def peaks(samples: list[Sample]) -> dict[str, int]:
    """The most memory that each component was seen with, in bytes."""
    return {name: max(each.memory.get(name, 0) for each in samples) for name in samples[-1].memory}
