"""What the service says to Prometheus. docs/monitoring.md has each with its meaning."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from cdc_pipeline.monitor.groups import Look

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics(Collector):
    """Counters and gauges in a registry of their own, with the process's CPU, memory and file descriptors.

    Of topics that went away nothing is said any more: what was found by the last look is told at each scrape.
    """

    def __init__(self, started: float, interval: float, brokers: int) -> None:
        """
        Args:
            started: when the service did, since the epoch.
            interval: seconds from one canary to the next.
            brokers: how many there should be.
        """
        self.registry = r = CollectorRegistry()
        ProcessCollector(registry=r)
        self.sent = Counter("cdc_canary_sent", "Canary messages that were committed in PostgreSQL", registry=r)
        self.seen = Counter("cdc_canary_seen", "Canary messages that have come to Kafka", registry=r)
        self.failures = Counter("cdc_monitor_failures", "Steps that failed and are tried again", ("step",), registry=r)
        for step in ("send", "read", "look"):
            self.failures.labels(step)
        self.delay = Histogram(
            "cdc_canary_delay_seconds", "From a canary's commit to its arrival", registry=r, buckets=_BUCKETS
        )
        self.committed = Gauge(
            "cdc_canary_commit_timestamp_seconds",
            "When the newest canary that has come to Kafka was committed, or the service was started",
            registry=r,
        )
        self.committed.set(started)
        Gauge("cdc_canary_interval_seconds", "From one canary to the next", registry=r).set(interval)
        self.overdue = Gauge("cdc_canary_overdue", "Canaries that are late by more than three intervals", registry=r)
        self._brokers = brokers
        self._look: Look | None = None
        self._lock = threading.Lock()
        r.register(self)

    def show(self, look: Look | None) -> None:
        """Take over what a look has found; None where Kafka did not answer: nothing is said of it until it does."""
        with self._lock:
            self._look = look

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: a registry would otherwise collect once to learn the names."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with self._lock:
            look = self._look

        def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
            return GaugeMetricFamily(f"cdc_kafka_{name}", text, value)

        yield gauge("up", "Whether the brokers answer", look is not None)
        yield gauge("brokers_expected", "Brokers that there should be", self._brokers)
        if look is None:
            return
        found = look.standing
        yield gauge("brokers", "Brokers in the cluster's metadata", look.brokers)
        yield gauge("partitions", "Partitions of all topics", found.partitions)
        yield gauge("offline_partitions", "Partitions without a leader", found.offline)
        yield gauge("under_min_isr_partitions", "Partitions that cannot be written to", found.under_min)
        yield gauge("under_replicated_partitions", "Partitions with a replica that is behind", found.under_replicated)
        labels = ("group", "topic")
        records = GaugeMetricFamily("cdc_consumer_lag_records", "Offsets that a group has not read yet", labels=labels)
        seconds = GaugeMetricFamily("cdc_consumer_lag_seconds", "Age of the oldest of them; 0 for none", labels=labels)
        for group, topics in look.lag.items():
            for topic, behind in topics.items():
                records.add_metric((group, topic), behind.records)
                seconds.add_metric((group, topic), behind.seconds)
        yield records
        yield seconds
