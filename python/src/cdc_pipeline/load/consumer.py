"""A committed reader of the load's topic that notes when each change could be consumed."""

from __future__ import annotations

import threading
import time
from typing import Any

from confluent_kafka import TopicPartition

from cdc_pipeline.clients import topics
from cdc_pipeline.instance.context import Context
from cdc_pipeline.load.events import Reader
from cdc_pipeline.load.ledger import Ledger


class Follower:
    """Consumes in a thread of its own, from the topic's end on.

    Attributes:
        begin: the end of each partition before the load.
        positions: offset after the last record of each partition.
        problem: what ended it early.
    """

    def __init__(self, context: Context, topic: str, run: int, ledger: Ledger) -> None:
        self._context, self._run_number, self._ledger = context, run, ledger
        admin = context.kafka_admin
        self.begin = topics.ends(admin, topics.partitions_of(admin, [topic]))
        if not self.begin:
            raise LookupError(f"the topic {topic} does not exist: is the load's table captured?")
        self.positions = dict(self.begin)
        self.problem: Exception | None = None
        self._reader = Reader(self._schema)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        # Small waits: the broker answers as soon as there is a byte.
        consumer = self._context.kafka_consumer(fetch_wait_max_ms=20, fetch_min_bytes=1, queued_min_messages=20000)
        try:
            consumer.assign([TopicPartition(topic, at, offset) for (topic, at), offset in self.begin.items()])
            while not self._stop.is_set():
                # The first record is waited for, what is there besides comes along.
                first = consumer.poll(0.2)
                if first is not None:
                    self._take([first, *consumer.consume(2000, 0)])
        except Exception as error:  # The main thread reports it.
            self.problem = error
        finally:
            consumer.close()

    def _take(self, messages: list[Any]) -> None:
        now = time.time()
        numbers = []
        for message in messages:
            if message.error() is not None:
                continue
            self.positions[message.topic(), message.partition()] = message.offset() + 1
            value = message.value()
            if value is not None:
                run, seq = self._reader(value)
                if run == self._run_number:
                    numbers.append(seq)
        self._ledger.see(numbers, now)

    def _schema(self, number: int) -> str:
        answer = self._context.schema_registry.get(f"/schemas/ids/{number}")
        return str(answer.raise_for_status().json()["schema"])
