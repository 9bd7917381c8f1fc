"""The two parts of a load: its first seconds, which are cold, and those after them, which are warm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdc_pipeline.load.generator import Sent
from cdc_pipeline.load.ledger import Ledger
from cdc_pipeline.load.sampler import Sample, between, used

# What was started just before the load, as the option `--start` names it, in words.
STARTS = {
    "none": "",
    "all": "a start of everything",
    "kafka_connect": "a start of Kafka Connect alone",
    "broker": "a start of one broker",
}


@dataclass(frozen=True)
class Part:
    """A stretch of the load. Times are wall clock seconds.

    Attributes:
        begin: when its first transaction is due.
        end: when the next part begins, or when the last change was in Kafka.
        sent: the transactions that were due in it.
    """

    begin: float
    end: float
    sent: tuple[Sent, ...]


def divide(sent: Sequence[Sent], begin: float, cold: float, consumed: float) -> tuple[Part, Part]:
    """The cold and the warm part: each transaction is in the one in which it was due.

    Args:
        begin: when the first transaction was due.
        cold: seconds of the cold part, 0 for none.
        consumed: when the last change was in Kafka.
    """
    warm = begin + cold
    return (
        Part(begin, warm, tuple(each for each in sent if each.intended < warm)),
        Part(warm, max(warm, consumed), tuple(each for each in sent if each.intended >= warm)),
    )


def cpu_per_event(samples: Sequence[Sample], kafka: Ledger, part: Part) -> dict[str, float]:
    """Seconds of CPU time that each component took for an event, while a part lasted.

    What the pipeline is behind with when the part ends is done in the next one, and so is its CPU time. So the
    time is divided by the events that were in Kafka while it was taken, not by those that were sent.

    Returns:
        Nothing where no event was in Kafka in this part.
    """
    first, last = between(samples, part.begin, part.end)
    events = kafka.seen_between(first.time, last.time)
    return {name: seconds / events for name, seconds in used(first, last).items()} if events else {}
