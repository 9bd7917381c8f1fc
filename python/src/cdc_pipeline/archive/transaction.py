"""One Kafka transaction: the rejected records to their dead letter topics, and the offsets after their tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from cdc_pipeline.archive.errors import ArchiveError
from cdc_pipeline.archive.limit import limit
from cdc_pipeline.archive.tile import Footer, Rejection, Source

TIMEOUT_SECONDS = 10.0
ATTEMPTS = 3
SEND_SECONDS = 3 * TIMEOUT_SECONDS
"""The most that sending offsets may take. librdkafka keeps no time-out while it looks for the group's coordinator; it
comes back when a connection does or goes (`clients.producer`)."""


class FencedError(ArchiveError):
    """The producer can do nothing any more, mostly because another process uses its transactional id."""


class AbortedError(ArchiveError):
    """The transaction did not happen; it may be tried again, unless the group gave the partitions away meanwhile."""


class RefusedRecordError(AbortedError):
    """The transaction did not happen because a dead letter topic does not take a record."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One partition's part: the offset to commit, its metadata, and the messages to send to its dead letter topic."""

    source: Source
    next: int
    metadata: str
    rejected: tuple[tuple[Rejection, Any], ...] = ()
    contract_version: str | None = None
    leader_epoch: int | None = None
    """Of the last record before ``next``: by it, a reader notices a log that was truncated and grew again."""


class Committer:
    """Commits entries of many partitions at once.

    Args:
        group: used for its membership: the brokers refuse offsets of a generation that has passed.
        name: what the dead letter records give as the connector's name.
    """

    def __init__(self, producer: Producer, group: Consumer, name: str, dlq_suffix: str) -> None:
        self._producer = producer
        self._group = group
        self._name = name
        self._suffix = dlq_suffix

    def start(self) -> None:
        """Fence a predecessor and end its open transaction.

        Raises:
            FencedError, AbortedError: see there.
        """
        self._call(lambda: self._producer.init_transactions(TIMEOUT_SECONDS))

    def commit(self, entries: list[Entry]) -> None:
        """All entries, or none.

        Raises:
            FencedError, AbortedError, RefusedRecordError: see there.
        """
        failed: list[KafkaError] = []
        self._call(self._producer.begin_transaction)
        try:
            for entry in entries:
                for rejection, message in entry.rejected:
                    self._send(entry, rejection, message, failed)
            offsets = [_offset(entry) for entry in entries]
            member = self._group.consumer_group_metadata()
            self._call(lambda: self._send_offsets(offsets, member))
            self._call(lambda: self._producer.commit_transaction(TIMEOUT_SECONDS))
        except AbortedError as error:
            self._call(lambda: self._producer.abort_transaction(TIMEOUT_SECONDS))
            if failed:
                raise RefusedRecordError(f"a dead letter record was refused: {failed[0].str()}") from error
            raise
        except KafkaException as error:
            self._call(lambda: self._producer.abort_transaction(TIMEOUT_SECONDS))
            raise RefusedRecordError(f"a dead letter record was refused: {error.args[0].str()}") from error

    def _send_offsets(self, offsets: list[TopicPartition], member: Any) -> None:
        with limit(SEND_SECONDS, "sending offsets to the transaction"):
            self._producer.send_offsets_to_transaction(offsets, member, TIMEOUT_SECONDS)

    def _send(self, entry: Entry, rejection: Rejection, message: Any, failed: list[KafkaError]) -> None:
        def delivered(error: KafkaError | None, _: Any) -> None:
            if error is not None:
                failed.append(error)

        topic = entry.source.topic + self._suffix
        headers = [*(headers_of(message) or []), *self._headers(entry, rejection)]
        arguments = {"value": message.value(), "key": message.key(), "headers": headers, "on_delivery": delivered}
        try:
            self._producer.produce(topic, **arguments)
        except BufferError:  # so many of them are not copied at once
            self._producer.flush(TIMEOUT_SECONDS)
            try:
                self._producer.produce(topic, **arguments)
            except BufferError as error:
                raise KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)) from error

    def _headers(self, entry: Entry, rejection: Rejection) -> list[tuple[str, bytes]]:
        """Those of Kafka Connect's DeadLetterQueueReporter, then ours."""
        values = {
            "__connect.errors.topic": entry.source.topic,
            "__connect.errors.partition": str(entry.source.partition),
            "__connect.errors.offset": str(rejection.offset),
            "__connect.errors.connector.name": self._name,
            "__connect.errors.task.id": str(entry.source.partition),
            "__connect.errors.stage": "VALUE_CONVERTER",
            "__connect.errors.class.name": "cdc_pipeline.archive",
            "__connect.errors.exception.class.name": rejection.rule,
            "__connect.errors.exception.message": rejection.reason,
            "__connect.errors.exception.stacktrace": "",
            "__cdc.errors.topic.id": entry.source.topic_id,
            "__cdc.errors.rule": rejection.rule,
            "__cdc.errors.contract.version": entry.contract_version or "",
        }
        return [(k, v.encode(errors="replace")) for k, v in values.items()]

    @staticmethod
    def _call(step: Any) -> None:
        for attempt in range(ATTEMPTS):
            try:
                step()
            except KafkaException as error:
                cause = error.args[0]
                if cause.retriable() and attempt < ATTEMPTS - 1:
                    continue
                if cause.fatal() or cause.code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED):
                    raise FencedError(f"the transactional producer ended: {cause.str()}") from error
                if cause.txn_requires_abort() or cause.retriable():
                    raise AbortedError(cause.str()) from error
                raise FencedError(f"the transactional producer failed: {cause.str()}") from error
            return


def headers_of(message: Any) -> list[tuple[str, bytes | None]] | None:
    """A record's headers; None where it has none, or names that are no UTF-8, which the client cannot return."""
    try:
        return message.headers()
    except (UnicodeError, SystemError):
        return None


def _offset(entry: Entry) -> TopicPartition:
    epoch = -1 if entry.leader_epoch is None else entry.leader_epoch
    return TopicPartition(entry.source.topic, entry.source.partition, entry.next, entry.metadata, leader_epoch=epoch)


def entry_of(source: Source, footer: Footer, metadata: str, rejected: tuple[tuple[Rejection, Any], ...]) -> Entry:
    """The entry of a tile that exists."""
    return Entry(source, footer.next, metadata, rejected, footer.contract_version, footer.leader_epoch)
