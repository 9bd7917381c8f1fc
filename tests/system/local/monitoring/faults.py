# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Faults that are made at the real components of an instance, and of which alerts they are."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cdc_pipeline.cli.processes import supervisor_of
from occupied_slot import occupied
from signed_in import signed_in
from site_runs import COMES_BACK, Site
from waiting import until

# Longer than any workload's grace.
_STOPS = 60
# Seconds for which the store stands still, and then goes on. A probe gives up after less, but never twice in a row.
_STANDS_STILL, _GOES_ON = 8.0, 0.5
# Small, and where the node exporter looks.
_DISK, _DISK_MIB = Path("/var/lib/cdc-pipeline/watched-disk"), 64


@dataclass(frozen=True)
class Alert:
    """``labels``: of those that it has."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    def fits(self, labels: tuple[tuple[str, str], ...]) -> bool:
        return {("alertname", self.name), *self.labels.items()} <= set(labels)

    def __str__(self) -> str:
        return f"{self.name}{dict(self.labels)}"


@dataclass(frozen=True)
class Fault:
    """It is there within the context that ``made`` gives.

    Attributes:
        brings: what receivers are told of.
        besides: what they may be told of, too.
    """

    name: str
    made: Callable[[Site], AbstractContextManager[None]]
    brings: tuple[Alert, ...] = ()
    besides: tuple[Alert, ...] = ()


@contextmanager
def _down(replica: str, killed: bool, site: Site) -> Iterator[None]:
    """A process is killed or asked to stop, and the supervisor does not start it again."""
    supervisor = supervisor_of(site.home / "supervisor")
    if killed:
        os.kill(site.processes()[replica], signal.SIGKILL)

    def state() -> str:
        # Again and again: between its end and its next start, a process cannot be stopped.
        supervisor.stop(replica)
        return supervisor.processes()[replica].state

    until(state, "STOPPED".__eq__, _STOPS, f"{replica} has stopped")
    try:
        yield
    finally:
        supervisor.start(replica)
        until(site.processes, lambda running: replica in running, COMES_BACK, f"{replica} runs again", pause=1)


@contextmanager
def _slot_occupied(site: Site) -> Iterator[None]:
    """The connector's session is ended, and another client reads the slot before it comes back."""
    context = site.context()
    slot = context.plan.expected.postgresql.slot
    with context.postgresql() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = %s", (slot,)
        )
        with occupied(context):
            yield


@contextmanager
def _topic_poisoned(site: Site) -> Iterator[None]:
    """Somebody writes to a captured table's topic what is not Avro."""
    context = site.context()
    producer = context.kafka_producer()
    refused: list[str] = []
    for number in range(3):
        producer.produce(
            context.plan.topic("public.users"),
            b"not Avro",
            str(number).encode(),
            on_delivery=lambda error, _message: refused.append(str(error)) if error else None,
        )
    assert producer.flush(30) == 0 and not refused, refused
    yield


@contextmanager
def _store_slow(site: Site) -> Iterator[None]:
    """What the archive writes takes as long as the store stands still, again and again."""
    store = site.processes()["object-store-0"]
    over = threading.Event()

    def stand_still() -> None:
        while not over.is_set():
            os.kill(store, signal.SIGSTOP)
            try:
                # All that it has is written at that moment, and not by chance a moment later.
                written = flushes.submit(archive.post, "/flush?timeout=30")
                over.wait(_STANDS_STILL)
            finally:
                os.kill(store, signal.SIGCONT)
            written.result()
            over.wait(_GOES_ON)

    with signed_in(site.endpoints()["archive"]) as archive, ThreadPoolExecutor(2) as flushes:
        standing = flushes.submit(stand_still)
        try:
            yield
        finally:
            over.set()
            standing.result()


@contextmanager
def _disk_full(site: Site) -> Iterator[None]:
    """A file system of its own, since a full one of the pipeline's is another test (test_crashes.py of trouble)."""
    image = _DISK.with_suffix(".image")
    try:
        _DISK.mkdir()
        with open(image, "wb") as file:
            file.truncate(_DISK_MIB * 2**20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, _DISK], check=True)
        try:
            _fill(_DISK / "filler")
            yield
        finally:
            subprocess.run(["umount", "--lazy", _DISK], check=True)
    finally:
        image.unlink(missing_ok=True)
        _DISK.rmdir()


def _fill(path: Path) -> None:
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 2**20)
        except OSError:
            os.fsync(file.fileno())


def _component_down(replica: str) -> tuple[Alert, ...]:
    return (Alert("ComponentDown", {"replica": replica}),)


def _killed(name: str, replica: str) -> Fault:
    return Fault(name, partial(_down, replica, True), _component_down(replica))


def _stopped(name: str, replica: str) -> Fault:
    return Fault(name, partial(_down, replica, False), _component_down(replica))


BROKER_KILLED = _killed("broker killed", "kafka-1")
CONNECT_STOPPED = _stopped("Connect stopped", "kafka-connect-0")
ARCHIVE_STOPPED = _stopped("archive stopped", "archive-0")
STORE_STOPPED = _stopped("store stopped", "object-store-0")
SLOT_OCCUPIED = Fault("slot occupied", _slot_occupied, (Alert("ConnectorStuck", {"what": "slot"}),))
TOPIC_POISONED = Fault(
    "topic poisoned",
    _topic_poisoned,
    (Alert("ArchiveDeadLetters", {"topic": "postgres.public.users"}),),
    # Where the load is so small that three records are many of it.
    besides=(Alert("QualityLow"), Alert("QualityBudgetBurns")),
)
STORE_SLOW = Fault("store slow", _store_slow, (Alert("ObjectStoreSlow"),))
DISK_FULL = Fault("disk full", _disk_full, (Alert("DiskFull", {"mountpoint": str(_DISK)}),))
