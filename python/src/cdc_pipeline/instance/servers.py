"""The running servers of each component, as processes of this host or as pods of a cluster.

Checks see no difference: :mod:`host_servers` and :mod:`pod_servers` realise what stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol


@dataclass(frozen=True)
class Usage:
    """``cpu``: seconds of CPU time since the server began. ``memory``: bytes."""

    cpu: float
    memory: int


class Server(Protocol):
    """A running server."""

    @property
    def place(self) -> str:
        """Where it is, for people: `port 9092`, `pod kafka-0`."""

    @property
    def command(self) -> Sequence[str]:
        """The command line that it was started with."""

    def memory(self) -> int:
        """Bytes of memory of all its processes."""

    def read(self, path: PurePath) -> str:
        """A text file that the server uses; a relative path is seen from its working directory.

        Raises:
            OSError: it cannot be read.
        """

    def tail(self, path: PurePath, size: int) -> str:
        """The newest ``size`` bytes of such a file.

        Raises:
            OSError: it cannot be read.
        """


class Meter(Protocol):
    """Reads again and again what the servers use."""

    def take(self) -> dict[str, Usage]:
        """Of each component that had servers when the meter was made, and could be measured."""


class Servers(Protocol):
    """The servers of all components.

    Attributes:
        measure: what :meth:`Server.memory` counts, for people.
    """

    measure: str

    def runs(self, component: str) -> bool:
        """Whether the component has servers here at all: a PostgreSQL may be elsewhere."""

    def of(self, component: str) -> Sequence[Server]:
        """All servers of a component.

        Raises:
            LookupError: one is not to be seen, and why.
        """

    def meter(self) -> Meter:
        """A meter of all components that run here."""
