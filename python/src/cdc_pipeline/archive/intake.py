"""Records from the consumer into the partitions' plans, as far as there is memory for them."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from cdc_pipeline.archive import budget
from cdc_pipeline.archive.assignment import Assignment
from cdc_pipeline.archive.clients import Key
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.reading import Buffered, Reading
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.reporting import Report
from cdc_pipeline.archive.start_positions import StartPositions
from cdc_pipeline.archive.state import State
from cdc_pipeline.archive.transaction import headers_of

BATCH = 5000
POLL_SECONDS = 0.1
FULL_SECONDS = 0.02
"""Until it is looked again whether there is memory."""


class Intake:
    """Reads, and polls the group while nothing is read.

    Args:
        limit: bytes that may be buffered.
    """

    def __init__(
        self,
        consumer: Consumer,
        state: State,
        assignment: Assignment,
        positions: StartPositions,
        report: Report,
        limit: int,
    ) -> None:
        self._consumer = consumer
        self._state = state
        self._assignment = assignment
        self._positions = positions
        self._report = report
        self._limit = limit
        self._reading = Reading(limit)
        self._mean = 1
        self._ended = False

    def read(self, now: float) -> None:
        """One reading. ``now``: monotonic seconds."""
        if self._ended:
            self._assignment.pause(frozenset(self._state.owned))
        elif not self._make_room(now):
            time.sleep(FULL_SECONDS)
            return
        room = self._limit - self._state.buffered
        messages = self._consumer.consume(max(1, min(BATCH, room // self._mean)), POLL_SECONDS)
        if messages:
            self._take(messages, time.monotonic())

    def end(self) -> None:
        """Fetch no more; from now on, a reading polls the group."""
        self._ended = True
        self._assignment.pause(frozenset(self._state.owned))

    def _make_room(self, now: float) -> bool:
        """Bound what is buffered. Returns whether to read."""
        owned_by_key = self._state.owned
        parts = {key: Buffered(o.plan.size, o.wait is not None, o.plan.unsettled) for key, o in owned_by_key.items()}
        decision = self._reading.decide(parts, now)
        for key in decision.close:
            owned_by_key[key].plan.close()
        again = [owned_by_key[key] for key in decision.shorten if owned_by_key[key].plan.shorten()]
        for owned in again:
            owned.returned.again(owned.plan.read)
        if again:
            self._assignment.fetch()
        self._assignment.pause(decision.pause)
        return decision.poll

    def _take(self, messages: list[Message], now: float) -> None:
        runs: dict[Key, list[Message]] = {}
        for message in messages:
            if message.error() is not None:
                # In order with the records before it.
                key = (message.topic(), message.partition())
                if key in runs:
                    self._add(key, runs.pop(key), now)
                self._event(message)
                continue
            key = (message.topic(), message.partition())
            run = runs.get(key)
            if run is None:
                runs[key] = [message]
            else:
                run.append(message)
        for key, run in runs.items():
            self._add(key, run, now)

    def _add(self, key: Key, messages: list[Message], now: float) -> None:
        owned = self._state.owned.get(key)
        if owned is None:
            return
        offsets = [m.offset() for m in messages]
        owned.returned.note(offsets)
        values = [m.value() for m in messages]
        sizes = [len(v or b"") + len(m.key() or b"") for v, m in zip(values, messages, strict=True)]
        if any(headers := [headers_of(m) for m in messages]):
            sizes = [size + _size_of(h) for size, h in zip(sizes, headers, strict=True)]
        self._mean = budget.RECORD + sum(sizes) // len(sizes)
        owned.plan.add(Records(messages, values, offsets, [m.timestamp()[1] for m in messages], sizes), now)
        self._report.consumed(key[0], len(messages))

    def _event(self, message: Message) -> None:
        error = message.error()
        key = (message.topic(), message.partition())
        owned = self._state.owned.get(key)
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            if owned is not None:
                owned.plan.end(message.offset())
        elif code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            LOGGER.warning(
                "position is out of the log", extra={"topic": key[0], "partition": key[1], "reason": error.str()}
            )
            self._positions.again({key})
        elif error.fatal():
            raise KafkaException(error)
        elif code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION):
            LOGGER.debug("unknown topic", extra={"topic": key[0], "reason": error.str()})
        else:
            LOGGER.warning("Kafka says", extra={"topic": key[0], "reason": error.str()})


def _size_of(headers: list[tuple[str, bytes | None]] | None) -> int:
    """Bytes of a record's headers and the objects around them."""
    return sum([150 + len(name) + len(value or b"") for name, value in headers or ()])
