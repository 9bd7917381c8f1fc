"""What a dashboard is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

RATE = "$__rate_interval"
RANGE = "$__range"
"""What queries name in place of a time, in Grafana's words: the window of a rate, and the time that is shown."""


class Unit(StrEnum):
    """What a value is. Ratios lie between 0 and 1; a state is a number that stands for a word."""

    SECONDS = "seconds"
    BYTES = "bytes"
    BYTES_PER_SECOND = "bytes per second"
    PER_SECOND = "per second"
    RATIO = "ratio"
    COUNT = "count"
    CORES = "cores"
    STATE = "state"


class Kind(StrEnum):
    """How a panel shows its values: over time, or the newest of each series as a number or a word."""

    SERIES = "series"
    VALUE = "value"
    STATES = "states"


class Level(StrEnum):
    """How good a value is."""

    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"


class Has(StrEnum):
    """What a pipeline may have and may lack; alerts name it as `only` as well.

    HOST: it runs on a host, and that is watched. JAVA: brokers and workers have metrics. ARCHIVE: the collection's own
    service archives. ENCRYPTED: servers have certificates.
    """

    HOST = "host"
    JAVA = "java"
    ARCHIVE = "archive"
    ENCRYPTED = "encrypted"


@dataclass(frozen=True, slots=True)
class Query:
    """A query of PromQL.

    Attributes:
        expr: it may name :data:`RATE` and :data:`RANGE`.
        legend: the name of each series; ``{{label}}`` stands for a label's value.
    """

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a value is not good; None: never.

    Attributes:
        falling: it is not good below it, and not from it on.
    """

    warning: float | None = None
    critical: float | None = None
    falling: bool = False

    def level(self, value: float) -> Level:
        """How good ``value`` is."""
        for limit, level in ((self.critical, Level.CRITICAL), (self.warning, Level.WARNING)):
            if limit is not None and (value < limit if self.falling else value >= limit):
                return level
        return Level.GOOD


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture.

    Attributes:
        id: its name in requests; no two panels of all dashboards have the same one.
        description: what is seen, and what a bad value means.
        runbook: the alert whose runbook says what to do when it looks bad.
        only: what the pipeline must have, all of it, for there to be data.
        may_be_empty: why it may have no data though all is well; empty: it always has some.
        words: of Kind.STATES, the word and level of each value.
    """

    id: str
    title: str
    description: str
    unit: Unit
    runbook: str
    queries: tuple[Query, ...]
    kind: Kind = Kind.SERIES
    thresholds: Thresholds = field(default_factory=Thresholds)
    only: tuple[Has, ...] = ()
    may_be_empty: str = ""
    words: Mapping[float, tuple[str, Level]] = field(default_factory=dict)

    def there(self, has: frozenset[Has]) -> bool:
        """Whether a pipeline has what the panel shows."""
        return has.issuperset(self.only)


@dataclass(frozen=True, slots=True)
class Row:
    """Panels beside each other, under a title."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of rows."""

    id: str
    title: str
    description: str
    rows: tuple[Row, ...]

    def panels(self) -> Iterator[Panel]:
        """All panels, in their order."""
        for row in self.rows:
            yield from row.panels

    def of(self, has: Iterable[Has]) -> Dashboard:
        """The dashboard of a pipeline: without what that lacks, and without rows that are empty then."""
        known = frozenset(has)
        rows = (replace(row, panels=tuple(each for each in row.panels if each.there(known))) for row in self.rows)
        return replace(self, rows=tuple(row for row in rows if row.panels))


GOES_ON: Mapping[float, tuple[str, Level]] = {0.0: ("flows", Level.GOOD), 1.0: ("waits", Level.CRITICAL)}
ANSWERS: Mapping[float, tuple[str, Level]] = {0.0: ("down", Level.CRITICAL), 1.0: ("up", Level.GOOD)}


def at_least(warning: float | None = None, critical: float | None = None) -> Thresholds:
    """Bad is what is as much as this."""
    return Thresholds(warning, critical)


def below(warning: float | None = None, critical: float | None = None) -> Thresholds:
    """Bad is what is less than this."""
    return Thresholds(warning, critical, falling=True)


def quantile(share: float, histogram: str) -> str:
    """The query for the value that a share of what a histogram counted in the window of a rate does not pass.

    Args:
        share: between 0 and 1.
        histogram: its name, without ``_bucket``.
    """
    return f"histogram_quantile({share}, sum by (le) (rate({histogram}_bucket[{RATE}])))"


def half_and_most(histogram: str) -> tuple[Query, Query]:
    """What half of what a histogram counted, and 99 of 100, do not pass."""
    return Query(quantile(0.5, histogram), "half"), Query(quantile(0.99, histogram), "99 of 100")
