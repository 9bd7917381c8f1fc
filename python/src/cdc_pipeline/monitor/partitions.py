"""How the partitions' replicas stand, by what the brokers tell every client."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class Partition(Protocol):
    """As confluent_kafka has a partition's metadata."""

    leader: int
    replicas: list[int]
    isrs: list[int]


@dataclass(frozen=True)
class Standing:
    """How many partitions there are, and how many lack something.

    Attributes:
        offline: without a leader: nobody can read or write them.
        under_min: with fewer replicas in sync than a writer needs.
        under_replicated: with fewer than they should have.
    """

    partitions: int = 0
    offline: int = 0
    under_min: int = 0
    under_replicated: int = 0


def standing(partitions: Iterable[Partition], min_insync: int) -> Standing:
    """Counts them. A partition that has fewer replicas than ``min_insync`` needs only those."""
    every = list(partitions)
    return Standing(
        len(every),
        sum(1 for each in every if each.leader < 0),
        sum(1 for each in every if len(each.isrs) < min(min_insync, len(each.replicas))),
        sum(1 for each in every if len(each.isrs) < len(each.replicas)),
    )
