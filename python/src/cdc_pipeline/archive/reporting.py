"""What the service says of its work, in metrics and in the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from cdc_pipeline.archive.clients import Key
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.owned import Owned
from cdc_pipeline.archive.planner import Settlement


class Report:
    """Counts what was read and written."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._count = [0, 0, 0]  # records, rows, tiles
        self._said = (0, 0, 0)

    def consumed(self, topic: str, records: int) -> None:
        """Records were read."""
        self._count[0] += records
        self._metrics.consumed.labels(topic).inc(records)

    def committed(self, owned: Owned, settlement: Settlement) -> None:
        """A tile's transaction is committed."""
        footer, topic = settlement.footer, owned.source.topic
        self._count[1] += footer.rows
        self._count[2] += 1
        self._metrics.rows.labels(topic).inc(footer.rows)
        self._metrics.tiles.labels(topic, "self" if owned.won else "other").inc()
        if owned.seen_ms:
            self._metrics.delay_seconds.observe(max(0.0, time.time() - owned.seen_ms / 1000))
        for rejection, _ in settlement.rejected:
            self._metrics.rejected.labels(topic, rejection.rule).inc()
        if settlement.rejected:
            LOGGER.warning(
                "rejected",
                extra={"topic": topic, "partition": owned.source.partition, "records": len(settlement.rejected)}
                | {"first": settlement.rejected[0][0].offset, "reason": settlement.rejected[0][0].reason},
            )
        if settlement.lost:
            self._metrics.lost.labels(topic).inc(len(settlement.lost))
            LOGGER.error(
                "rejected records left the log before they were sent",
                extra={"topic": topic, "partition": owned.source.partition, "offsets": settlement.lost[:20]},
            )

    def gauges(self, owned_by_key: Mapping[Key, Owned], end_of: Callable[[Key], int], now: float) -> None:
        """Where each partition is. ``end_of``: the end of its log. ``now``: monotonic seconds."""
        metrics = self._metrics
        wall = time.time()
        metrics.buffered.set(sum(o.plan.size for o in owned_by_key.values()))
        metrics.registry_up.set(0 if any(o.wait and o.wait.startswith("decode") for o in owned_by_key.values()) else 1)
        for (topic, partition), owned in owned_by_key.items():
            labels, plan = (topic, str(partition)), owned.plan
            end = max(end_of((topic, partition)), plan.seen)
            idle = plan.idle and plan.seen >= end
            metrics.end.labels(*labels).set(end)
            metrics.position.labels(*labels).set(plan.position)
            metrics.lag.labels(*labels).set(0 if idle else end - plan.position)
            metrics.waiting.labels(*labels).set(1 if owned.wait else 0)
            if idle:
                owned.behind_since = None
                metrics.lag_seconds.labels(*labels).set(0)
            elif plan.tiles:
                metrics.lag_seconds.labels(*labels).set(max(0.0, wall - plan.tiles[0].records.timestamps[0] / 1000))
            else:
                owned.behind_since = owned.behind_since or now
                metrics.lag_seconds.labels(*labels).set(now - owned.behind_since)

    def progress(self, owned_by_key: Mapping[Key, Owned], stopped: int) -> None:
        """Log what was done since the last time, if anything was."""
        records, rows, tiles = (a - b for a, b in zip(self._count, self._said, strict=True))
        self._said = (self._count[0], self._count[1], self._count[2])
        if records or tiles or stopped:
            waiting = sorted({o.wait for o in owned_by_key.values() if o.wait})
            LOGGER.info(
                "progress",
                extra={"records": records, "rows": rows, "tiles": tiles, "partitions": len(owned_by_key)}
                | {"stopped": stopped, "waiting": waiting[:3]},
            )
