"""An operator's word that records are lost: an empty tile over the offsets that neither log nor archive have."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from confluent_kafka import Consumer, KafkaException, TopicPartition

from cdc_pipeline.archive import parquet, seen, tile
from cdc_pipeline.archive.clients import Cluster, one_shot_consumer
from cdc_pipeline.archive.errors import ArchiveError, UnavailableError
from cdc_pipeline.archive.position import Stop
from cdc_pipeline.archive.resolve import Resolver, StoredChain, Unresolved
from cdc_pipeline.archive.rows import OFFSET, PARTITION
from cdc_pipeline.archive.settings import Settings
from cdc_pipeline.archive.store import Store, connect
from cdc_pipeline.archive.tile import Footer, Source

FIRST_RECORD_SECONDS = 10.0


def accept(settings: Settings, topic: str, partitions: list[int] | None) -> Iterator[str]:
    """Write a gap tile for each partition that misses records or tiles; yields what was done, a line each.

    The offset is not committed here: the service finds the tile at its position and commits it as any other.

    Raises:
        ArchiveError: there is no such topic or partition, or a server does not answer.
    """
    cluster = Cluster(settings)
    store = Store(connect(settings.object_store), settings.object_store.prefix)
    found = cluster.topics([topic]).get(topic)
    if found is None:
        raise ArchiveError(f"there is no topic {topic}")
    wanted = list(range(found.partitions)) if partitions is None else partitions
    unknown = [p for p in wanted if not 0 <= p < found.partitions]
    if unknown:
        raise ArchiveError(f"{topic} has the partitions 0 to {found.partitions - 1}, not {unknown}")
    for one in Resolver(cluster, store).resolve((topic, p) for p in wanted):
        if isinstance(one, Unresolved):
            raise UnavailableError(f"{one.key[0]}[{one.key[1]}]: {one.reason}")
        source, start = one.source, one.start
        if not isinstance(start, Stop):
            yield f"{source}: nothing is missing, the position is {start.position}"
        elif start.missing is None:
            yield f"{source}: not fixed, since {start.reason}"
        else:
            key = _write(settings, store, source, start.missing)
            yield f"{source}: accepted that [{start.missing[0]}, {start.missing[1]}) is lost: {key}"


def _write(settings: Settings, store: Store, source: Source, missing: tuple[int, int]) -> str:
    first, end = missing
    hour = _hour(settings, source, end, StoredChain(store, source))
    frame = pl.DataFrame(schema={PARTITION: pl.Int32, OFFSET: pl.Int64})
    footer = Footer(source, first, end, rows=0, gap=True, seen=seen.of_gap(first, end, frame))
    key = tile.key(settings.object_store.prefix, source, first, hour)
    if not store.put(key, parquet.encode(frame, footer)):
        raise UnavailableError(f"{key} is there meanwhile; look at the partition again")
    return key


def _hour(settings: Settings, source: Source, offset: int, chain: StoredChain) -> int:
    """The hour of the first record there is; of the tile before, if there is none."""
    timestamp = _first_timestamp(one_shot_consumer(settings), source, offset)
    if timestamp is not None:
        return tile.hour_of(timestamp)
    return tile.hour_in(chain.last_key) if chain.last_key else 0


def _first_timestamp(consumer: Consumer, source: Source, offset: int) -> int | None:
    try:
        consumer.assign([TopicPartition(source.topic, source.partition, offset)])
        while True:
            message = consumer.poll(FIRST_RECORD_SECONDS)
            if message is None:
                raise UnavailableError(f"Kafka: reading {source} timed out")
            if message.error() is None:
                return message.timestamp()[1]
            if message.error().name() == "_PARTITION_EOF":
                return None
            raise UnavailableError(f"Kafka: cannot read {source}: {message.error().str()}")
    except KafkaException as error:
        raise UnavailableError(f"Kafka: cannot read {source}: {error}") from error
    finally:
        consumer.close()
