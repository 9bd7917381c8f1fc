"""The logs of an instance's processes, on a host or in a cluster."""

from __future__ import annotations

import datetime as dt
import queue
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from re import Pattern
from typing import Protocol


@dataclass(frozen=True)
class Line:
    """``name``: of the replica or pod."""

    name: str
    text: str


@dataclass(frozen=True)
class Wanted:
    """The lines that are asked for.

    Attributes:
        count: the last ones; None for all.
        since: no older ones; with a zone.
        pattern: only those in which it is found.
    """

    count: int | None = None
    since: dt.datetime | None = None
    pattern: Pattern[str] | None = None

    def matches(self, text: str) -> bool:
        return self.pattern is None or self.pattern.search(text) is not None


class Source(Protocol):
    """The log of one process."""

    place: str

    def last(self, count: int | None, since: dt.datetime | None) -> Iterator[str]:
        """Its last lines, or all; none from before a time.

        Raises:
            CdcError: it cannot be read.
        """

    def follow(self, count: int | None, since: dt.datetime | None) -> Iterator[str]:
        """The same, then each new one; it ends only where no more can come."""


def end_of(source: Source, wanted: Wanted) -> list[str]:
    """The last lines that are wanted.

    Raises:
        CdcError: they cannot be read.
    """
    if wanted.pattern is None:
        return list(source.last(wanted.count, wanted.since))
    return list(deque(filter(wanted.matches, source.last(None, wanted.since)), maxlen=wanted.count))


def follow(logs: Mapping[str, Source], wanted: Wanted) -> Iterator[Line]:
    """The last lines of several logs, then new ones as they come; of both, those that match."""
    lines: queue.Queue[Line | Exception | None] = queue.Queue(maxsize=10_000)

    def read(name: str, source: Source) -> None:
        try:
            for text in filter(wanted.matches, source.follow(wanted.count, wanted.since)):
                lines.put(Line(name, text))
        except Exception as error:
            lines.put(error)
        lines.put(None)

    for name, source in logs.items():
        threading.Thread(target=read, args=(name, source), daemon=True).start()
    left = len(logs)
    while left:
        line = lines.get()
        if line is None:
            left -= 1
        elif isinstance(line, Exception):
            raise line
        else:
            yield line
