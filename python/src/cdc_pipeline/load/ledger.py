"""What became of every change: when it was committed, when it could be consumed, how often it was seen."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cdc_pipeline.load.generator import Sent
from cdc_pipeline.units import percentile

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}


@dataclass(frozen=True)
class Counts:
    """Changes that were sent, and how many of them were seen never, and more often than once."""

    sent: int
    lost: int
    duplicates: int


class Ledger:
    """By the number of a change. Memory: 13 bytes a change.

    Args:
        changes: how many there can be.
        size: changes of a transaction.
    """

    def __init__(self, changes: int, size: int) -> None:
        self.size = size
        # Seconds since the epoch, to a tenth of a millisecond; 0: not seen.
        self._seen_at = array("d", bytes(8 * changes))
        self._seen = bytearray(changes)
        self.strange = 0

    def see(self, numbers: Iterable[int], moment: float) -> None:
        """Changes that were consumed at ``moment``, wall clock."""
        seen, seen_at = self._seen, self._seen_at
        for number in numbers:
            if 0 <= number < len(seen):
                if not seen[number]:
                    seen_at[number] = moment
                if seen[number] < 255:
                    seen[number] += 1
            else:
                self.strange += 1

    def seen(self) -> int:
        """How many changes were seen at all."""
        return len(self._seen) - self._seen.count(0)

    def seen_between(self, begin: float, end: float) -> int:
        """How many changes were seen for the first time from one moment until before another, wall clock."""
        return sum(1 for at in self._seen_at if at and begin <= at < end)

    def counts(self, sent: Sequence[Sent]) -> Counts:
        """Of the changes of these transactions."""
        lost = double = 0
        for each in sent:
            mine = self._seen[each.number * self.size : (each.number + 1) * self.size]
            lost += mine.count(0)
            double += sum(count - 1 for count in mine if count > 1)
        return Counts(len(sent) * self.size, lost, double)

    def latencies(self, sent: Iterable[Sent], intended: bool = False) -> list[float]:
        """Seconds from commit (or from the time at which the transaction was due) until a change could be consumed."""
        found = []
        for each in sent:
            since = each.intended if intended else each.committed
            for at in self._seen_at[each.number * self.size : (each.number + 1) * self.size]:
                if at:
                    found.append(at - since)
        return found

    def after(self, earlier: Ledger, sent: Iterable[Sent]) -> list[float]:
        """Seconds from where another ledger saw a change until this one did."""
        found = []
        for each in sent:
            mine = slice(each.number * self.size, (each.number + 1) * self.size)
            pairs = zip(earlier._seen_at[mine], self._seen_at[mine], strict=True)
            found += [there - here for here, there in pairs if here and there]
        return found


def spread(values: list[float]) -> dict[str, float]:
    """Percentiles and the extremes of some seconds; nothing of none."""
    if not values:
        return {}
    ordered = sorted(values)
    found = {name: percentile(ordered, share) for name, share in _SHARES.items()}
    return {name: round(value, 4) for name, value in {**found, "max": ordered[-1], "min": ordered[0]}.items()}
