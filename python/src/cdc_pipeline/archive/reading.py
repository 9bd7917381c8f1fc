"""What to read on, by what is buffered already. Deciding only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cdc_pipeline.archive.clients import Key

STALL_SECONDS = 2.0
"""How long the loop may wait for memory without polling, before it pauses the partitions and polls."""


@dataclass(frozen=True, slots=True)
class Buffered:
    """A partition's records: their bytes, whether its next step is being retried, whether it must read to continue."""

    size: int
    waits: bool = False
    unsettled: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now.

    Attributes:
        poll: whether to read at all.
        pause: partitions of which nothing is to be read.
        close: partitions whose last tile is to be cut, since memory is short.
        shorten: partitions that are to forget what they cannot use for now, so that others can be read.
    """

    poll: bool = True
    pause: frozenset[Key] = frozenset()
    close: frozenset[Key] = frozenset()
    shorten: frozenset[Key] = frozenset()


_NONE: frozenset[Key] = frozenset()


@dataclass(slots=True)
class Reading:
    """Keeps what is buffered below ``limit``, give or take one reading.

    A partition that waits keeps at most its share of a half, so that the others continue.
    """

    limit: int
    full_since: float | None = None
    paused: frozenset[Key] = field(default_factory=frozenset)

    def decide(self, parts: Mapping[Key, Buffered], now: float) -> Decision:
        """Look at all owned partitions. ``now``: monotonic seconds."""
        total = sum([part.size for part in parts.values()])
        waiting = self._beyond_their_share(parts) if any(part.waits for part in parts.values()) else _NONE
        paused_all = self.full_since is not None and now - self.full_since > STALL_SECONDS
        if total < (self.limit // 2 if paused_all else self.limit):
            self.full_since = None
            self.paused = waiting
            return Decision(pause=waiting)
        if self.full_since is None:
            self.full_since = now
        close = frozenset(key for key, part in parts.items() if part.size * 2 * len(parts) >= total)
        if not paused_all:  # the workers are about to make room; pausing would throw away what was fetched
            return Decision(poll=False, pause=self.paused & parts.keys(), close=close)
        held = sum(parts[key].size for key in parts if parts[key].waits)
        others = any(not part.waits for part in parts.values())
        shorten = frozenset(key for key in parts if parts[key].waits) if others and held * 2 >= self.limit else _NONE
        self.paused = frozenset(key for key, part in parts.items() if not part.unsettled)
        return Decision(pause=self.paused, close=close, shorten=shorten)

    def _beyond_their_share(self, parts: Mapping[Key, Buffered]) -> frozenset[Key]:
        waiting = [key for key, part in parts.items() if part.waits]
        share = self.limit // 2 // len(waiting)
        return frozenset(
            key
            for key in waiting
            if not parts[key].unsettled and parts[key].size >= (share // 2 if key in self.paused else share)
        )
