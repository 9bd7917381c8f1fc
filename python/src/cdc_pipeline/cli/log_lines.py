"""The logs of an instance's processes, on a host or in a cluster."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from cdc_pipeline.cli.instance import Instance


@dataclass(frozen=True)
class Line:
    """``name``: of the replica or pod."""

    name: str
    text: str


class Source(Protocol):
    """The log of one process."""

    place: str

    def last(self, count: int) -> list[str]:
        """Its last lines.

        Raises:
            CdcError: it cannot be read.
        """

    def follow(self, count: int) -> Iterator[str]:
        """Its last lines, then each new one; it ends only where no more can come."""


def sources(instance: Instance) -> tuple[dict[str, Source], dict[str, str]]:
    """The log of each process, and its component, by its name.

    Raises:
        CdcError: they cannot be found out.
    """
    if instance.note.cluster is not None:
        from cdc_pipeline.cli.pod_logs import pod_sources

        return pod_sources(instance)
    from cdc_pipeline.cli.log_files import file_sources

    return file_sources(instance)


def follow(wanted: Mapping[str, Source], count: int) -> Iterator[Line]:
    """The lines of several logs as they come."""
    lines: queue.Queue[Line | Exception | None] = queue.Queue(maxsize=10_000)

    def read(name: str, source: Source) -> None:
        try:
            for text in source.follow(count):
                lines.put(Line(name, text))
        except Exception as error:
            lines.put(error)
        lines.put(None)

    for name, source in wanted.items():
        threading.Thread(target=read, args=(name, source), daemon=True).start()
    left = len(wanted)
    while left:
        line = lines.get()
        if line is None:
            left -= 1
        elif isinstance(line, Exception):
            raise line
        else:
            yield line
