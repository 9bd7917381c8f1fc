# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A container engine's command line, docker or podman."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from typing import BinaryIO

from .._errors import FailedError, UnreachableError

_UNREACHABLE = ("cannot connect to the docker daemon", "connection refused", "no such host", "permission denied while")


class Engine:
    """Runs ``command``; its own environment (DOCKER_HOST, credentials) holds."""

    def __init__(self, command: str) -> None:
        self.command = command

    def run(self, *arguments: str, write: Callable[[BinaryIO], None] | None = None) -> str:
        """The output of a call.

        :param write: writes the call's standard input.
        :raises UnreachableError: there is no such command, or its service does not answer.
        :raises FailedError: it ended with an error.
        """
        done = self.attempt(*arguments, write=write)
        if done.returncode:
            raise self._failure(arguments, done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def attempt(
        self, *arguments: str, write: Callable[[BinaryIO], None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The same, for a call whose failure is an answer."""
        call = [self.command, *arguments]
        stdin = subprocess.PIPE if write else subprocess.DEVNULL
        try:
            process = subprocess.Popen(call, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except (FileNotFoundError, PermissionError):
            raise UnreachableError(
                f"The command {self.command} is missing",
                remedy="Install a container engine, or name yours: images_engine (docker or podman).",
                lasting=True,
            ) from None
        with process:
            if write and process.stdin:
                try:
                    write(process.stdin)
                    process.stdin.close()
                except BrokenPipeError:
                    pass  # its output tells why it left
                process.stdin = None
            output, errors = process.communicate()
        return subprocess.CompletedProcess(call, process.returncode, _text(output), _text(errors))

    def _failure(self, arguments: Sequence[str], why: str) -> FailedError | UnreachableError:
        where = " ".join([self.command, *arguments])
        if any(text in why.lower() for text in _UNREACHABLE):
            return UnreachableError(
                f"The container engine {self.command} does not answer",
                where=where,
                why=why[-600:],
                remedy="Start it, or set DOCKER_HOST (or CONTAINER_HOST) to its address, and check that this "
                "user may use it.",
            )
        return FailedError(f"{self.command} {arguments[0]} failed", where=where, why=why[-1500:])


def _text(output: bytes | None) -> str:
    return (output or b"").decode(errors="replace")
