"""Processes of a training. Each runs as the user who is named, and ends with this one."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_SHOWN_LINES = 15


class TrainingError(RuntimeError):
    """Something that a training needs does not work."""


class Runner:
    """Starts processes.

    Args:
        user: who they run as; empty for the user who runs this.
        folder: where they run; theirs.
        logs: where their output goes. Only this process writes there, so that no link can be put in its way.
    """

    def __init__(self, user: str, folder: Path, logs: Path) -> None:
        self.folder, self.logs = folder, logs
        self._as: list[str] = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        if user and os.geteuid() == 0:
            who = pwd.getpwnam(user)
            self._as += [f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
        if self._as:
            self._as.append("--")
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def run(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        seconds: float = 300.0,
    ) -> None:
        """Runs a command to its end. One that takes longer is killed.

        Raises:
            TrainingError: it failed, or has not ended after ``seconds``; with its last lines.
        """
        self.start(name, command, environment)
        # Until it has ended, `kill` has to find it.
        try:
            status = self._running[name].wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill([name])
            raise TrainingError(f"{name} has not ended after {seconds:.0f} s:\n{self.last_lines(name)}") from None
        del self._running[name]
        if status:
            raise TrainingError(f"{name} ended with {status}:\n{self.last_lines(name)}")

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Starts a process and does not wait. Its output is in ``<name>.log``."""
        with self.log(name).open("ab") as output:
            self._running[name] = subprocess.Popen(
                [*self._as, *command],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**_ENVIRONMENT, "HOME": str(self.folder), "TMPDIR": str(self.folder), **(environment or {})},
                # A group to be killed, in the session of the training: Linux shares the CPU among sessions first.
                process_group=0,
            )

    def check(self) -> None:
        """
        Raises:
            TrainingError: one of the processes has ended by itself.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise TrainingError(f"{name} ended with {process.returncode}:\n{self.last_lines(name)}")

    def stop(self, name: str, seconds: float, asked: signal.Signals = signal.SIGTERM) -> None:
        """Asks a process to end, and waits for it. One that has ended already is left alone.

        Raises:
            TrainingError: it still runs after ``seconds``.
        """
        process = self._running.get(name)
        if process is None:
            return
        process.send_signal(asked)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TrainingError(f"{name} has not ended after {seconds:.0f} s:\n{self.last_lines(name)}") from None
        del self._running[name]

    def kill(self, names: Sequence[str] | None = None) -> None:
        """Kills processes, with what they have started; all of them by default."""
        for name in list(self._running) if names is None else names:
            process = self._running.pop(name, None)
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def last_lines(self, name: str) -> str:
        try:
            lines = self.log(name).read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        return "\n".join(f"  {line}" for line in lines[-_SHOWN_LINES:])
