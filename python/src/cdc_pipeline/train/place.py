"""Where a training happens, and how a cache gets its name: whole, or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LOCK = ".training.lock"
_PREFIX = ".training-"
# Whoever asks whether there is a training holds the lock for a moment.
_LOCK_SECONDS = 2.0
_CACHE = re.compile(r"cache_of_[a-z_]+-[0-9a-f]{12}")
# Each run of the module java_cache touches the caches of its instance.
_KEPT_SECONDS = 60 * 86400
FILE = "cache.aot"
"""Name of the cache in its folder."""


class BusyError(RuntimeError):
    """Another training is at work on this host."""


@dataclass(frozen=True)
class Place:
    """Folders of a training.

    Attributes:
        top: all of it; what is made is moved from here.
        config: settings, which the servers read.
        logs: output of the servers.
        work: the servers' own.
    """

    top: Path
    config: Path
    logs: Path
    work: Path


@contextmanager
def held(cache: Path, home: str) -> Iterator[Callable[[bool], None]]:
    """Keeps another training away. The lock ends with this process, and says whose training it is.

    What it gives notes whether the training has not begun yet: one that somebody waits for may end it then.

    Raises:
        BusyError: there is one.
    """
    with open(cache / LOCK, "a+", encoding="utf-8") as lock:

        def note(waits: bool) -> None:
            lock.truncate(0)
            lock.write(json.dumps({"pid": os.getpid(), "home": home, "waits": waits}) + "\n")
            lock.flush()

        _take(lock)
        note(False)
        yield note


def _take(lock: IO[str]) -> None:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                raise BusyError("another training is running on this host") from None
        time.sleep(0.05)


@contextmanager
def place(cache: Path, user: str) -> Iterator[Place]:
    """Makes the folders, and removes them in the end; with them those of trainings that were killed.

    Only who holds the lock may ask for it.
    """
    for left in cache.glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    top = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=cache))
    made = Place(top, top / "config", top / "logs", top / "work")
    try:
        for folder, mode in ((made.config, 0o750), (made.logs, 0o700), (made.work, 0o700)):
            folder.mkdir()
            folder.chmod(mode)
        top.chmod(0o711)
        if user and os.geteuid() == 0:
            who = pwd.getpwnam(user)
            os.chown(made.config, 0, who.pw_gid)
            os.chown(made.work, who.pw_uid, who.pw_gid)
        yield made
    finally:
        shutil.rmtree(top, ignore_errors=True)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    """A file of settings: they hold passwords, which are for the servers' user alone.

    Of root, its group is that of the servers' user. Of anybody else, who is that user, it has no group: PostgreSQL
    takes a key that others may read from root alone.
    """
    path = folder / name
    path.touch(0o600)
    os.chown(path, -1, folder.stat().st_gid)
    path.chmod(0o640 if os.geteuid() == 0 else 0o600)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def publish(made: Path, target: Path, top: Path) -> None:
    """Moves a cache to where it is looked for, as a file that only this process's user can change.

    Args:
        made: written by the servers' user, who must not be able to have another file copied by a link.
        target: the cache's folder.
    """
    staging = top / f"{target.name}.whole"
    staging.mkdir(0o755)
    source = os.open(made, os.O_RDONLY | os.O_NOFOLLOW)
    with open(source, "rb") as content, open(staging / FILE, "wb") as copy:
        shutil.copyfileobj(content, copy, 1 << 20)
        copy.flush()
        os.fsync(copy.fileno())
    (staging / FILE).chmod(0o644)
    staging.chmod(0o755)
    staging.rename(target)


def remove_old(cache: Path, own: Collection[Path], top: Path) -> list[str]:
    """Removes caches that no instance has asked for in 60 days; their names. Java starts without one as well.

    Args:
        cache: folder of the artifacts.
        own: folders that stay.
        top: of the training: a cache moves there first, so that it is there whole or not at all.
    """
    before = time.time() - _KEPT_SECONDS
    removed = []
    for folder in sorted(cache.glob("cache_of_*")):
        with suppress(OSError):
            # A link's own time counts, and what it leads to is left alone.
            if _CACHE.fullmatch(folder.name) and folder not in own and folder.lstat().st_mtime < before:
                removed.append(folder.rename(top / folder.name).name)
    return removed
