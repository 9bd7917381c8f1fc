# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A lock that belongs to a whole playbook run, and ends with it."""

from __future__ import annotations

import datetime
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ._errors import FailedError, RefusedError

_PROC = Path("/proc")
_RUNNER = "ansible-playbook"


@dataclass(frozen=True)
class Run:
    """A playbook run. A process id is used again some day; with the start (clock ticks since boot) it is unique."""

    pid: int
    start: int
    command: str
    since: str = ""

    def shown(self) -> dict[str, Any]:
        return asdict(self)

    def same(self, other: Run) -> bool:
        """Whether both are the same process."""
        return (self.pid, self.start) == (other.pid, other.start)


def find_run(pid: int | None = None, proc: Path = _PROC) -> Run | None:
    """The top-most ansible-playbook process among the ancestors of ``pid`` (by default of this one)."""
    found = None
    current = os.getpid() if pid is None else pid
    while current > 1:
        status = _status(current, proc)
        if status is None:
            break
        parent, start = status
        words = _words(current, proc)
        # A script runs as `python /path/to/ansible-playbook ...`.
        if any(Path(word).name == _RUNNER for word in words[:3]):
            found = Run(current, start, " ".join(words))
        current = parent
    return found


def take(path: str | Path, run: Run, what: str, dry: bool = False, proc: Path = _PROC) -> None:
    """Makes ``run`` the owner of the lock at ``path``. An owner that has ended is replaced.

    Raises:
        RefusedError: another run that lives has it.
        FailedError: the file cannot be written.
    """
    path = Path(path)
    if dry:
        _refuse(_read(path), run, what, proc)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as stream:
            # Held only while the file is read and written: two runs that start in the same moment take turns here.
            fcntl.flock(stream, fcntl.LOCK_EX)
            owner = _parse(stream.read())
            _refuse(owner, run, what, proc)
            if owner is not None and owner.same(run):
                return
            now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
            stream.seek(0)
            stream.truncate()
            stream.write(json.dumps(asdict(Run(run.pid, run.start, run.command, now))) + "\n")
    except OSError as error:
        raise FailedError(f"Cannot write the lock {path}", why=str(error), remedy="run with become: true") from error


def alive(pid: int, start: int | None = None, proc: Path = _PROC) -> int | None:
    """The start of the process ``pid`` if it lives, and has that ``start`` where one is given."""
    status = _status(pid, proc)
    if status is None or start not in (None, status[1]):
        return None
    return status[1]


def _refuse(owner: Run | None, run: Run, what: str, proc: Path) -> None:
    if owner is None or owner.same(run):
        return
    status = _status(owner.pid, proc)
    if status is None or status[1] != owner.start:
        return
    raise RefusedError(
        f"Another run uses {what}",
        why=f"process {owner.pid} since {owner.since}: {owner.command}",
        remedy=f"wait until it ends, or end it with `kill {owner.pid}`; nothing has been changed by this run",
        owner=owner.shown(),
    )


def _read(path: Path) -> Run | None:
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except OSError:
        return None


def _parse(text: str) -> Run | None:
    try:
        return Run(**json.loads(text))
    except (ValueError, TypeError):
        return None


def _status(pid: int, proc: Path) -> tuple[int, int] | None:
    """Parent and start of a process; None where there is none (a zombie has ended, too)."""
    try:
        # The name in parentheses may hold anything, so the fields are counted from its end.
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else (int(fields[1]), int(fields[19]))


def _words(pid: int, proc: Path) -> list[str]:
    try:
        return (proc / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")
    except OSError:
        return []
