"""When to restart what has failed, or makes no progress."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

FIRST_SECONDS = 5.0
MOST_SECONDS = 60.0
REPEATED_SECONDS = 600.0
STEADY_SECONDS = 600.0
HOPEFUL = 3
# Until what fails in the same way is given longer pauses: with the pauses above some five minutes.
MANY = 8
# A server that is away comes back some time, and is then not kept waiting for long.
_AWAY = re.compile(r"java\.net\.\w+Exception|Connection refused|timed out")
# What has run for so long after a restart does not fail in the same way.
_CURED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Repeat:
    """A failure that every restart leads to again.

    Attributes:
        times: that it was seen.
        cause: in one line.
        position: the stored offset that each restart began from; None where it is not known.
        pause: seconds until the next restart, from the last one.
    """

    times: int
    cause: str
    position: str | None
    pause: float


@dataclass(slots=True)
class _Record:
    """``wait``: seconds before the next restart; ``at``: when it is due; ``last``: when one was; on one clock.

    ``count``: restarts so far. ``cause``, ``position``, ``same``: of the last failure, and how many restarts led to it
    again. ``judged``: whether it is known what the last restart led to.
    """

    wait: float
    at: float
    last: float | None = None
    count: int = 0
    cause: str = ""
    position: str | None = None
    same: int = 0
    judged: bool = False


def _general(cause: str) -> str:
    """What is the same each time that something fails in the same way: times, process ids and the like are not."""
    return re.sub(r"\d+", "#", cause)


class Restarts:
    """Growing pauses, one row of them for each connector.

    What fails is restarted after ``delay`` seconds, ``first`` unless it is given, and again after a pause that is twice
    as long each time, up to ``most``; what fails in the same way at the same position every time, at last up to
    ``repeated``. The first pause leaves whoever has just changed the connector the time to see that it fails. A
    connector that has run for ``steady`` seconds since its last restart begins from the first pause again.
    """

    def __init__(
        self,
        first: float = FIRST_SECONDS,
        most: float = MOST_SECONDS,
        steady: float = STEADY_SECONDS,
        repeated: float = REPEATED_SECONDS,
        delay: float | None = None,
    ) -> None:
        self._first, self._most, self._steady = first, max(first, most), steady
        self._repeated = max(self._most, repeated)
        self._delay = first if delay is None else delay
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
            elif now - record.last > _CURED_SECONDS:
                record.same, record.judged = 0, True
        for name in names - set(self._records):
            self._records[name] = _Record(self._first, now + self._delay)
        return sorted(name for name in names if self._records[name].at <= now)

    def hopeful(self, name: str) -> bool:
        """Whether few restarts were in vain, so that the next may help."""
        record = self._records.get(name)
        return record is None or record.count < HOPEFUL

    def unjudged(self, name: str) -> bool:
        """Whether `failed` has not been told yet what the last restart led to."""
        record = self._records.get(name)
        return record is not None and not record.judged

    def failed(self, name: str, cause: str, position: str | None) -> None:
        """What a connector that is due some time has failed with.

        Args:
            position: its stored offset; None where it is not known.
        """
        record = self._records[name]
        same = (
            record.last is not None
            and _general(record.cause) == _general(cause)
            and (position is None or record.position is None or record.position == position)
        )
        record.same = record.same + 1 if same else 0
        record.position = record.position if same and position is None else position
        record.cause, record.judged = cause, True
        if record.last is not None and not same and record.wait > self._most:
            # Another failure: the long pauses were for the one before.
            record.wait, record.at = self._most, min(record.at, record.last + self._most)

    def repeats(self) -> dict[str, Repeat]:
        """The connectors that a few restarts have led to the same failure, at the same position."""
        return {
            name: Repeat(record.same + 1, record.cause, record.position, record.wait)
            for name, record in self._records.items()
            if record.same >= HOPEFUL
        }

    def progressed(self, name: str, at: float) -> None:
        """A connector that runs was seen to make progress at that time."""
        record = self._records.get(name)
        if record is not None and record.last is not None and at > record.last:
            record.same = 0

    def restarted(self, name: str, now: float) -> None:
        """It was; the next time it waits longer."""
        record = self._records[name]
        most = self._repeated if record.same + 1 >= MANY and not _AWAY.search(record.cause) else self._most
        record.wait = min(record.wait * 2, max(most, record.wait))
        record.last, record.at = now, now + record.wait
        record.count += 1
        record.judged = False
