# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A file that says that a cluster is being made, and keeps a second process away from it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from .._errors import DeadlineError, FailedError
from .._wait import Deadline, wait_for

_BEGUN = b"begun\n"


class Mark:
    """Held as long as a process works on the cluster, and with content from before it is made until it is whole.

    A run that is killed may leave its module, or kind, at work for a while. They hold the file, so that the next run
    waits for them instead of working against them.

    Args:
        dry: nothing is held, and nothing written.
    """

    def __init__(self, path: Path, deadline: Deadline, dry: bool) -> None:
        self._path = path
        self._deadline = deadline
        self._dry = dry
        self._file: int | None = None
        self.begun = False

    def __enter__(self) -> Mark:
        """
        Raises:
            DeadlineError: another process does not let go of it.
            FailedError: it cannot be written.
        """
        try:
            if self._dry:
                self.begun = self._path.exists()
                return self
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = wait_for(self._take, self._deadline)
        except OSError as error:
            raise FailedError(
                f"{self._path} cannot be written", why=str(error), remedy="run with become: true"
            ) from error
        if self._file is None:
            raise DeadlineError(
                "Another process uses this cluster",
                where=f"it holds {self._path}",
                remedy=f"Wait until it ends, or find it: fuser -v {self._path}",
            )
        self.begun = os.pread(self._file, len(_BEGUN), 0) == _BEGUN
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        if not self.begun:
            self._path.unlink(missing_ok=True)
        os.close(self._file)

    def begin(self) -> int | None:
        """From here on an interruption leaves the mark. Gives what a child process may hold."""
        self.begun = True
        if self._file is not None:
            os.pwrite(self._file, _BEGUN, 0)
        return self._file

    def end(self) -> None:
        """The cluster is whole, or gone."""
        self.begun = False

    def _take(self) -> int | None:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed it since it was opened.
            if os.path.samestat(os.fstat(file), self._path.stat()):
                return file
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(file)
        return None
