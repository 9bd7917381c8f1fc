# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Folders that must be writable, and the room on their file systems."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .._problem import Problem

_READ_ONLY = getattr(os, "ST_RDONLY", 1)


@dataclass(frozen=True)
class Wanted:
    """A folder that the instance needs.

    :param variable: the variable that names it.
    :param free_mib: room that its file system must have.
    """

    variable: str
    path: Path
    free_mib: int


def storage(wanted: list[Wanted]) -> Iterator[Problem]:
    """What stands in the way of writing to each folder; the room of those on one file system is summed."""
    room: dict[int, list[Wanted]] = {}
    for item in wanted:
        existing = _nearest(item.path)
        problem = _unusable(item, existing)
        if problem:
            yield problem
        elif item.free_mib > 0:
            room.setdefault(existing.stat().st_dev, []).append(item)
    for items in room.values():
        yield from _room(items)


def _nearest(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _unusable(item: Wanted, existing: Path) -> Problem | None:
    if not existing.is_dir():
        return Problem(
            "folder",
            f"{item.variable} cannot be made: {existing} is not a folder",
            found=str(item.path),
            remedy=f"move {existing} away, or choose another {item.variable}",
        )
    if os.statvfs(existing).f_flag & _READ_ONLY:
        return Problem(
            "folder",
            f"{item.variable} is on a read-only file system",
            found=str(existing),
            remedy=f"mount it writable, or choose another {item.variable}",
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        return Problem(
            "folder",
            f"{item.variable} cannot be written",
            found=f"{existing} is not writable for user id {os.geteuid()}",
            remedy=f"run with become, or choose another {item.variable}",
        )
    return None


def _room(items: list[Wanted]) -> Iterator[Problem]:
    existing = _nearest(items[0].path)
    needed = sum(item.free_mib for item in items)
    free = shutil.disk_usage(existing).free // 1024**2
    information = os.statvfs(existing)
    names = " and ".join(item.variable for item in items)
    paths = ", ".join(str(item.path) for item in items)
    remedy = f"free space (df -h {existing}), or choose another {names}"
    if free < needed:
        yield Problem(
            "disk", f"{needed} MiB of disk are needed for {names}", found=f"{free} MiB free for {paths}", remedy=remedy
        )
    # File systems without inodes of their own, such as btrfs, report none.
    elif information.f_files and information.f_favail < 10_000:
        found = f"{information.f_favail} inodes free for {paths}"
        yield Problem("disk", f"The file system of {names} runs out of inodes", found=found, remedy=remedy)


def free_mib(fresh: Mapping[str, int], home: Path, cache: Path, artifacts_missing: bool) -> list[Wanted]:
    """Room for what is still to be written.

    :param fresh: MiB that a new instance (`home`), one that stands (`kept`), and all artifacts (`cache`) need.
    """
    stands = (home / "supervisor").is_dir()
    return [
        Wanted("cdc_home", home, fresh["kept"] if stands else fresh["home"]),
        Wanted("cdc_cache", cache, fresh["cache"] if artifacts_missing else 0),
    ]
