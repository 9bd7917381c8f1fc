"""Processes of this host: who listens on a port, with which command line, memory and CPU time. Linux only."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_LISTEN = "0A"  # include/net/tcp_states.h
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Process:
    """A process as it was when it was looked at.

    Attributes:
        resident: bytes of resident memory (RSS).
        cpu: seconds of CPU time, that of ended children which it waited for included.
    """

    pid: int
    parent: int
    command: tuple[str, ...]
    resident: int
    cpu: float


@dataclass(frozen=True)
class ProcessTable:
    """All processes at one moment."""

    by_pid: Mapping[int, Process]
    root: Path = Path("/proc")

    @classmethod
    def read(cls, root: Path = Path("/proc")) -> ProcessTable:
        found = {}
        for folder in root.iterdir():
            if folder.name.isdigit() and (process := read_process(folder)) is not None:
                found[process.pid] = process
        return cls(found, root)

    def listening(self, ports: Iterable[int]) -> dict[int, Process]:
        """The process that listens on each port, as far as this user may see it.

        Children inherit the sockets; the eldest holder is the one meant.
        """
        wanted = set(ports)
        return {port: process for port, process in self._listeners.items() if port in wanted}

    @cached_property
    def _listeners(self) -> dict[int, Process]:
        """By port. To look at every descriptor of every process is the dear part."""
        inodes = {inode: port for port, inode in listening_sockets(self.root)}
        holders: dict[int, list[Process]] = {}
        for process in self.by_pid.values():
            for inode in _sockets(self.root / str(process.pid) / "fd"):
                if inode in inodes:
                    holders.setdefault(inodes[inode], []).append(process)
        return {port: self._eldest(each) for port, each in holders.items()}

    def _eldest(self, processes: list[Process]) -> Process:
        pids = {process.pid for process in processes}
        tops = [process for process in processes if process.parent not in pids]
        return min(tops or processes, key=lambda process: process.pid)

    def addresses(self, pids: Iterable[int]) -> dict[tuple[str, int], str]:
        """Every address on which one of the processes listens, and the name of its program, sorted.

        For a socket that listens on all addresses it is the loopback address.
        """
        inodes = {inode: address for address, inode in listening_addresses(self.root)}
        found = {}
        for pid in pids:
            for inode in _sockets(self.root / str(pid) / "fd"):
                if inode in inodes and pid in self.by_pid:
                    found[inodes[inode]] = Path(next(iter(self.by_pid[pid].command), "?")).name
        return dict(sorted(found.items()))

    def family(self, pid: int) -> list[Process]:
        """The process and all its descendants."""
        children: dict[int, list[int]] = {}
        for process in self.by_pid.values():
            children.setdefault(process.parent, []).append(process.pid)
        found, queue = [], [pid]
        while queue:
            each = queue.pop()
            if each in self.by_pid:
                found.append(self.by_pid[each])
                queue += children.get(each, [])
        return found


def read_process(folder: Path) -> Process | None:
    """The process of a folder of /proc, or None when it has ended."""
    try:
        stat = (folder / "stat").read_text(errors="replace")
        command = (folder / "cmdline").read_bytes()
    except OSError:
        return None
    # The name stands in parentheses and may hold any character.
    fields = stat[stat.rindex(")") + 2 :].split()
    ticks = sum(int(each) for each in fields[11:15])
    return Process(
        pid=int(folder.name),
        parent=int(fields[1]),
        command=tuple(each.decode(errors="replace") for each in command.split(b"\0") if each),
        resident=int(fields[21]) * _PAGE,
        cpu=ticks / _TICKS,
    )


def listening_sockets(root: Path = Path("/proc")) -> list[tuple[int, int]]:
    """Port and inode of every listening TCP socket."""
    return [(port, inode) for (_host, port), inode in listening_addresses(root)]


def listening_addresses(root: Path = Path("/proc")) -> list[tuple[tuple[str, int], int]]:
    """Address and inode of every listening TCP socket."""
    found = []
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            found += listening_in((root / "net" / name).read_text())
    return found


def listening_in(text: str) -> list[tuple[tuple[str, int], int]]:
    """Address and inode of every listening socket in the text of /proc/net/tcp, /proc/net/tcp6, or both."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN:
            host, port = fields[1].rsplit(":", 1)
            found.append(((_host(host), int(port, 16)), int(fields[9])))
    return found


def _host(text: str) -> str:
    """An address as /proc/net has it: words of four bytes in the order of the processor's (seq_printf of %08X)."""
    words = b"".join(int(text[start : start + 8], 16).to_bytes(4, sys.byteorder) for start in range(0, len(text), 8))
    address = ipaddress.ip_address(words)
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return str(address)


def _sockets(folder: Path) -> list[int]:
    found = []
    try:
        for entry in folder.iterdir():
            try:
                match = _SOCKET.match(str(entry.readlink()))
            except OSError:
                continue
            if match:
                found.append(int(match[1]))
    except OSError:  # Another user's process, or one that has ended.
        return []
    return found


def proportional(pid: int, root: Path = Path("/proc")) -> int | None:
    """Bytes of memory with shared pages divided among their users (PSS); None when it may not be read."""
    try:
        lines = (root / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return None


def memory_of(table: ProcessTable, pid: int) -> int:
    """Bytes of memory of a process and its descendants. What they share, such as shared_buffers, counts once."""
    family = table.family(pid)
    if len(family) == 1:
        return family[0].resident
    shares = [proportional(process.pid, table.root) for process in family]
    return sum(process.resident if share is None else share for process, share in zip(family, shares, strict=True))
