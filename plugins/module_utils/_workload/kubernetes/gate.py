# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The rolling gate of a workload in a cluster. It runs here, on the controller, and sees what the controller sees."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from ansible.module_utils.urls import open_url

from ..._wait import Deadline, wait_for
from ..spec.errors import SpecError
from ..spec.model import Probe, Workload
from ..spec.tokens import substitute_all
from .pods import Cluster, external
from .settings import Connection

# A tool that starts from cold on a busy controller takes longer than a probe inside of a pod may.
_LEAST_SECONDS = 20.0


@dataclass(frozen=True)
class Gate:
    """A gate that is ready to be asked.

    Attributes:
        ports: where the workload's ports are reached from here, ``host:port`` of its first replica by name.
    """

    probe: Probe
    ports: Mapping[str, str]

    def wait(self, seconds: float) -> str | None:
        """Asks until the gate holds; then None. Otherwise what it found last."""
        found = ["it was not asked"]

        def ask() -> bool | None:
            text = self._ask()
            found[0] = text or ""
            return True if text is None else None

        return None if wait_for(ask, Deadline(seconds), interval=0.5) else found[0]

    def _ask(self) -> str | None:
        if self.probe.exec:
            return _run(self.probe.exec, self.probe.timeout_seconds)
        host, _colon, port = self.ports[self.probe.tcp or self.probe.http_port or ""].rpartition(":")
        if self.probe.tcp:
            return _connect(host, int(port), self.probe.timeout_seconds)
        return _request(f"{self.probe.http_scheme}://{host}:{port}{self.probe.http_path}", self.probe)


def gate(workload: Workload, cluster: Cluster, connection: Connection) -> Gate | None:
    """The gate of ``workload``, its tokens filled in as the controller sees things; None where it has none.

    Raises:
        SpecError: it needs what only a pod has.
    """
    if workload.rolling_gate is None:
        return None
    ordinals = range(max(workload.replicas, 1))
    hosts = {
        name: [external(port, cluster, each) for each in ordinals]
        for name, port in workload.ports.items()
        if port.is_outside
    }
    tokens = {"name": workload.name, **{f"artifact.{key}": path for key, path in connection.artifacts.items()}}
    tokens |= {f"hosts.{name}": ",".join(each) for name, each in hosts.items()}
    problems: list[str] = []
    command = substitute_all(workload.rolling_gate.exec, tokens, "rolling_gate.exec", problems)
    if problems:
        raise SpecError(workload.name, [f"{text} (the gate runs on the controller)" for text in problems])
    probe = workload.rolling_gate
    ports = {name: each[0] for name, each in hosts.items()}
    if (port := probe.tcp or probe.http_port) and port not in ports:
        raise SpecError(workload.name, [f"rolling_gate: the port {port} is not reached from the controller"])
    known = Probe(**{**probe.__dict__, "exec": tuple(command)})
    return Gate(known, ports)


def _run(command: tuple[str, ...], seconds: float) -> str | None:
    # Not the caller's: an active virtual environment or PYTHONPATH would change what the tool imports.
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=max(seconds, _LEAST_SECONDS), check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    return (done.stdout + done.stderr).strip()[-2000:] or f"exit status {done.returncode}"


def _connect(host: str, port: int, seconds: float) -> str | None:
    try:
        with socket.create_connection((host, port), seconds):
            return None
    except OSError as error:
        return f"{host}:{port}: {error}"


def _request(url: str, probe: Probe) -> str | None:
    headers = dict(probe.http_headers)
    try:
        # Like a kubelet it verifies no certificate: the CA's is in the pods, not here.
        open_url(url, headers=headers, timeout=probe.timeout_seconds, use_proxy=False, validate_certs=False).close()
        return None
    except OSError as error:  # also what urllib raises
        return f"{url}: {error}"
