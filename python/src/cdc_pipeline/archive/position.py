"""Where a partition is to be read from. Deciding only; what it decides upon is fetched elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cdc_pipeline.archive import tile
from cdc_pipeline.archive.tile import Footer, Source


@dataclass(frozen=True, slots=True)
class Committed:
    """What the group committed for a partition: an offset and the metadata of who committed it."""

    offset: int
    metadata: str | None


@dataclass(frozen=True, slots=True)
class Log:
    """The offsets a partition's log has now, [low, high)."""

    low: int
    high: int


class Chain(Protocol):
    """The tiles of one partition that are on the store."""

    def last(self) -> Footer | None:
        """The tile with the greatest start."""

    def at(self, start: int) -> Footer | None:
        """The tile that begins at ``start``."""


@dataclass(frozen=True, slots=True)
class Start:
    """Read from ``read``; everything below ``position`` is written.

    ``commit``: the position came from the chain and is to be committed before anything is written, so that the store
    need not be listed again. ``adopt``: this tile is at the position already and its transaction is to be repeated.
    ``again``: after that, decide anew, since the log begins beyond the tile's end too.
    """

    position: int
    read: int
    commit: bool = False
    adopt: Footer | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing may be read: records are missing from the log, or the log is not the one that was read before."""

    position: int
    log: Log
    reason: str


def decide(source: Source, committed: Committed | None, log: Log, chain: Chain) -> Start | Stop:
    """The start of a partition, or why it has none.

    A committed offset counts only if its metadata names this very partition of this topic id: an offset of a topic of
    that name before it, or one that another tool set, would make tiles overlap or leave a gap.
    """
    named = tile.parse(committed.metadata) if committed is not None and committed.metadata else None
    if committed is not None and committed.offset >= 0 and named is not None and named[0] == source:
        position, commit = committed.offset, False
    else:
        position, commit = _by_chain(log, chain), True
    if position > log.high:
        return Stop(position, log, f"the log ends at {log.high}, before the position {position}: was it truncated?")
    if position >= log.low:
        return Start(position, position, commit=commit)
    there = chain.at(position)
    if there is None:
        missing = f"[{position}, {log.low})"
        return Stop(position, log, f"the log begins at {log.low}, beyond the position {position}: {missing} is missing")
    return Start(position, log.low, adopt=there, again=there.next < log.low)


def _by_chain(log: Log, chain: Chain) -> int:
    """The chain's end. If its last tile rejected records, its start, since their transaction may not have happened."""
    last = chain.last()
    if last is None:
        return 0
    return last.start if last.rejected and last.start >= log.low else last.next
