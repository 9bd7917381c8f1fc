"""What the service says of itself, the connectors and the slot to Prometheus."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, PlatformCollector, ProcessCollector

from cdc_pipeline.connectors.observed import Seen
from cdc_pipeline.connectors.workers import failures
from cdc_pipeline.trouble import Trouble

_STATUSES = ("reserved", "extended", "unreserved", "lost")


class Metrics:
    """Counters and gauges, in a registry of their own, with the process's CPU, memory and file descriptors."""

    def __init__(self, slot: bool) -> None:
        """``slot``: whether PostgreSQL is looked at; otherwise there is nothing to say of it."""
        self.registry = r = CollectorRegistry()
        ProcessCollector(registry=r)
        PlatformCollector(registry=r)

        def gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
            return Gauge(f"cdc_connectors_{name}", text, labels, registry=r)

        self.restarted = Counter(
            "cdc_connectors_restarts",
            "Restarts of what had failed or made no progress, of a connector",
            ("connector",),
            registry=r,
        )
        self._failed = gauge("failed", "Connectors and tasks that have failed")
        self._connect_up = gauge("connect_up", "Whether a worker of Kafka Connect answers")
        self._troubles = gauge("troubles", "What is stuck, by its kind and state", ("what", "state"))
        self._oldest = gauge("trouble_start_timestamp_seconds", "When the oldest of them began", ("what", "state"))
        self._labels: set[tuple[str, str]] = set()
        self._slot = slot
        if not slot:
            return
        self._postgresql_up = gauge("postgresql_up", "Whether PostgreSQL answers")
        self._progressed = gauge("progress_timestamp_seconds", "When the slot or the stored offset last moved")
        self._active = gauge("slot_active", "Whether the slot is read")
        self._retained = gauge("slot_retained_bytes", "WAL that PostgreSQL keeps for the slot")
        self._lag = gauge("slot_lag_bytes", "WAL after what the connector has confirmed")
        self._safe = gauge("slot_safe_bytes", "WAL until the slot can be lost; +Inf without a limit")
        self._status = gauge("slot_wal_status", "1 for what wal_status of the slot is", ("status",))

    def show(self, seen: Seen, troubles: Iterable[Trouble], progressed: float | None, reached: bool) -> None:
        """Take over what a look has found.

        Args:
            troubles: with times since the epoch.
            progressed: when the connector was last seen to make progress, since the epoch.
            reached: whether Kafka Connect did what it was asked.
        """
        if seen.connectors is not None:
            self._failed.set(len(failures(seen.connectors)))
        self._connect_up.set(reached)
        self._show_troubles(list(troubles))
        if self._slot:
            self._show_slot(seen, progressed)

    def _show_slot(self, seen: Seen, progressed: float | None) -> None:
        if progressed is not None:
            self._progressed.set(progressed)
        if seen.source is None:
            self._postgresql_up.set(0)
            return
        self._postgresql_up.set(1)
        slot = seen.source.slot
        self._active.set(bool(slot and slot.active))
        for status in _STATUSES:
            self._status.labels(status).set(bool(slot and slot.status == status))
        if slot is not None:
            self._retained.set(0 if slot.kept is None else seen.source.end - slot.kept)
            self._lag.set(0 if slot.confirmed is None else max(0, seen.source.end - slot.confirmed))
            unlimited = float("inf") if slot.status != "lost" else 0.0
            self._safe.set(unlimited if slot.safe is None else slot.safe)

    def _show_troubles(self, troubles: list[Trouble]) -> None:
        counts = Counts((each.what, each.state) for each in troubles)
        for labels in self._labels - set(counts):
            self._troubles.labels(*labels).set(0)
            self._oldest.remove(*labels)
        for labels, count in counts.items():
            self._troubles.labels(*labels).set(count)
            times = [each.since for each in troubles if (each.what, each.state) == labels and each.since is not None]
            self._oldest.labels(*labels).set(min(times, default=0.0))
        self._labels = set(counts)
