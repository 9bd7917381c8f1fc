# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What follows from the largest row: every limit of bytes on its way, and how Kafka Connect divides its memory.

Bytes everywhere. docs/sizes.md explains it for users.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

KIB = 1024
MIB = 1024 * KIB
LEAST_ROW, MOST_ROW = MIB, 256 * MIB
"""What `cdc_max_row_bytes` may be. A key alone stays below the least: an index takes no entry above a third of a page,
compressed, which are at most 700 kB. Above the most, one row alone takes gibibytes in several processes."""

_SEGMENT = 128 * MIB
_REQUEST = 100 * MIB
_FETCH_RESPONSE = 10 * MIB

CACHE = 128 * MIB
"""Of each JVM, outside of its heap: its ahead-of-time cache, a file of 84 to 129 MB that is mapped. Java moves
it to a random address, so that most of it is the process's own."""

# Of Kafka Connect's memory.
_HEAP = 0.75
"""Of what the cache leaves."""
_BASE = 160 * MIB
"""Of the heap: classes, plugins, schemas, clients, and what the collector needs to move objects."""
_WORK = 8
"""Of one row while it is converted: the message of the log with the old row and the new, their texts, the Avro bytes as
they grow, twice."""
_LEAST_QUEUE, _MOST_QUEUE = 8 * MIB, 256 * MIB
_MOST_PRODUCER = 128 * MIB
_SINK_FETCHES = 4
"""Of a sink connector: one fetch of each of three brokers, and the one that is being converted."""
_LEAST_SNAPSHOT_ROWS, _MOST_SNAPSHOT_ROWS = 2, 1025
"""Debezium's default of an incremental snapshot is 1024, and the driver asks for one more: see `snapshot_rows`."""
_SNAPSHOT_COPIES = 3
"""Of the rows that a snapshot reads at a time: as the driver got them, where a bytea has two bytes a byte, and read."""

# Of a broker's memory.
_BROKER_BASE = 128 * MIB
_BROKER_BATCHES = 8
"""On the heap: five requests that one producer may have under way, two responses to followers, one more."""
_BROKER_NATIVE = 128 * MIB
_BROKER_BUFFERS = 4
"""Outside of the heap: a buffer as large as a request for each thread that reads or copies."""


@dataclass(frozen=True)
class RecordSizes:
    """Each is larger than what must fit into it.

    :param row: most of a row in Avro with its key. Of a larger one the largest columns are cut.
    :param record: what a producer sends: the row, what the transformation cannot cut (key columns, names of columns),
        and Debezium's own fields. The producer looks at it before it compresses.
    :param batch: what a topic of a captured table takes: the record, were it to grow when it is compressed.
    :param dead_letter: a batch with the headers that say why. The brokers take and copy as much of any topic.
    :param request: what a broker reads at once: a dead letter with the request around it.
    :param response: what a client accepts from a broker at once.
    :param fetch_response: what a follower asks for at once.
    :param segment: of a log; a batch has to fit into one.
    """

    row: int
    record: int
    batch: int
    dead_letter: int
    request: int
    response: int
    fetch_response: int
    segment: int

    @classmethod
    def of(cls, row: int) -> RecordSizes:
        """By the largest row."""
        record = row + MIB
        batch = record + MIB
        dead_letter = batch + MIB
        request = max(_REQUEST, dead_letter + MIB)
        return cls(
            row,
            record,
            batch,
            dead_letter,
            request,
            response=request + MIB,
            fetch_response=max(_FETCH_RESPONSE, dead_letter),
            segment=max(_SEGMENT, dead_letter),
        )

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True)
class ConnectSizes:
    """How a worker of Kafka Connect divides its heap, and which part each setting of the connector bounds.

    :param heap: what there is.
    :param base: what it needs without any row.
    :param work: one row on its way through.
    :param sinks: what sink connectors fetch.
    :param queue: Debezium's queue. It counts twice, since a batch is sent while the queue fills again.
    :param producer: records that the brokers have not confirmed.
    :param snapshot_rows: rows that the driver asks for at a time. A chunk of an incremental snapshot has as many bytes
        as these rows, were all of them as large as a row may be.
    :param snapshot: what they take, were all of them as large as a row may be.
    """

    heap: int
    base: int
    work: int
    sinks: int
    queue: int
    producer: int
    snapshot_rows: int
    snapshot: int

    @classmethod
    def of(cls, limit: int, row: int, sinks: bool = False) -> ConnectSizes:
        """By a worker's limit of memory and the largest row. Where the limit is too small, `needed` is above `heap`."""
        sizes = RecordSizes.of(row)
        heap, work = int(max(0, limit - CACHE) * _HEAP), _WORK * row
        fetched = _SINK_FETCHES * sizes.batch if sinks else 0
        rest = max(0, heap - _BASE - work - fetched)
        producer = max(sizes.record + MIB, min(rest // 8, _MOST_PRODUCER))
        spare = (rest - producer - _LEAST_SNAPSHOT_ROWS * _SNAPSHOT_COPIES * row) // 2
        queue = min(max(min(rest // 8, spare), _LEAST_QUEUE), _MOST_QUEUE)
        for_rows = max(0, rest - producer - 2 * queue) // _SNAPSHOT_COPIES
        rows = min(max(for_rows // row, _LEAST_SNAPSHOT_ROWS), _MOST_SNAPSHOT_ROWS)
        return cls(heap, _BASE, work, fetched, queue, producer, rows, _SNAPSHOT_COPIES * rows * row)

    @property
    def needed(self) -> int:
        """Of the heap, all in all."""
        return self.base + self.work + self.sinks + 2 * self.queue + self.producer + self.snapshot

    def to_dict(self) -> dict[str, int]:
        return asdict(self) | {"needed": self.needed}


def least_connect_limit(row: int, sinks: bool = False) -> int:
    """The smallest limit of a worker's memory, in whole mebibytes, with which rows of that size fit."""
    sizes = RecordSizes.of(row)
    fetched = _SINK_FETCHES * sizes.batch if sinks else 0
    heap = (
        _BASE
        + (_WORK + _LEAST_SNAPSHOT_ROWS * _SNAPSHOT_COPIES) * row
        + fetched
        + sizes.record
        + MIB
        + 2 * _LEAST_QUEUE
    )
    return -(-int(heap / _HEAP) // MIB) * MIB + MIB + CACHE


def broker_heap(row: int) -> int:
    """What a broker's heap has to hold."""
    return _BROKER_BASE + _BROKER_BATCHES * RecordSizes.of(row).batch


def broker_limit(heap: int, row: int) -> int:
    """What a broker's limit of memory has to hold beside a heap."""
    return heap + CACHE + _BROKER_NATIVE + _BROKER_BUFFERS * RecordSizes.of(row).batch


def topic_segment(storage: int, replicas: int, row: int) -> int:
    """A segment of a captured table's topic. The newest of a partition cannot be deleted, so all of them take at most a
    quarter of a broker's storage, as far as a record still fits into one. A power of two otherwise, so that one more
    table changes no other's.

    :param storage: bytes of one broker.
    :param replicas: of such partitions, on one broker.
    """
    batch = RecordSizes.of(row).batch
    share = max(1, storage // 4 // max(replicas, 1))
    return max(batch, min(1 << (share.bit_length() - 1), _SEGMENT))
