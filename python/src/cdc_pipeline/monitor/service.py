"""Three threads: one sends canaries, one awaits them, one looks at groups and partitions."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable

import psycopg
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from cdc_pipeline.clients import kafka, postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from cdc_pipeline.monitor.canary import Awaited
from cdc_pipeline.monitor.groups import Groups
from cdc_pipeline.monitor.metrics import Metrics
from cdc_pipeline.monitor.settings import Settings

LOGGER = logging.getLogger("cdc-monitor")
_APPLICATION = "cdc-monitor"
# A thread that has not come round for so long hangs.
_HANGS_SECONDS = 180.0
_EMIT = "SELECT pg_logical_emit_message(true, %s, %s)"
# A broker answers when a record is there, and after so long otherwise.
_WAIT_MILLISECONDS = 5000


class Service:
    """Runs until it is stopped."""

    def __init__(self, settings: Settings, database: PostgresqlEndpoint) -> None:
        self._settings, self._database = settings, database
        self.metrics = Metrics(time.time(), settings.canary.interval_seconds, settings.brokers)
        self._awaited = Awaited(secrets.token_hex(6))
        self._stopped = threading.Event()
        self._steps: dict[str, Callable[[], None]] = {"send": self._send, "read": self._receive, "look": self._look}
        # When each last came round, and what it failed with; None: it has not come round yet.
        self._rounds: dict[str, float] = dict.fromkeys(self._steps, time.monotonic())
        self._problems: dict[str, str | None] = dict.fromkeys(self._steps)
        # Whether the reader knows where the topic ends: a canary that was sent before would not be seen.
        self._reading = threading.Event()

    def start(self) -> None:
        for name, step in self._steps.items():
            threading.Thread(target=self._keep, args=(name, step), name=name, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def wait(self) -> None:
        """Until it is stopped."""
        self._stopped.wait()

    def alive(self) -> bool:
        """Whether no thread hangs."""
        return all(time.monotonic() - at < _HANGS_SECONDS for at in self._rounds.values())

    def not_ready(self) -> list[str]:
        """Why it has not seen everything yet, or does not see it any more; empty when it does."""
        return [
            f"{name}: {'not yet' if problem is None else problem}"
            for name, problem in self._problems.items()
            if problem != ""
        ]

    def _keep(self, name: str, step: Callable[[], None]) -> None:
        """Runs a step that continues for as long as nothing fails, again and again."""
        while not self._stopped.is_set():
            try:
                step()
            except (OSError, ValueError, psycopg.Error, KafkaException) as error:
                self._failed(name, error)
            self._stopped.wait(5.0)

    def _came_round(self, name: str) -> None:
        self._rounds[name] = time.monotonic()
        if self._problems[name]:
            LOGGER.info("works again", extra={"step": name})
        self._problems[name] = ""

    def _failed(self, name: str, error: Exception) -> None:
        self._rounds[name] = time.monotonic()
        self.metrics.failures.labels(name).inc()
        text = " ".join(str(error).split())
        if self._problems[name] != text:
            LOGGER.warning("failed", extra={"step": name, "reason": text})
        self._problems[name] = text
        if name == "look":
            self.metrics.show(None)

    def _send(self) -> None:
        canary = self._settings.canary
        with postgresql.connect(self._database, application_name=_APPLICATION) as connection:
            due = time.monotonic()
            while not self._stopped.is_set():
                if not self._reading.wait(1.0):
                    self._came_round("send")
                    continue
                number, content = self._awaited.next()
                try:
                    connection.execute(_EMIT, (canary.prefix, content))
                except BaseException:
                    self._awaited.dropped(number)
                    raise
                self._awaited.committed(number)
                self.metrics.sent.inc()
                self.metrics.overdue.set(self._awaited.overdue(3 * canary.interval_seconds))
                self._came_round("send")
                # What was late is not made up for.
                due = max(due + canary.interval_seconds, time.monotonic())
                self._stopped.wait(due - time.monotonic())

    def _receive(self) -> None:
        at = TopicPartition(self._settings.canary.topic, 0)
        reads = {
            "group.id": "cdc-monitor",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "latest",
            "fetch.wait.max.ms": _WAIT_MILLISECONDS,
            "queued.min.messages": 1,
        }
        reader = kafka.consumer(self._settings.kafka, reads, {"log_level": 3}, LOGGER)
        try:
            _low, at.offset = reader.get_watermark_offsets(at, timeout=10)
            reader.assign([at])
            self._reading.set()
            while not self._stopped.is_set():
                message = reader.poll(2.0)
                if message is not None:
                    error = message.error()
                    # A broker that is away: the client continues with the next one by itself.
                    if error is not None and not error.retriable() and error.code() != KafkaError._ALL_BROKERS_DOWN:
                        raise KafkaException(error)
                    self._arrived(message.value() if error is None else None)
                self._came_round("read")
        finally:
            reader.close()

    def _arrived(self, value: bytes | None) -> None:
        found = self._awaited.seen(value)
        if found is not None:
            delay, committed = found
            self.metrics.delay.observe(delay)
            self.metrics.seen.inc()
            self.metrics.committed.set(committed)

    def _look(self) -> None:
        groups = Groups(self._settings)
        while not self._stopped.is_set():
            self.metrics.show(groups.look())
            self._came_round("look")
            self._stopped.wait(self._settings.lag.interval_seconds)
