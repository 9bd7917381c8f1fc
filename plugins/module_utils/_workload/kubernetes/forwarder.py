# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A process of the controller that forwards ports to pods for as long as the playbook runs that need it live."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..._errors import FailedError
from ..._kubernetes.api import Api, connect
from ..._kubernetes.kinds import KINDS
from ..._kubernetes.tunnel import TunnelError, tunnel
from ..._run_lock import Run, alive, find_run
from ..._wait import Deadline
from .forwards import Forward
from .manifests.labels import selector
from .pod_choice import choose
from .settings import Connection

_TEMPORARY = "port-forward-tmp-"
_WATCH_SECONDS = 1.0
_STOP_SECONDS = 5.0
_RELEASE_SECONDS = 2.0
# Without a playbook run to follow, this is how long it lives.
_ORPHAN_SECONDS = 3600.0


class Forwarder:
    """The forwarder of one instance. ``folder`` holds its record and its log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = folder / "port-forward.json"
        self.log = folder / "port-forward.log"

    def start(self, connection: Connection, namespace: str, wanted: list[Forward]) -> bool:
        """Forwards ``wanted`` for as long as this playbook run lives. Whether a process was started for it.

        Nothing may connect before: the client's temporary files with certificates go with the process that made them.

        Raises:
            FailedError: a port is taken.
        """
        run = find_run()
        signature = [*(item.shown() for item in wanted), connection.kubeconfig, connection.context, namespace]
        with self._locked() as known:
            if known.get("signature") == signature and _lives(known):
                known["owners"] = _owners(known, run)
                self._write(known)
                return False
            self._end(known)
            sockets = self._bind(wanted)
            pid = self._spawn(connection, namespace, list(zip(sockets, wanted, strict=True)))
            for item in sockets:
                item.close()
            process = find_process(pid)
            self._write({"signature": signature, "process": process, "owners": _owners({}, run)})
        return True

    def stop(self) -> bool:
        """Whether there was one to end."""
        if not self.record.exists():
            return False
        with self._locked() as known:
            found = self._end(known)
            self.record.unlink(missing_ok=True)
        return found

    def _bind(self, wanted: Iterable[Forward]) -> list[socket.socket]:
        found: list[socket.socket] = []
        for item in wanted:
            try:
                found.append(_listen(item))
            except OSError as error:
                raise FailedError(
                    f"The port {item.port} on {item.host}, to forward to {item.workload}, cannot be taken",
                    why=str(error),
                    remedy="find the process with `ss -ltnp`, or choose another cdc_port_offset",
                ) from error
        return found

    def _spawn(self, connection: Connection, namespace: str, pairs: list[tuple[socket.socket, Forward]]) -> int:
        """The id of a process of its own that serves the sockets. What it needs has been imported by now."""
        reading, writing = os.pipe()
        first = os.fork()
        if first:
            os.close(writing)
            os.waitpid(first, 0)
            with os.fdopen(reading) as stream:
                return int(stream.read() or 0)
        # Nothing of the caller's may run on in here, whatever happens.
        try:
            os.setsid()
            second = os.fork()
            if second:
                os.write(writing, str(second).encode())
                os._exit(0)
            _detach(self.log, {listener.fileno() for listener, _forward in pairs})
            signal.signal(signal.SIGTERM, _leave)
            # The client writes the kubeconfig's certificates into files.
            with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=self.folder) as folder:
                tempfile.tempdir = folder
                self._serve(connect(connection.kubeconfig, connection.context, namespace), pairs)
        except BaseException as error:
            _say(f"{type(error).__name__}: {error}")
        finally:
            os._exit(0)

    def _serve(self, api: Api, pairs: list[tuple[socket.socket, Forward]]) -> None:
        for listener, forward in pairs:
            threading.Thread(target=_accept, args=(api, listener, forward), daemon=True).start()
        orphan = Deadline(_ORPHAN_SECONDS)
        time.sleep(_WATCH_SECONDS)
        while True:
            time.sleep(_WATCH_SECONDS)
            owners = self._read().get("owners") or []
            if owners and not any(alive(item["pid"], item["start"]) for item in owners):
                return
            if not owners and orphan.expired:
                return

    def _end(self, known: dict[str, Any]) -> bool:
        if not _lives(known):
            return False
        pid, start = known["process"]["pid"], known["process"]["start"]
        for each in (signal.SIGTERM, signal.SIGKILL):
            if not alive(pid, start):
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, each)
            deadline = Deadline(_STOP_SECONDS)
            while alive(pid, start) and not deadline.expired:
                time.sleep(0.05)
        for rest in self.folder.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(rest, ignore_errors=True)
        return True

    def _read(self) -> dict[str, Any]:
        try:
            return json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def _write(self, data: dict[str, Any]) -> None:
        temporary = self.record.with_suffix(".new")
        temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        temporary.chmod(0o600)
        temporary.replace(self.record)

    @contextlib.contextmanager
    def _locked(self) -> Any:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "port-forward.lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield self._read()


def _listen(forward: Forward) -> socket.socket:
    """A listening socket. A forwarder that has just ended lets go of it in a moment, when its last thread has."""
    deadline = Deadline(_RELEASE_SECONDS)
    while True:
        listener = socket.socket(socket.AF_INET6 if ":" in forward.host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((forward.host, forward.port))
            listener.listen(64)
            return listener
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or deadline.expired:
                raise
        time.sleep(0.05)


def find_process(pid: int) -> dict[str, int]:
    """A process by its id and its start, which together are unique."""
    start = alive(pid)
    return {"pid": pid, "start": start or 0}


def _leave(*_signal: Any) -> None:
    raise SystemExit


def _say(text: str) -> None:
    """Into the log, which is where standard output leads."""
    sys.stdout.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
    sys.stdout.flush()


def _lives(known: dict[str, Any]) -> bool:
    process = known.get("process") or {}
    return bool(process) and bool(alive(process["pid"], process["start"]))


def _owners(known: dict[str, Any], run: Run | None) -> list[dict[str, Any]]:
    owners = [item for item in known.get("owners") or [] if alive(item["pid"], item["start"])]
    if run is not None and not any((item["pid"], item["start"]) == (run.pid, run.start) for item in owners):
        owners.append(asdict(run))
    return owners


def _detach(log: Path, keep: set[int]) -> None:
    """Lets go of whatever the caller has open, its lock of the record among it, except for ``keep``."""
    nothing = os.open(os.devnull, os.O_RDWR)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for number in [int(item.name) for item in Path("/proc/self/fd").iterdir()]:
        if number > 2 and number not in keep:
            with contextlib.suppress(OSError):
                os.close(number)
    os.chdir("/")


def _accept(api: Api, listener: socket.socket, forward: Forward) -> None:
    while True:
        client, _address = listener.accept()
        threading.Thread(target=_forward, args=(api, client, forward), daemon=True).start()


def _forward(api: Api, client: socket.socket, forward: Forward) -> None:
    with client:
        try:
            pod = choose(api.list("Pod", selector(forward.workload)), forward.workload, forward.ordinal)
            if pod is None:
                raise TunnelError(f"there is no pod of {forward.workload} that runs")
            tunnel(api.client, api.server + KINDS["Pod"].path(api.namespace, pod), forward.pod_port, client)
        except Exception as error:
            _say(f"{forward.shown()}: {error}")
