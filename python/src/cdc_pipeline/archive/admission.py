"""Which tiles may be worked on now, by the memory that they need. Deciding only."""

from __future__ import annotations

from collections.abc import Callable

from cdc_pipeline.archive import budget
from cdc_pipeline.archive.decode import Decoder
from cdc_pipeline.archive.owned import Work


class Admission:
    """Tiles on their way, the oldest first, so that a large one has its turn.

    A tile has its share of the budget while it is decoded and encoded, and less while it waits to be written. One whose
    partition was given away has it as long as a worker is at it.

    Args:
        size: bytes for all of them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._works: list[Work] = []

    def __len__(self) -> int:
        return len(self._works)

    def add(self, work: Work) -> None:
        """A tile was cut."""
        self._works.append(work)

    def begin(
        self, now: float, is_current: Callable[[Work], bool], decoder: Callable[[int | None], Decoder | None]
    ) -> list[Work]:
        """Those to give to workers now, marked as running.

        Args:
            now: monotonic seconds.
            is_current: whether a tile is still wanted.
            decoder: of a schema id, if it is known.
        """
        self._works = [work for work in self._works if work.running or is_current(work)]
        used, full, begun = sum([work.held for work in self._works]), False, []
        for work in self._works:
            if work.running or now < work.due:
                continue
            if work.prepared is None:
                if full:
                    continue
                needed = work.fit(decoder(work.cut.schema_id), self._size)
                if not budget.admits(needed, used, self._size):
                    full = True
                    continue
                work.held = needed
                used += needed
            work.running = True
            begun.append(work)
        return begun
