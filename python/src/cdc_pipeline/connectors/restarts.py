"""When to restart what has failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

FIRST_SECONDS = 5.0
MOST_SECONDS = 60.0
STEADY_SECONDS = 600.0
HOPEFUL = 3


@dataclass(slots=True)
class _Record:
    """``wait``: seconds before the next restart; ``at``: when it is due; ``last``: when one was; on one clock.

    ``count``: restarts so far.
    """

    wait: float
    at: float
    last: float | None = None
    count: int = 0


class Restarts:
    """Growing pauses, one row of them for each connector.

    What fails is restarted after ``first`` seconds, and again after twice as long each time, up to ``most``. The first
    pause leaves whoever has just changed the connector the time to see that it fails. A connector that has run for
    ``steady`` seconds since its last restart begins anew.
    """

    def __init__(
        self, first: float = FIRST_SECONDS, most: float = MOST_SECONDS, steady: float = STEADY_SECONDS
    ) -> None:
        self._first, self._most, self._steady = first, max(first, most), steady
        self._records: dict[str, _Record] = {}

    def due(self, failed: Iterable[str], now: float) -> list[str]:
        """The connectors to restart, of those of which something has failed.

        Args:
            now: seconds of a clock that never goes back.
        """
        names = set(failed)
        for name, record in list(self._records.items()):
            if name in names:
                continue
            if record.last is None or now - record.last > self._steady:
                del self._records[name]
        for name in names - set(self._records):
            self._records[name] = _Record(self._first, now + self._first)
        return sorted(name for name in names if self._records[name].at <= now)

    def hopeful(self, name: str) -> bool:
        """Whether few restarts were in vain, so that the next may help."""
        record = self._records.get(name)
        return record is None or record.count < HOPEFUL

    def restarted(self, name: str, now: float) -> None:
        """It was; the next time it waits longer."""
        record = self._records[name]
        record.wait = min(record.wait * 2, self._most)
        record.last, record.at = now, now + record.wait
        record.count += 1
