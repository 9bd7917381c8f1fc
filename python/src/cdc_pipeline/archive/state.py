"""What this instance has of the group's partitions, for the parts of the service, which all work on it.

The loop's thread alone changes it. Other threads may look at single entries, or at copies.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cdc_pipeline.archive.clients import Key
from cdc_pipeline.archive.owned import Owned, Work
from cdc_pipeline.archive.stopped import StoppedPartitions


@dataclass(slots=True)
class State:
    """An assigned partition is resolved first. Then it is owned, which means that it is read, or it is stopped."""

    stopped: StoppedPartitions
    generation: int = 0
    """Of the assignment. What was begun in an earlier one does not count any more."""
    joined: bool = False
    assigned: set[Key] = field(default_factory=set)
    resolving: set[Key] = field(default_factory=set)
    unresolved: dict[Key, tuple[str, float]] = field(default_factory=dict)
    """Of those that are resolving: why they could not be at the last attempt, and since when (Unix seconds)."""
    resolve_due: float | None = None
    """Monotonic seconds of the next attempt; None while one is under way."""
    owned: dict[Key, Owned] = field(default_factory=dict)

    @property
    def buffered(self) -> int:
        """Bytes of the records that were read and are not archived."""
        return sum([owned.plan.size for owned in self.owned.values()])

    def is_assigned(self) -> bool:
        """Whether the group gave partitions, and of each is known where to begin or why that is not known."""
        return self.joined and bool(self.assigned) and not self.resolving - self.unresolved.keys()

    def is_current(self, work: Work) -> bool:
        """Whether the partition is still the one the work was begun for."""
        return self.owned.get(work.owned.id) is work.owned and work.owned.work is work

    def why_not_owned(self, key: Key) -> tuple[str, bool]:
        """Why a partition is neither read nor stopped, and whether it will not be."""
        if key not in self.assigned:
            return "not owned by this instance", self.joined
        return self.unresolved.get(key, ("resolving",))[0], False

    def drop(self) -> None:
        """Forget everything read and not committed. A tile that is being written will be found by who reads next."""
        self.owned.clear()
        self.stopped.clear()
        self.assigned = set()
        self.unresolved.clear()
        self.resolving = set()
        self.resolve_due = None
        self.joined = False
