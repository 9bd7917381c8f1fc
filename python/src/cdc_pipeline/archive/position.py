"""Where a partition is to be read from. Deciding only; what it decides upon is fetched elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cdc_pipeline.archive import tile
from cdc_pipeline.archive.tile import Footer, Source


@dataclass(frozen=True, slots=True)
class Committed:
    """What the group committed for a partition: an offset, the committer's metadata, the last record's epoch."""

    offset: int
    metadata: str | None
    leader_epoch: int | None = None

    @property
    def named(self) -> str:
        """The key or name of the tile that the metadata names."""
        return self._parts[0]

    @property
    def source(self) -> Source | None:
        """The partition of the topic id that the metadata names, if it is ours."""
        named = tile.parse(self.named)
        return named[0] if named else None

    @property
    def covered(self) -> int:
        """Every offset below was archived or seen to be a hole; at least the offset itself."""
        return max(self.offset, self._parts[1])

    @property
    def _parts(self) -> tuple[str, int]:
        text = self.metadata or ""
        named, _, seen = text.rpartition(" ")  # a prefix may have blanks
        return (named, int(seen)) if named and seen.isdigit() else (text, 0)


def metadata(name: str, offset: int, covered: int) -> str:
    """The metadata to commit with ``offset``: a tile's key or name, and how far nothing but holes follows, if it does.

    The key is that of the tile that ends at the offset, so that it can be looked for at the next start. Without the
    second, retention that removes a quiet partition's trailing transaction markers would look like a loss.
    """
    return f"{name} {covered}" if covered > offset else name


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

    def before(self, position: int) -> Footer | None:
        """The tile with the greatest start below ``position``."""


@dataclass(frozen=True, slots=True)
class Start:
    """Read from ``read``; everything below ``position`` is written.

    ``commit``: the position came from the chain and is to be committed before anything is written, so that the store
    need not be listed again. ``adopt``: this tile is at the position already and its transaction is to be repeated.
    ``again``: after that, decide again, since the log begins beyond the tile's end too.
    ``leader_epoch``: of the last record before the position, as far as it is known.
    """

    position: int
    read: int
    commit: bool = False
    adopt: Footer | None = None
    again: bool = False
    leader_epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing may be read: records or tiles are missing, or the log is not the one that was read before.

    Attributes:
        reason: what is wrong, where, and what to do.
        kind: the reason in one word, one of `KINDS`.
        missing: offsets [first, next) of which an operator may say that they are lost (`gap.accept`).
    """

    position: int
    log: Log
    reason: str
    kind: str = "other"
    missing: tuple[int, int] | None = None


KINDS = ("gap", "tile_missing", "truncated", "compacted", "unreadable", "foreign", "unknown_schema", "records", "other")
"""Why a partition stops: the label ``reason`` of the metric."""
ACCEPT = "`cdc-archive accept-gap` says that they are lost and lets the partition continue"


def decide(source: Source, committed: Committed | None, log: Log, chain: Chain) -> Start | Stop:
    """The start of a partition, or why it has none.

    A committed offset counts only if its metadata names this very partition of this topic id: an offset of a topic of
    that name before it, or one that another tool set, would make tiles overlap or leave a gap.
    """
    if committed is not None and committed.offset >= 0 and committed.source == source:
        position, covered, commit = committed.offset, committed.covered, False
        epoch = committed.leader_epoch
        if position > 0 and (stop := _last_tile(committed, log, chain)) is not None:
            return stop
    else:
        position, epoch = _by_chain(chain)
        covered, commit = position, True
    if position > log.high:
        reason = f"the log ends at {log.high}, before the position {position}: was it truncated?"
        return Stop(position, log, reason, "truncated")
    if covered >= log.low:
        return Start(position, max(position, log.low), commit=commit, leader_epoch=epoch)
    there = chain.at(position)
    if there is None:
        reason = (
            f"the log begins at {log.low}, beyond the position {position}: [{position}, {log.low}) is missing; {ACCEPT}"
        )
        return Stop(position, log, reason, "gap", (position, log.low))
    return Start(position, log.low, adopt=there, again=there.next < log.low, leader_epoch=epoch)


def _last_tile(committed: Committed, log: Log, chain: Chain) -> Stop | None:
    """Stop where the archive does not have what was committed: the bucket was emptied, or is another one."""
    position = committed.offset
    last = chain.before(position)
    if last is not None and last.next == position:
        return None
    end = 0 if last is None else last.next
    if end > position:
        reason = f"the offset {position} is committed, which lies within the tile [{last.start}, {end})"  # type: ignore[union-attr]
        return Stop(position, log, reason, "foreign")
    reason = (
        f"the archive lacks the tile that ends at the committed offset {position} ({committed.named}): "
        f"[{end}, {position}) is missing. Was the bucket emptied, or is it another one? Put the objects back; or "
        f"delete the group's offsets while the archive is stopped, to archive again what Kafka still has; or {ACCEPT}"
    )
    return Stop(position, log, reason, "tile_missing", (end, position))


def _by_chain(chain: Chain) -> tuple[int, int | None]:
    """The chain's end, and the leader epoch before it.

    If its last tile rejected records, its start, since their transaction may not have happened. That holds too where
    the log has lost those records: adopting the tile then says that their dead letters are lost.
    """
    last = chain.last()
    if last is None:
        return 0, None
    if last.rejected:
        return last.start, None
    return last.next, last.leader_epoch
