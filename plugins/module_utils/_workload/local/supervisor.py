# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Talks to supervisord over its unix socket."""

from __future__ import annotations

import http.client
import socket
import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._errors import DeadlineError, FailedError, UnreachableError
from ..._wait import Deadline, wait_for

# States of http://supervisord.org/subprocess.html#process-states in which supervisord tends to a process.
ALIVE = ("STARTING", "RUNNING", "BACKOFF")
DOWN = ("STOPPED", "EXITED", "FATAL", "UNKNOWN")
# Faults of supervisor's xmlrpc module that mean "it is already so".
_NOT_RUNNING, _ALREADY_STARTED, _ALREADY_ADDED, _BAD_NAME = 70, 60, 90, 10
# Its fault to every call while it shuts down.
_SHUTDOWN_STATE = 6
_CALL_SECONDS = 30.0
# Longer than any workload's stop_grace, which a shutdown waits for.
_SHUTDOWN_SECONDS = 180.0


@dataclass(frozen=True)
class Process:
    """What supervisord knows of a program. ``started`` is seconds since the epoch, 0 before the first start."""

    name: str
    state: str
    pid: int
    started: int
    now: int
    exit_status: int
    problem: str

    @property
    def alive(self) -> bool:
        return self.state in ALIVE


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_CALL_SECONDS)
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
    """A running supervisord.

    Raises:
        UnreachableError: from every method, when nothing answers at the socket.
    """

    def __init__(self, socket_path: Path) -> None:
        self.socket = socket_path

    def _call(self, method: str, *arguments: Any, fine: tuple[int, ...] = ()) -> Any:
        proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_Transport(self.socket))
        call: Callable[..., Any] = getattr(proxy, method)
        try:
            return call(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in fine:
                return None
            shown = ", ".join(str(item) for item in arguments)
            raise FailedError(f"supervisord refused {method}({shown})", why=fault.faultString) from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise UnreachableError(
                "The supervisor of this instance does not answer",
                where=str(self.socket),
                why=str(error),
                remedy="start it with `make start`, or run the playbook with the tag services",
            ) from error

    def answers(self) -> bool:
        """Whether it runs and takes commands. One that is shutting down is waited for, as a new one must be."""
        return wait_for(self._takes_commands, Deadline(_SHUTDOWN_SECONDS)) is True

    def _takes_commands(self) -> bool | None:
        """None while it shuts down."""
        try:
            state = self._call("supervisor.getState", fine=(_SHUTDOWN_STATE,))
        except UnreachableError:
            return False
        return None if state is None else state["statename"] == "RUNNING"

    def pid(self) -> int:
        """supervisord's own process id."""
        return self._call("supervisor.getPID")

    def processes(self) -> dict[str, Process]:
        """Every program that is loaded, by name."""
        return {
            item["name"]: Process(
                name=item["name"],
                state=item["statename"],
                pid=item["pid"],
                started=item["start"],
                now=item["now"],
                exit_status=item["exitstatus"],
                problem=item["spawnerr"],
            )
            for item in self._call("supervisor.getAllProcessInfo")
        }

    def reread(self) -> tuple[list[str], list[str], list[str]]:
        """Reads the configuration again: names of the programs that are new, different, and gone. Starts nothing."""
        added, changed, removed = self._call("supervisor.reloadConfig")[0]
        return added, changed, removed

    def add(self, name: str) -> None:
        """Loads a program that :meth:`reread` found, which starts it."""
        self._call("supervisor.addProcessGroup", name, fine=(_ALREADY_ADDED,))

    def remove(self, name: str) -> None:
        """Unloads a stopped program."""
        self._call("supervisor.removeProcessGroup", name, fine=(_BAD_NAME,))

    def start(self, name: str) -> None:
        """Starts a program and does not wait."""
        self._call("supervisor.startProcess", f"{name}:{name}", False, fine=(_ALREADY_STARTED,))

    def stop(self, names: list[str], grace: float) -> None:
        """Stops programs together and waits until they have ended, killed after ``grace`` seconds if need be.

        Raises:
            DeadlineError: one of them cannot even be killed.
        """
        self._ask_to_stop(names)
        self._wait_until_down(names, grace + 15)

    def stop_all(self, patience: float) -> None:
        """Stops every program, all together, and kills what still runs after ``patience`` seconds.

        Raises:
            DeadlineError: one of them cannot even be killed.
        """
        names = list(self.processes())
        self._ask_to_stop(names)
        for name in self._still_up(names, patience):
            self.signal(name, "KILL")
        self._wait_until_down(names, 15)

    def _ask_to_stop(self, names: list[str]) -> None:
        for name in names:
            self._call("supervisor.stopProcess", f"{name}:{name}", False, fine=(_NOT_RUNNING, _BAD_NAME))

    def _still_up(self, names: list[str], seconds: float) -> list[str]:
        """Those of ``names`` that have not ended after ``seconds``."""

        def left() -> list[str]:
            return [item.name for item in self.processes().values() if item.name in names and item.state not in DOWN]

        wait_for(lambda: None if left() else True, Deadline(seconds), interval=0.05, slowest=0.5)
        return left()

    def _wait_until_down(self, names: list[str], seconds: float) -> None:
        left = self._still_up(names, seconds)
        if left:
            raise DeadlineError(
                f"{', '.join(left)} did not end within {seconds:.0f} s, not even killed",
                remedy="check for processes in uninterruptible sleep (state D) and for a failing disk: dmesg | tail",
            )

    def signal(self, name: str, signal_name: str) -> None:
        """Sends a signal to a program."""
        self._call("supervisor.signalProcess", name, signal_name, fine=(_NOT_RUNNING, _BAD_NAME))

    def shutdown(self, seconds: float) -> None:
        """Stops every program, then supervisord itself.

        Raises:
            DeadlineError: it still runs after ``seconds``.
        """
        pid = self.pid()
        self._call("supervisor.shutdown")
        if wait_for(lambda: None if _exists(pid) else True, Deadline(seconds), slowest=0.5) is None:
            raise DeadlineError(f"supervisord (process {pid}) has not ended after {seconds:.0f} s")


def _exists(pid: int) -> bool:
    try:
        # A zombie has ended; only its parent has not noticed yet.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_answering(supervisor: Supervisor, seconds: float) -> bool:
    """Whether ``supervisor`` answers within ``seconds``."""
    return wait_for(lambda: supervisor.answers() or None, Deadline(seconds), sleep=time.sleep) is True
