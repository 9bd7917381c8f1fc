"""What the service knows of a partition that it reads, and of a tile on its way to the store."""

from __future__ import annotations

from dataclasses import dataclass, field

from cdc_pipeline.archive import budget, write
from cdc_pipeline.archive.backoff import Backoff
from cdc_pipeline.archive.clients import Key
from cdc_pipeline.archive.cuts import Cut
from cdc_pipeline.archive.decode import Decoder
from cdc_pipeline.archive.planner import Partition
from cdc_pipeline.archive.seen import Returned
from cdc_pipeline.archive.tile import Source


@dataclass(slots=True)
class Owned:
    """A partition this instance owns and reads."""

    source: Source
    plan: Partition
    returned: Returned
    key: str = ""
    """The key of the tile that has landed."""
    last_key: str = ""
    """The key of the tile that ends at the position, if it is known."""
    seen_ms: int = 0
    """Kafka timestamp of the first record of that tile."""
    won: bool = True
    """Whether this instance wrote it."""
    work: Work | None = None
    wait: str | None = None
    """Why the next step is being retried."""
    wait_since: float = 0.0
    """Unix seconds."""
    commit_first: bool = False
    """The position is to be committed before anything is written."""
    again: bool = False
    """Resolve the partition once more after its next commit."""
    commit_due: float = 0.0
    covered: int = 0
    """The committed statement of how far nothing but holes follows the position."""
    behind_since: float | None = None

    @property
    def id(self) -> Key:
        """Topic and partition."""
        return self.source.topic, self.source.partition

    def waits(self, reason: str, wall: float) -> bool:
        """The next step failed and is tried again. Returns whether it did not wait before."""
        new = self.wait is None
        self.wait = reason
        if new:
            self.wait_since = wall
        return new


@dataclass(slots=True, eq=False)
class Work:
    """A tile on its way to the store. Survives retries with what is done already."""

    owned: Owned
    cut: Cut
    offsets: list[int]
    """What the consumer returned of its range."""
    read_at: float
    backoff: Backoff
    prepared: write.Prepared | None = None
    due: float = 0.0
    running: bool = False
    held: int = 0
    """Bytes of the budget that it has."""
    unknown: bool = False
    """Its schema is not known, so it looks for later records that can be read."""
    later: list[bytes] = field(default_factory=list)

    def shrink(self, count: int) -> None:
        """Make do with the first records."""
        self.cut = self.cut.head(count)
        self.offsets = [offset for offset in self.offsets if offset < self.cut.next]

    def cost(self, decoder: Decoder | None) -> int:
        """What it needs of the budget. ``decoder``: of its schema, if it is known."""
        if decoder is None:
            return budget.cost(self.cut.size, len(self.cut))
        return budget.cost(self.cut.size, len(self.cut), decoder.columns + ADDED_COLUMNS, decoder.as_objects)

    def fit(self, decoder: Decoder | None, work: int) -> int:
        """Shrink until it needs no more than ``work``, or is one record; returns what it needs then."""
        while (needed := self.cost(decoder)) > work and len(self.cut) > 1:
            self.shrink(len(self.cut) // 2)
        return needed


ADDED_COLUMNS = 12
