"""Logs that are files of this host, which the supervisor rotates."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance, forbidden
from cdc_pipeline.cli.log_lines import Source
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

    def last(self, count: int) -> list[str]:
        with self._opened() as stream:
            return _last(stream, count) if stream else []

    def follow(self, count: int) -> Iterator[str]:
        rest = b""
        with self._opened() as stream:
            if stream is not None:
                yield from _last(stream, count)
            at = stream.tell() if stream else 0
            inode = os.fstat(stream.fileno()).st_ino if stream else 0
        while True:
            with self._opened() as stream:
                if stream is not None:
                    about = os.fstat(stream.fileno())
                    if about.st_ino != inode or about.st_size < at:
                        inode, at, rest = about.st_ino, 0, b""
                    stream.seek(at)
                    *lines, rest = (rest + stream.read()).split(b"\n")
                    at = stream.tell()
                    yield from (line.decode("utf-8", "replace") for line in lines)
            time.sleep(_PAUSE)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO | None]:
        """None where there is no such file, as of a process that has never started."""
        try:
            stream = self.path.open("rb")
        except FileNotFoundError:
            yield None
            return
        except PermissionError:
            raise forbidden(self.path) from None
        except OSError as error:
            raise CdcError(f"{self.path} cannot be read: {error}") from None
        with stream:
            yield stream


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
    """As :func:`cdc_pipeline.cli.log_lines.sources`."""
    names = list(replicas(instance.home))
    files: dict[str, Source] = {name: LogFile(instance.home / "log" / f"{name}.log") for name in names}
    return files, {name: component_of(name) for name in names}
