"""Pauses in a JVM's garbage collection log (unified logging, -Xlog:gc*)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath

from cdc_pipeline.instance.servers import Server

_PAUSE = re.compile(r"\bPause \D*?.*?\b(\d+(?:\.\d+)?)ms\s*$")
_FILE = re.compile(r"^-Xlog:gc.*?:file=([^:,]+)")
# The newest part of the log is enough, and quickly read.
_TAIL = 1024 * 1024


def log_path(command: Iterable[str]) -> PurePath | None:
    """Where a JVM with this command line logs its collections."""
    for argument in command:
        if match := _FILE.match(argument):
            return PurePath(match[1])
    return None


def pauses(lines: Iterable[str]) -> list[float]:
    """Milliseconds of each pause, in ascending order."""
    return sorted(float(match[1]) for line in lines if "Pause " in line and (match := _PAUSE.search(line)))


def recent_pauses(server: Server, path: PurePath) -> list[float]:
    """Those in the newest part of a server's log.

    Raises:
        OSError: it cannot be read.
    """
    return pauses(server.tail(path, _TAIL).splitlines())
