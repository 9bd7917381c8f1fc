"""Asks Kafka for what `lag` and `partitions` judge."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import ClusterMetadata

from cdc_pipeline.clients import kafka, topics
from cdc_pipeline.monitor.lag import At, Behind, First, behind, of_topics, unknown
from cdc_pipeline.monitor.partitions import Standing, standing
from cdc_pipeline.monitor.settings import Settings

LOGGER = logging.getLogger("cdc-monitor")
_REQUEST = 10.0
# Records at positions are looked up for so long, at most.
_LOOK_SECONDS = 3.0
# One record of each partition is wanted, and brokers send whole batches.
_SMALL = {"queued.min.messages": 1, "fetch.message.max.bytes": 65536, "fetch.wait.max.ms": 100}


@dataclass(frozen=True)
class Look:
    """What one look has found: the partitions' standing, brokers that are there, and the lag of each group's topics."""

    standing: Standing = field(default_factory=Standing)
    brokers: int = 0
    lag: Mapping[str, Mapping[str, Behind]] = field(default_factory=dict)


class Groups:
    """Looks at the cluster and at groups. Only one thread uses it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        quiet = {"log_level": 3}
        self._admin = kafka.admin(settings.kafka, quiet, logger=LOGGER)
        asks = {"enable.auto.commit": False, "isolation.level": "read_committed"}
        # They never join. A group's offsets are asked for by one of its name: librdkafka's admin client ends the
        # process where the group's coordinator has just moved.
        self._groups = {
            name: kafka.consumer(settings.kafka, {"group.id": name, **asks}, quiet, LOGGER)
            for name in settings.lag.groups
        }
        reads = {"group.id": "cdc-monitor", "enable.partition.eof": True, **asks, **_SMALL}
        self._reader = kafka.consumer(settings.kafka, reads, quiet, LOGGER)
        self._known: dict[str, dict[At, First]] = {name: {} for name in self._groups}

    def look(self) -> Look:
        """
        Raises:
            KafkaException: the brokers do not answer, or refuse.
        """
        metadata = self._admin.list_topics(timeout=_REQUEST)
        partitions = [each for topic in metadata.topics.values() for each in topic.partitions.values()]
        wanted = self._wanted(metadata)
        committed = {
            name: {at: offset for at, (offset, _text) in topics.committed(group, wanted).items()}
            for name, group in self._groups.items()
        }
        ends = topics.ends(self._admin, {at for offsets in committed.values() for at in offsets})
        for name in self._groups:
            self._find(name, behind(committed[name], ends), ends)
        now = time.time()
        most = self._settings.lag.most_topics
        return Look(
            standing(partitions, self._settings.min_insync),
            len(metadata.brokers),
            {name: of_topics(committed[name], ends, self._known[name], now, most) for name in self._groups},
        )

    def _wanted(self, metadata: ClusterMetadata) -> list[At]:
        prefixes = self._settings.lag.prefixes
        return [
            (name, partition)
            for name, topic in metadata.topics.items()
            if name.startswith(prefixes)
            for partition in topic.partitions
        ]

    def _find(self, name: str, positions: dict[At, int], ends: topics.Partitions) -> None:
        """Looks up what is at positions of which it is not known, and forgets the others."""
        missing = unknown(positions, self._known[name], ends)
        self._known[name] = {
            at: first for at, first in self._known[name].items() if at in positions and at not in missing
        }
        if missing:
            self._known[name] |= self._read(missing, ends)

    def _read(self, missing: dict[At, int], ends: topics.Partitions) -> dict[At, First]:
        """What is at these positions, as far as it comes in time; the next look continues."""
        found: dict[At, First] = {}
        reader = self._reader
        reader.assign([TopicPartition(topic, partition, offset) for (topic, partition), offset in missing.items()])
        deadline = time.monotonic() + _LOOK_SECONDS
        try:
            while len(found) < len(missing) and time.monotonic() < deadline:
                for message in reader.consume(100, 0.1):
                    at = (str(message.topic()), int(message.partition() or 0))
                    error = message.error()
                    if error is not None and error.code() != KafkaError._PARTITION_EOF:
                        raise KafkaException(error)
                    if at in missing and at not in found:
                        # Read to the end without a record: there are markers alone.
                        stamp = None if error is not None else message.timestamp()[1] / 1000
                        found[at] = First(missing[at], ends[at], stamp)
        finally:
            reader.unassign()
        return found
