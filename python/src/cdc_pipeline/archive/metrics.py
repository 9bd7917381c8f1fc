"""What the service says of itself to Prometheus."""

from __future__ import annotations

import contextlib

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

from cdc_pipeline.archive.position import KINDS

PARTITION = ("topic", "partition")


class Metrics:
    """Counters and gauges, in a registry of their own, with the process's CPU, memory and file descriptors."""

    def __init__(self) -> None:
        self.registry = r = CollectorRegistry()
        ProcessCollector(registry=r)
        PlatformCollector(registry=r)

        def counter(name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
            return Counter(f"cdc_archive_{name}", text, labels, registry=r)

        def gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
            return Gauge(f"cdc_archive_{name}", text, labels, registry=r)

        self.consumed = counter("records_consumed", "Records read from Kafka", ("topic",))
        self.rows = counter("rows", "Rows in tiles whose offsets are committed", ("topic",))
        self.rejected = counter("rejected", "Records rejected, by rule, once committed", ("topic", "rule"))
        self.lost = counter("rejected_lost", "Rejected records that left the log before they could be sent", ("topic",))
        self.tiles = counter("tiles", "Tiles committed; winner says who had written the object", ("topic", "winner"))
        self.bytes = counter("bytes", "Bytes of objects written", ("topic",))
        self.transactions = counter("transactions", "Kafka transactions, by result", ("result",))
        self.retries = counter("retries", "Steps that failed and are tried again", ("step",))
        self.rebalances = counter("rebalances", "Assignments received from the group")
        self.put_seconds = Histogram(
            "cdc_archive_put_seconds",
            "Duration of one object's PUT",
            registry=r,
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )
        self.transaction_seconds = Histogram(
            "cdc_archive_transaction_seconds",
            "Duration of one Kafka transaction",
            registry=r,
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )
        self.delay_seconds = Histogram(
            "cdc_archive_delay_seconds",
            "From a tile's first record's Kafka timestamp to its committed offset",
            registry=r,
            buckets=(0.5, 1, 2, 3, 5, 10, 20, 30, 60, 65, 90, 120, 300, 900, 3600),
        )
        self.lag = gauge(
            "lag_records", "Offsets from the position to the end the consumer sees; 0 if only markers", PARTITION
        )
        self.lag_seconds = gauge("lag_seconds", "Age of the oldest record that is not archived; 0 if none", PARTITION)
        self.position = gauge("position", "Committed offset: everything below is archived", PARTITION)
        self.end = gauge("end", "End of the partition as a read_committed consumer sees it", PARTITION)
        self.stopped = gauge(
            "partition_stopped", "1 if the partition cannot be read on and needs an operator", (*PARTITION, "reason")
        )
        self.stopped_since = gauge(
            "stopped_since_seconds", "Since when the partition is stopped, in Unix seconds", PARTITION
        )
        self.waiting = gauge("partition_waiting", "1 if the partition's next step failed and is tried again", PARTITION)
        self.assigned = gauge("partitions_assigned", "Partitions this instance owns")
        self.missing_topics = gauge("topics_missing", "Configured topics that do not exist")
        self.missing_dlq = gauge("dlq_missing", "1 if the topic's dead letter topic does not exist", ("topic",))
        self.buffered = gauge("buffered_bytes", "Memory of records read and not yet archived")
        self.paused = gauge("paused", "1 while reading is paused to bound memory")
        self.store_up = gauge("object_store_up", "1 if the last request to the object store succeeded")
        self.registry_up = gauge("schema_registry_up", "1 if no tile waits for the schema registry")

    def is_stopped(self, key: tuple[str, int], reason: str, since: float) -> None:
        """Say that a partition is stopped; its position and lag are no longer known."""
        self.forget(*key)
        self.stopped.labels(key[0], str(key[1]), reason).set(1)
        self.stopped_since.labels(key[0], str(key[1])).set(since)

    def not_stopped(self, key: tuple[str, int]) -> None:
        """Say nothing of it any more."""
        for reason in KINDS:
            _remove(self.stopped, key[0], str(key[1]), reason)
        _remove(self.stopped_since, key[0], str(key[1]))

    def forget(self, topic: str, partition: int) -> None:
        """Drop a partition's gauges, since another instance owns it now."""
        for gauge in (self.lag, self.lag_seconds, self.position, self.end, self.waiting):
            _remove(gauge, topic, str(partition))
        self.not_stopped((topic, partition))


def _remove(gauge: Gauge, *labels: str) -> None:
    with contextlib.suppress(KeyError):
        gauge.remove(*labels)
