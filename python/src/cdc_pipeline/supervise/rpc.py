"""The few calls to supervisord that the tools need, over its unix socket."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SECONDS = 10.0
# Faults (supervisor.xmlrpc.Faults) that mean that a process does not run, or is no longer there.
_NOT_RUNNING = (10, 70)


@dataclass(frozen=True)
class Process:
    """A program as supervisord knows it. ``started`` is seconds since the epoch, ``problem`` why it does not start."""

    name: str
    state: str
    pid: int
    started: int
    problem: str = ""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self._path)


class Supervisor:
    """A running supervisord. Its methods raise OSError or xmlrpc.client.Error when it does not answer or refuses."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _call(self, method: str, *arguments: Any) -> Any:
        proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_Transport(self._path))
        return getattr(proxy, method)(*arguments)

    def processes(self) -> dict[str, Process]:
        """Every program by its name."""
        return {
            item["name"]: Process(item["name"], item["statename"], item["pid"], item["start"], item["spawnerr"])
            for item in self._call("supervisor.getAllProcessInfo")
        }

    def start(self, name: str) -> None:
        """Starts a program and does not wait."""
        self._call("supervisor.startProcess", f"{name}:{name}", False)

    def programs(self) -> list[dict[str, Any]]:
        """Every program's settings, as supervisor.getAllConfigInfo returns them."""
        return self._call("supervisor.getAllConfigInfo")

    def stop(self, name: str) -> None:
        """Asks a program to stop and does not wait; one that does not run is none."""
        try:
            self._call("supervisor.stopProcess", f"{name}:{name}", False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode not in _NOT_RUNNING:
                raise
