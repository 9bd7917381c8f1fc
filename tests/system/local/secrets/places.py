# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where a secret might be: files and what is packed in them, processes, what is written to the system's log."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import socket
import stat
import subprocess
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from needles import Search

# Between two looks at the processes, in seconds. What lives for a shorter time may be missed.
_PAUSE = 0.05
# Until a process that was seen is what it is to be: fork comes before exec.
_SETTLES = 1.0
_PACKED = (".gz", ".tgz", ".tar", ".zip", ".whl", ".jar")
_DEEPEST = 4
# Names of files that grep is called with.
_AT_ONCE = 2000
_SYSLOG = Path("/dev/log")
_CORE_TYPE = b"\x04\x00"
_CORE_LIMIT = "Max core file size"


def files_below(roots: Iterable[Path], since: float = 0.0) -> list[Path]:
    """Plain files that have changed since a time, in seconds since the epoch."""
    found: set[Path] = set()
    for root in roots:
        for top, _folders, names in os.walk(root):
            for path in (Path(top, name) for name in names):
                with contextlib.suppress(OSError):
                    information = path.lstat()
                    if stat.S_ISREG(information.st_mode) and information.st_ctime >= since:
                        found.add(path)
    return sorted(found)


def find_in_files(search: Search, paths: Iterable[Path]) -> dict[Path, set[str]]:
    """Names of the secrets in each file that has some, also where it is packed."""
    paths = [path for path in paths if path.exists()]
    found = {path: names for path in _with_any(search, paths) if (names := search.find(_read(path)))}
    for path in paths:
        if path.suffix in _PACKED and (names := _in_packed(search, path.name, _read(path))):
            found[path] = found.get(path, set()) | names
    return found


def _with_any(search: Search, paths: list[Path]) -> Iterator[Path]:
    """Files in which grep finds a form of any secret. They may be many and large."""
    # By its standard input: a file of patterns would be found.
    patterns = b"\n".join(search.names)
    command = ["grep", "--text", "--fixed-strings", "--files-with-matches", "--null", "--no-messages", "--file=-", "--"]
    for begin in range(0, len(paths) if patterns else 0, _AT_ONCE):
        done = subprocess.run(
            [*command, *paths[begin : begin + _AT_ONCE]],
            input=patterns,
            env={"LC_ALL": "C", "PATH": os.defpath},
            capture_output=True,
            check=False,
        )
        yield from (Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        # It has gone meanwhile.
        return b""


def _in_packed(search: Search, name: str, content: bytes, depth: int = 0) -> set[str]:
    found: set[str] = set()
    for inner, data in _members(name, content):
        found |= search.find(data)
        if depth < _DEEPEST:
            found |= _in_packed(search, inner, data, depth + 1)
    return found


def _members(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of what is packed in it; nothing where it is no such file."""
    with contextlib.suppress(OSError, EOFError, tarfile.TarError, zipfile.BadZipFile):
        if name.endswith((".zip", ".whl", ".jar")):
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                yield from ((item, packed.read(item)) for item in packed.namelist())
        elif name.endswith(".tar"):
            with tarfile.open(fileobj=io.BytesIO(content)) as packed:
                for member in packed:
                    if member.isfile() and (stream := packed.extractfile(member)):
                        yield member.name, stream.read()
        elif name.endswith(".tgz"):
            yield f"{name[:-4]}.tar", gzip.decompress(content)
        elif name.endswith(".gz"):
            yield name[:-3], gzip.decompress(content)


def dumps(paths: Iterable[Path]) -> list[Path]:
    """Those that are a dump of a process's memory: cores by their header (elf(5)), Java's heaps by theirs."""
    found = []
    for path in paths:
        with contextlib.suppress(OSError), path.open("rb") as file:
            head = file.read(18)
            if (head.startswith(b"\x7fELF") and head[16:18] == _CORE_TYPE) or head.startswith(b"JAVA PROFILE"):
                found.append(path)
    return found


class _Watch:
    """Looks again and again, in a thread of its own, from its start until it is stopped."""

    def __init__(self, name: str) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_about: object) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Once."""
        raise NotImplementedError

    def _watch(self) -> None:
        while not self._stop.wait(_PAUSE):
            self.look()


class Processes(_Watch):
    """Keeps the arguments and the environment of every process that it sees, from its start until it is stopped."""

    def __init__(self) -> None:
        self.seen: dict[bytes, str] = {}
        self._met: dict[int, float] = {}
        super().__init__("processes")

    def look(self, every: bool = False) -> None:
        """Once at the processes that are new, or at every one."""
        now = time.monotonic()
        pids = {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()}
        for pid in pids:
            if every or now - self._met.setdefault(pid, now) < _SETTLES:
                self._note(pid)
        # A number is given again.
        for pid in self._met.keys() - pids:
            del self._met[pid]

    def _note(self, pid: int) -> None:
        with contextlib.suppress(OSError):
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
            program = arguments.split(b"\0")[0].decode(errors="replace")
            self.seen.setdefault(arguments, f"arguments of {program}")
            self.seen.setdefault(Path(f"/proc/{pid}/environ").read_bytes(), f"environment of {program}")


class Temporary(_Watch):
    """Keeps what is in Ansible's temporary folders while runs last, of the controller and of the host."""

    def __init__(self, folder: Path) -> None:
        self.contents: dict[tuple[Path, int], bytes] = {}
        self._folder = folder
        super().__init__("temporary")

    def look(self) -> None:
        for path in files_below([self._folder]):
            with contextlib.suppress(OSError):
                state = (path, path.stat().st_mtime_ns)
                if state not in self.contents:
                    self.contents[state] = path.read_bytes()


class SystemLog:
    """What is written to the system's log: takes the place of a daemon where there is none, as in a container."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self._socket: socket.socket | None = None

    def __enter__(self) -> SystemLog:
        if not _listens(_SYSLOG):
            # Of a test that was killed.
            _SYSLOG.unlink(missing_ok=True)
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.bind(str(_SYSLOG))
            _SYSLOG.chmod(0o666)
            threading.Thread(target=self._listen, args=(self._socket,), name="log", daemon=True).start()
        return self

    def __exit__(self, *_about: object) -> None:
        if self._socket is not None:
            _SYSLOG.unlink(missing_ok=True)
            # The thread waits in recv, which a socket that is closed alone would not end.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def _listen(self, where: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while message := where.recv(1 << 20):
                self.messages.append(message)

    def text(self, since: float) -> bytes:
        """What was written since a time, in seconds since the epoch: here, or to the journal. Files have /var/log."""
        if self._socket is not None:
            return b"\n".join(self.messages)
        command = ["journalctl", "--quiet", "--output=cat", "--all", f"--since=@{since:.0f}"]
        return subprocess.run(command, capture_output=True, check=True).stdout


def _listens(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller:
            caller.connect(str(path))
    except OSError:
        return False
    return True


def family(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    for child in children(pid):
        yield from family(child)


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def core_limits(pids: Iterable[int]) -> dict[str, tuple[str, ...]]:
    """The soft and the hard limit of a core's bytes, by the number and the program of a process."""
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            program = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
            lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
            (line,) = (line for line in lines if line.startswith(_CORE_LIMIT))
            found[f"{pid} {program}"] = tuple(line[len(_CORE_LIMIT) :].split()[:2])
    return found
