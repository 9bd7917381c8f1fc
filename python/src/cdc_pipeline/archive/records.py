"""Records of one partition, as they go from the consumer into a tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Records:
    """Records of one partition in offset order, as parallel lists. ``messages`` are opaque here.

    ``sizes``: bytes of each, with its key and headers; those of the values where they are not given.
    """

    messages: list[Any]
    values: list[bytes | None]
    offsets: list[int]
    timestamps: list[int]
    sizes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.sizes:
            self.sizes = [0 if value is None else len(value) for value in self.values]

    def part(self, begin: int, end: int) -> Records:
        """The records [begin, end) by index."""
        return Records(
            self.messages[begin:end],
            self.values[begin:end],
            self.offsets[begin:end],
            self.timestamps[begin:end],
            self.sizes[begin:end],
        )

    def only(self, indices: Sequence[int]) -> Records:
        """Some of the records, by index."""
        lists = (self.messages, self.values, self.offsets, self.timestamps, self.sizes)
        return Records(*([each[i] for i in indices] for each in lists))

    def extend(self, more: Records) -> None:
        """Add records that follow."""
        self.messages += more.messages
        self.values += more.values
        self.offsets += more.offsets
        self.timestamps += more.timestamps
        self.sizes += more.sizes
