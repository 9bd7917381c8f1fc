"""The archive's objects as files that DuckDB can read.

Its own extension for S3 is a download that not every host can make.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Protocol

from fsspec import AbstractFileSystem

PROTOCOL = "archive"
_ALL = "/**"
# A whole object of so many bytes takes no longer than its footer; a tile of a thousand rows is of this kind.
_WHOLE = 256 * 1024
# What a larger one's footer usually takes.
_TAIL = 64 * 1024
# What is kept of objects that were read: all of small ones, the ends of others. A query may read each several times.
_KEPT = 128 * 1024 * 1024
Fetch = Callable[[str, int, int], bytes]


class Entry(Protocol):
    """An object in the listing of a bucket."""

    key: str
    size: int
    modified: datetime


def pattern(folder: str) -> str:
    """What DuckDB is told to read: every object below a folder."""
    return f"{PROTOCOL}://{folder}{_ALL}"


class ArchiveFiles(AbstractFileSystem):
    """Read only. A listing is made when DuckDB first resolves a pattern, and tells the sizes of what it then reads.

    It is the same for all parts of a statement, which may read the objects more than once: see :meth:`forget`.

    Args:
        entries: lists the Parquet objects below a folder.
        fetch: reads bytes of an object: key, first byte, and the one after the last.
    """

    protocol = PROTOCOL
    cachable = False

    def __init__(self, entries: Callable[[str], Iterator[Entry]], fetch: Fetch) -> None:
        super().__init__()
        self._entries = entries
        self._fetch = fetch
        self._kept = _Kept(fetch)
        self._known: dict[str, Entry] = {}
        self._listed: dict[str, list[str]] = {}

    def forget(self, path: str) -> None:
        """List the objects of a pattern again when they are next wanted."""
        self._listed.pop(_key(path), None)

    def glob(self, path: str, maxdepth: int | None = None, **kwargs: Any) -> list[str]:
        path = _key(path)
        if not path.endswith(_ALL):
            return [path] if path in self._known else []
        if path not in self._listed:
            found = {entry.key: entry for entry in self._entries(path.removesuffix(_ALL))}
            self._known.update(found)
            self._listed[path] = sorted(found)
        return list(self._listed[path])

    def exists(self, path: str, **kwargs: Any) -> bool:
        return _key(path) in self._known

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        entry = self._entry(path)
        return {"name": entry.key, "size": entry.size, "type": "file"}

    def modified(self, path: str) -> datetime:
        return self._entry(path).modified

    def open(self, path: str, mode: str = "rb", **kwargs: Any) -> io.RawIOBase:
        if mode != "rb":
            raise OSError(f"{path}: the archive is only read")
        entry = self._entry(path)
        return _Object(entry.key, entry.size, self._fetch, self._kept)

    def _entry(self, path: str) -> Entry:
        try:
            return self._known[_key(path)]
        except KeyError:
            raise FileNotFoundError(path) from None


class _Kept:
    """Parts of objects, which never change; those that were read longest ago make room."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._parts: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def part(self, key: str, begin: int, end: int) -> bytes:
        at = key, begin, end
        with self._lock:
            if at in self._parts:
                self._parts.move_to_end(at)
                return self._parts[at]
        data = self._fetch(key, begin, end)
        with self._lock:
            if at not in self._parts:
                self._parts[at] = data
                self._size += len(data)
            while self._size > _KEPT:
                self._size -= len(self._parts.popitem(last=False)[1])
        return data


class _Object(io.RawIOBase):
    """An object of which only what is read is fetched, and the end once."""

    def __init__(self, key: str, size: int, fetch: Fetch, kept: _Kept) -> None:
        self._key, self.size, self._fetch, self._parts = key, size, fetch, kept
        self._position = threading.local()
        self._kept_from = 0 if size <= _WHOLE else size - _TAIL
        self._kept: bytes | None = None

    @property
    def _at(self) -> int:
        """Where the calling thread is: DuckDB's threads share a file, and each seeks before it reads."""
        return int(getattr(self._position, "at", 0))

    @_at.setter
    def _at(self, at: int) -> None:
        self._position.at = at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self.size if size < 0 else min(self.size, self._at + size)
        if end <= self._at:
            return b""
        if self._at >= self._kept_from:
            if self._kept is None:
                self._kept = self._parts.part(self._key, self._kept_from, self.size)
            data = self._kept[self._at - self._kept_from : end - self._kept_from]
        else:
            data = self._fetch(self._key, self._at, end)
        self._at += len(data)
        return data


def _key(path: str) -> str:
    return path.removeprefix(f"{PROTOCOL}://")
