# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The tools of the services package, as this side calls them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..._errors import FailedError
from .layout import Instance
from .plan import LOG_BACKUPS, LOG_BYTES

# A probe may take its own time limit once more than it was told to wait.
_MARGIN_SECONDS = 60.0


@dataclass(frozen=True)
class Found:
    """What a probe found. ``memory`` is bytes used in its control group, ``kills`` what the kernel killed there."""

    ok: bool
    detail: str
    memory: int = 0
    kills: int = 0


class Tools:
    """cdc-probe and cdc-run of an instance.

    Args:
        folder: where they are; by default where the instance has them.
    """

    def __init__(self, instance: Instance, folder: Path | None = None) -> None:
        self.instance = instance
        self.folder = folder or instance.tools

    def probe(self, kind: str, replicas: Iterable[str], wait: float = 0.0) -> dict[str, Found]:
        """Probes replicas at once, again and again for ``wait`` seconds until they pass.

        Raises:
            FailedError: the tool itself is broken.
        """
        files = [str(self.instance.launch(name)) for name in replicas]
        if not files:
            return {}
        command = [str(self.folder / "cdc-probe"), kind, f"--wait={wait:.2f}", *files]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=wait + _MARGIN_SECONDS, check=False, env=_environment()
            )
            found: Mapping[str, Any] = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise _broken(command[0], error) from error
        return {name: Found(**item) for name, item in found.items()}

    def run(
        self,
        replica: str,
        step: str | None,
        output: Path,
        seconds: float,
        stop_signal: str = "TERM",
        grace: float = 0.0,
    ) -> int | None:
        """Runs a step of a replica (its main command where None) to its end; output is appended to ``output``.

        Args:
            stop_signal: what asks it to stop after ``seconds``; what still runs after ``grace`` more is killed.

        Returns:
            The exit status; None when it did not end within ``seconds``.
        """
        command = [str(self.folder / "cdc-run"), str(self.instance.launch(replica))]
        if step is not None:
            command += ["--step", step]
        with output.open("ab") as stream:
            return _run(command, stream, seconds, signal.Signals[f"SIG{stop_signal}"], grace)


def _run(command: list[str], stream: IO[bytes], seconds: float, stop: int, grace: float) -> int | None:
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=_environment(),
            process_group=0,
        )
    except OSError as error:
        raise _broken(command[0], error) from error
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(stop)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def rotate(log: Path) -> None:
    """Keeps a log that supervisord does not write as short as one that it does."""
    if not log.exists() or log.stat().st_size < LOG_BYTES:
        return
    for number in range(LOG_BACKUPS, 0, -1):
        older = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))


def _environment() -> dict[str, str]:
    # Not the caller's: an active virtual environment or PYTHONPATH would change what the tools import.
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def _broken(tool: str, error: Exception) -> FailedError:
    return FailedError(
        f"The tool {Path(tool).name} does not work",
        where=tool,
        why=str(error),
        remedy="run the playbook with the tags artifacts and services",
    )
