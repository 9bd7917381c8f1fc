"""Servers that are processes of this host, found by the ports on which they listen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from cdc_pipeline.instance.processes import Process, ProcessTable, memory_of
from cdc_pipeline.instance.servers import Usage


@dataclass(frozen=True)
class HostServer:
    """The process that listens on a port."""

    table: ProcessTable
    port: int
    process: Process

    @property
    def place(self) -> str:
        return f"port {self.port}"

    @property
    def command(self) -> Sequence[str]:
        return self.process.command

    def memory(self) -> int:
        return memory_of(self.table, self.process.pid)

    def read(self, path: PurePath) -> str:
        return self._path(path).read_text(encoding="utf-8")

    def tail(self, path: PurePath, size: int) -> str:
        with self._path(path).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - size))
            return file.read().decode(errors="replace")

    def _path(self, path: PurePath) -> Path:
        # An absolute path takes the place of what stands before it.
        return self.table.root / str(self.process.pid) / "cwd" / path


@dataclass(frozen=True)
class HostServers:
    """As the process table of one moment shows them.

    Attributes:
        ports: on which each component listens.
    """

    table: ProcessTable
    ports: Mapping[str, Sequence[int]]
    measure: str = "resident memory"

    def runs(self, component: str) -> bool:
        return bool(self.table.listening(self.ports.get(component, ())))

    def of(self, component: str) -> list[HostServer]:
        if component not in self.ports:
            raise LookupError(f"{component} is not run by this pipeline")
        ports = self.ports[component]
        found = self.table.listening(ports)
        absent = [port for port in ports if port not in found]
        if absent:
            raise LookupError(
                f"no process of {component} is to be seen on port {', '.join(map(str, absent))}: "
                "it is down, or belongs to another user (run verify as root)"
            )
        return [HostServer(self.table, port, process) for port, process in found.items()]

    def meter(self) -> HostMeter:
        found = {}
        for component, ports in self.ports.items():
            pids = sorted({process.pid for process in self.table.listening(ports).values()})
            if pids:
                found[component] = pids
        return HostMeter(found)


@dataclass(frozen=True)
class HostMeter:
    """``pids``: the processes of each component; their descendants count with them."""

    pids: Mapping[str, Sequence[int]]

    def take(self) -> dict[str, Usage]:
        table = ProcessTable.read()
        found = {}
        for name, pids in self.pids.items():
            family = [process for pid in pids for process in table.family(pid)]
            memory = sum(memory_of(table, pid) for pid in pids if pid in table.by_pid)
            found[name] = Usage(sum(process.cpu for process in family), memory)
        return found
