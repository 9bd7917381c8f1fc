# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What /proc says about listening ports: who has them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp


@dataclass(frozen=True)
class Listener:
    """A process that listens on a port. ``pid`` is 0 where this user may not see who it is."""

    port: int
    pid: int
    group: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid}: {self.command}" if self.pid else "a process of another user"


def listeners(ports: Iterable[int], proc: Path = Path("/proc")) -> dict[int, list[Listener]]:
    """The processes that listen on each of ``ports``; a free port is absent."""
    sockets = _sockets(set(ports), proc)
    found: dict[int, list[Listener]] = {}
    unseen = dict(sockets)
    if sockets:
        for pid in (int(item.name) for item in proc.iterdir() if item.name.isdigit()):
            for inode in _open_sockets(proc / str(pid)) & sockets.keys():
                port = sockets[inode]
                found.setdefault(port, []).append(Listener(port, pid, _group(proc / str(pid)), _command(proc, pid)))
                unseen.pop(inode, None)
    for port in unseen.values():
        found.setdefault(port, []).append(Listener(port, 0, 0, ""))
    return found


def _sockets(ports: set[int], proc: Path) -> dict[str, int]:
    found = {}
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            port = int(fields[1].rpartition(":")[2], 16)
            if fields[3] == _LISTEN and port in ports:
                found[fields[9]] = port
    return found


def _open_sockets(process: Path) -> set[str]:
    found = set()
    try:
        paths = [entry.path for entry in os.scandir(process / "fd")]
    except OSError:  # it has ended, or is another user's
        return found
    for path in paths:
        try:
            target = os.readlink(path)  # noqa: PTH115
        except OSError:  # closed meanwhile, which says nothing of the others
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def _group(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[2])
    except (OSError, ValueError, IndexError):
        return 0


def _command(proc: Path, pid: int) -> str:
    try:
        text = (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return "?"
    return text if len(text) <= 120 else text[:117] + "..."
