"""Which topics are archived, whether they may be, and whether their dead letter topics are there."""

from __future__ import annotations

import re
import threading
import time

from cdc_pipeline.archive.clients import Cluster
from cdc_pipeline.archive.errors import RefusedError, UnavailableError
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.settings import Settings

REFRESH_SECONDS = 10.0


class Topics:
    """The configured topics against those of the cluster."""

    def __init__(self, settings: Settings, cluster: Cluster, metrics: Metrics) -> None:
        self._settings = settings
        self._cluster = cluster
        self._metrics = metrics
        self._names: set[str] = set()
        self._refreshed = -1e9
        self._lock = threading.Lock()
        self.missing: list[str] = []
        self._said: set[str] = set()

    def subscription(self) -> list[str]:
        """What the consumer subscribes to."""
        return [self._settings.topic_pattern] if self._settings.topic_pattern else self._settings.topics

    def archived(self) -> list[str]:
        """The topics to archive that exist."""
        suffix = self._settings.dlq_suffix
        if self._settings.topic_pattern:
            pattern = re.compile(self._settings.topic_pattern)
            return sorted(n for n in self._names if pattern.match(n) and not n.endswith(suffix))
        return [t for t in self._settings.topics if t in self._names]

    def check(self) -> None:
        """Look at the topics before the first record is read.

        Raises:
            RefusedError: a topic loses records by compaction.
            UnavailableError: the brokers do not answer.
        """
        self._look()
        compacted = []
        for name, config in self._cluster.settings_of(self.archived()).items():
            policy = config.get("cleanup.policy", "delete")
            if policy != "delete":
                compacted.append(f"{name} (cleanup.policy={policy})")
            if config.get("message.timestamp.type") != "LogAppendTime":
                LOGGER.warning(
                    "the topic's message.timestamp.type is not LogAppendTime: hours may run backwards",
                    extra={"topic": name},
                )
        if compacted:
            raise RefusedError(
                f"compaction loses records, so these cannot be archived exactly once: {', '.join(sorted(compacted))}; "
                "set cleanup.policy=delete or leave them out"
            )

    def refresh(self) -> None:
        """Look again, at most every few seconds; errors are left to those who need the answer."""
        if time.monotonic() - self._refreshed < REFRESH_SECONDS or not self._lock.acquire(blocking=False):
            return
        try:
            self._look()
        except UnavailableError:
            self._refreshed = time.monotonic()
        finally:
            self._lock.release()

    def dlq_exists(self, topic: str) -> bool:
        """Whether the topic's dead letter topic is there, as of the last look."""
        return topic + self._settings.dlq_suffix in self._names

    def _look(self) -> None:
        self._names = set(self._cluster.names())
        self._refreshed = time.monotonic()
        self.missing = [t for t in self._settings.topics if t not in self._names]
        self._metrics.missing_topics.set(len(self.missing))
        self._say("waiting for topics that do not exist", self.missing)
        without = [t for t in self.archived() if not self.dlq_exists(t)]
        for topic in self.archived():
            self._metrics.missing_dlq.labels(topic).set(topic in without)
        suffixed = [t + self._settings.dlq_suffix for t in without]
        self._say("dead letter topics do not exist; a topic waits at its first rejected record until they do", suffixed)

    def _say(self, text: str, topics: list[str]) -> None:
        new = [t for t in topics if f"{text} {t}" not in self._said]
        self._said |= {f"{text} {t}" for t in new}
        if new:
            LOGGER.warning(text, extra={"topics": new})
