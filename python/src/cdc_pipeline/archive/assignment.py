"""The partitions that the group gives this instance and takes away, and what is fetched of them."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaException, TopicPartition

from cdc_pipeline.archive.clients import Key
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.state import State


class Assignment:
    """Tells the state what the group said, and librdkafka what to fetch.

    The group's callbacks run in the loop's thread: a commit cannot happen after a partition was given away.

    Args:
        limit: bytes that may be buffered, for the log.
    """

    def __init__(self, consumer: Consumer, state: State, metrics: Metrics, limit: int) -> None:
        self._consumer = consumer
        self._state = state
        self._metrics = metrics
        self._limit = limit
        self.paused: frozenset[Key] = frozenset()

    def subscribe(self, topics: list[str]) -> None:
        """Join the group."""
        self._consumer.subscribe(topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost)

    def fetch(self) -> None:
        """Tell librdkafka what to fetch: the owned partitions, each from where it was read up to."""
        owned = self._state.owned
        self._consumer.assign([TopicPartition(t, p, o.plan.read) for (t, p), o in owned.items()])
        paused, self.paused = self.paused, frozenset()
        self.pause(paused & owned.keys())

    def pause(self, wanted: frozenset[Key]) -> None:
        """Fetch nothing of these partitions, and of the others again."""
        if wanted == self.paused:
            return
        try:
            if more := wanted - self.paused:
                self._consumer.pause([TopicPartition(t, p) for t, p in more])
            if less := (self.paused - wanted) & self._state.owned.keys():
                self._consumer.resume([TopicPartition(t, p) for t, p in less])
        except KafkaException as error:
            LOGGER.warning("cannot pause or resume", extra={"reason": str(error)})
            return
        if bool(wanted) != bool(self.paused):
            extra = {"partitions": len(wanted), "buffered": self._state.buffered, "limit": self._limit}
            LOGGER.warning("reading is paused" if wanted else "reading continues", extra=extra)
        self.paused = wanted
        self._metrics.paused.set(bool(wanted))

    def end_of(self, key: Key) -> int:
        """The end of a partition's log as of the last answer to a fetch."""
        return self._consumer.get_watermark_offsets(TopicPartition(*key), cached=True)[1]

    # --- callbacks

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._drop()
        state = self._state
        state.joined = True
        state.assigned = {(tp.topic, tp.partition) for tp in partitions}
        state.resolving = set(state.assigned)
        state.resolve_due = 0.0
        self._metrics.rebalances.inc()
        self._metrics.assigned.set(len(state.assigned))
        consumer.assign([])
        LOGGER.info("assigned", extra={"partitions": len(partitions), "generation": state.generation})

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._drop()
        consumer.unassign()
        LOGGER.info("revoked", extra={"partitions": len(partitions)})

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._drop()
        consumer.unassign()
        LOGGER.warning("lost", extra={"partitions": len(partitions)})

    def _drop(self) -> None:
        self._state.generation += 1
        for topic, partition in self._state.assigned:
            self._metrics.forget(topic, partition)
        self._state.drop()
        self._metrics.assigned.set(0)
