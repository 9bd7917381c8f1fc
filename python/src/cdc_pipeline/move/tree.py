"""A folder as a stream and back, and a digest that says whether two folders hold the same."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

# Of the tool's own, in the folder that is filled.
INCOMING, MARKER = ".cdc-incoming", ".cdc-moved"
_OWN = (INCOMING, MARKER, "lost+found")
_CHUNK = 1 << 20


class TreeError(RuntimeError):
    """A folder cannot be copied as it is."""


@dataclass(frozen=True)
class Summary:
    """``digest`` covers paths and contents, not owners, modes or times."""

    files: int
    bytes: int
    digest: str

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def summary(folder: Path) -> Summary:
    """What a folder holds, the tool's own files apart.

    Raises:
        TreeError: it holds something other than files and folders.
    """
    total, count, digest = 0, 0, hashlib.sha256()
    for path in _entries(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            digest.update(f"{name}/\n".encode())
            continue
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
            total += os.fstat(file.fileno()).st_size
        count += 1
        digest.update(f"{name}\0{content}\n".encode())
    return Summary(count, total, digest.hexdigest())


def pack(folder: Path, stream: IO[bytes]) -> None:
    """Writes a folder as a tar archive.

    Raises:
        TreeError: it holds something other than files and folders, or a file became shorter meanwhile.
    """
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path in _entries(folder):
            info = archive.gettarinfo(path, path.relative_to(folder).as_posix())
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            # Two names of one file are two files: nothing here is linked on purpose.
            info.type = tarfile.DIRTYPE if path.is_dir() else tarfile.REGTYPE
            if info.isdir():
                archive.addfile(info)
                continue
            with path.open("rb") as file:
                info.size = os.fstat(file.fileno()).st_size
                try:
                    archive.addfile(info, file)
                except OSError as error:
                    raise TreeError(f"{path} changed while it was read: {error}") from error


def unpack(stream: IO[bytes], folder: Path) -> Summary:
    """Fills an empty folder from a tar archive, durably; what it says is read back from the disk."""
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if not member.isreg() and not member.isdir():
                raise TreeError(f"{member.name} is neither a file nor a folder")
            if Path(member.name).is_absolute() or ".." in Path(member.name).parts:
                raise TreeError(f"{member.name} lies outside of the folder")
            archive.extract(member, folder)
    os.sync()
    return summary(folder)


def empty(folder: Path) -> bool:
    """Whether there is nothing but the tool's own."""
    return all(path.name in _OWN for path in folder.iterdir())


def clear(folder: Path) -> None:
    """Removes all but the marker."""
    for path in folder.iterdir():
        if path.name in (MARKER, "lost+found"):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _entries(folder: Path) -> Iterator[Path]:
    """Everything below, folders before what is in them, in an order that does not depend on the file system."""
    found = [Path(item.path) for item in os.scandir(folder) if item.name not in _OWN]
    for path in sorted(found, key=lambda each: each.name):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield path
            yield from _entries(path)
        elif stat.S_ISREG(mode):
            yield path
        else:
            raise TreeError(f"{path} is neither a file nor a folder, so it cannot be moved")
