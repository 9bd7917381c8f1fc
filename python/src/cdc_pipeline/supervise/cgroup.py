"""A memory bound by a control group of its own, version 1 or 2, where this host lets us make one."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_PARENT = "cdc-pipeline"


@dataclass(frozen=True)
class Bound:
    """A control group for one replica, and the names of its files."""

    folder: Path
    limit: str
    swap: str
    usage: str
    events: str

    def kills(self) -> int:
        """How many processes the kernel killed in it for want of memory."""
        return self._counter(self.events, "oom_kill")

    def memory(self) -> int:
        """Bytes in use, the page cache included."""
        try:
            return int((self.folder / self.usage).read_text())
        except (OSError, ValueError):
            return 0

    def _counter(self, file: str, key: str) -> int:
        try:
            for line in (self.folder / file).read_text().splitlines():
                name, _, value = line.partition(" ")
                if name == key:
                    return int(value)
        except (OSError, ValueError):
            pass
        return 0


def bound_for(instance: str, replica: str, root: Path = ROOT) -> Bound | None:
    """The control group of ``replica``, whether or not it exists yet; None where the host has no memory controller."""
    if (root / "memory" / "memory.limit_in_bytes").exists():
        return Bound(
            root / "memory" / _PARENT / instance / replica,
            "memory.limit_in_bytes",
            "memory.memsw.limit_in_bytes",
            "memory.usage_in_bytes",
            "memory.oom_control",
        )
    try:
        controllers = (root / "cgroup.controllers").read_text().split()
    except OSError:
        return None
    if "memory" not in controllers:
        return None
    return Bound(
        root / _PARENT / instance / replica, "memory.max", "memory.swap.max", "memory.current", "memory.events"
    )


def enter(bound: Bound, limit: int, root: Path = ROOT, pid: int = 0) -> None:
    """Moves the process ``pid`` (0 is this one) into ``bound`` with at most ``limit`` bytes.

    Raises:
        OSError: the host does not let us; the process stays where it was.
    """
    bound.folder.mkdir(parents=True, exist_ok=True)
    if bound.limit == "memory.max":
        _delegate(bound.folder, root)
    version_1 = bound.limit != "memory.max"
    # Version 1 counts memory and swap together and keeps that bound above the other; version 2 counts swap alone.
    # Neither file is there without swap accounting.
    with contextlib.suppress(OSError):
        (bound.folder / bound.swap).write_text("-1" if version_1 else "0")
    (bound.folder / bound.limit).write_text(str(limit))
    if version_1:
        with contextlib.suppress(OSError):
            (bound.folder / bound.swap).write_text(str(limit))
    (bound.folder / "cgroup.procs").write_text(str(pid or os.getpid()))


def _delegate(folder: Path, root: Path) -> None:
    """Lets the memory controller reach ``folder``: each group above it has to hand it on."""
    above = [root, *reversed([item for item in folder.parents if root in item.parents])]
    for item in above:
        control = item / "cgroup.subtree_control"
        if "memory" not in control.read_text().split():
            control.write_text("+memory")
