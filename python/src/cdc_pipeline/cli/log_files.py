"""Logs that are files of this host, which the supervisor rotates."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance, forbidden
from cdc_pipeline.cli.log_lines import Source
from cdc_pipeline.cli.log_times import time_of
from cdc_pipeline.cli.processes import component_of, replicas

_BLOCK = 64 * 1024
_PAUSE = 0.25


@dataclass(frozen=True)
class LogFile:
    """A log that grows, and is moved away when it is large."""

    path: Path

    @property
    def place(self) -> str:
        return str(self.path)

    def last(self, count: int | None, since: dt.datetime | None) -> Iterator[str]:
        return iter(self._end(count, since)[0])

    def follow(self, count: int | None, since: dt.datetime | None) -> Iterator[str]:
        lines, inode, at = self._end(count, since)
        yield from lines
        rest = b""
        while True:
            with self._opened(self.path) as stream:
                if stream is not None:
                    about = os.fstat(stream.fileno())
                    if about.st_ino != inode or about.st_size < at:
                        inode, at, rest = about.st_ino, 0, b""
                    stream.seek(at)
                    *lines, rest = (rest + stream.read()).split(b"\n")
                    at = stream.tell()
                    yield from (line.decode("utf-8", "replace") for line in lines)
            time.sleep(_PAUSE)

    def _end(self, count: int | None, since: dt.datetime | None) -> tuple[Sequence[str], int, int]:
        """The last whole lines, and the inode and the place in the file up to where they were read."""
        if since is None and count is not None:
            with self._opened(self.path) as stream:
                return (_last(stream, count), _inode(stream), stream.tell()) if stream else ([], 0, 0)
        lines: deque[str] = deque(maxlen=count)
        now, begun, inode, at = dt.datetime.now(dt.UTC), since is None, 0, 0
        for path in self._files():
            with self._opened(path) as stream:
                if stream is None or (since and os.fstat(stream.fileno()).st_mtime < since.timestamp()):
                    continue
                inode, at = _inode(stream), 0
                for line in stream:
                    if not line.endswith(b"\n"):
                        break
                    at += len(line)
                    text = line.decode("utf-8", "replace").rstrip("\r\n")
                    # A line without a time, as of a stack trace, belongs to the one before it.
                    begun = begun or ((written := time_of(text, now)) is not None and written >= since)
                    if begun and text.strip():
                        lines.append(text)
        return lines, inode, at

    def _files(self) -> list[Path]:
        """The log and what the supervisor has moved away of it, the oldest first."""
        found = [self.path]
        while (older := self.path.with_name(f"{self.path.name}.{len(found)}")).exists():
            found.append(older)
        return found[::-1]

    @contextlib.contextmanager
    def _opened(self, path: Path) -> Iterator[BinaryIO | None]:
        """None where there is no such file, as of a process that has never started."""
        try:
            stream = path.open("rb")
        except FileNotFoundError:
            yield None
            return
        except PermissionError:
            raise forbidden(path) from None
        except OSError as error:
            raise CdcError(f"{path} cannot be read: {error}") from None
        with stream:
            yield stream


def _inode(stream: BinaryIO) -> int:
    return os.fstat(stream.fileno()).st_ino


def _last(stream: BinaryIO, count: int) -> list[str]:
    """The last whole lines that are not blank; the stream then stands behind them."""
    end = stream.seek(0, os.SEEK_END)
    begin, data = end, b""
    while begin > 0 and data.count(b"\n") <= count:
        begin = max(0, begin - _BLOCK)
        stream.seek(begin)
        data = stream.read(end - begin)
    whole = data.rpartition(b"\n")[0]
    stream.seek(begin + len(whole) + 1 if whole or data.startswith(b"\n") else begin)
    lines = (line for line in whole.decode("utf-8", "replace").splitlines() if line.strip())
    return list(deque(lines, maxlen=count))


def file_sources(instance: Instance) -> tuple[dict[str, Source], dict[str, str]]:
    """As :func:`cdc_pipeline.cli.logs.sources`."""
    names = list(replicas(instance.home))
    files: dict[str, Source] = {name: LogFile(instance.home / "log" / f"{name}.log") for name in names}
    return files, {name: component_of(name) for name in names}
