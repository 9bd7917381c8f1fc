# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Processes and files of an instance that the version which runs it does not use.

Folders of artifacts that no instance uses stay in the cache: they are shared by all instances, and docs say that the
cache may be removed.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

# Of a replica, and of the instance: what belongs to the processes, not to a version.
_NOT_OF_A_VERSION = ("data", "log", "tmp")
# Says that a process ran for a while; a fresh installation may not have it yet.
_IN_TIME = ".lived"
_GONE = " (deleted)"


@dataclass(frozen=True)
class Process:
    """A process with every path that it was started with, runs from or has open."""

    pid: int
    parent: int
    command: str
    paths: frozenset[str]

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command[:200]})"


def read_processes(root: Path = Path("/proc")) -> list[Process]:
    """Every process but those of the kernel."""
    return [
        process
        for folder in root.iterdir()
        if folder.name.isdigit() and (process := _read_process(folder)) is not None and process.command
    ]


def _read_process(folder: Path) -> Process | None:
    try:
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        stat = (folder / "stat").read_text(errors="replace")
        maps = (folder / "maps").read_text(errors="replace").splitlines()
        links = [folder / "exe", folder / "cwd", *(folder / "fd").iterdir()]
    except OSError:  # It has ended.
        return None
    paths = {line.split(maxsplit=5)[5] for line in maps if line.count(" /")}
    for link in links:
        try:
            paths.add(os.readlink(link))  # noqa: PTH115
        except OSError:
            continue
    return Process(int(folder.name), int(stat[stat.rindex(")") + 2 :].split()[1]), command, frozenset(paths))


def of_instance(processes: Iterable[Process], home: Path) -> list[Process]:
    """Those that were started with a path of the instance's home, or run there."""
    inside = f"{home}/"
    return [each for each in processes if inside in each.command or any(path.startswith(inside) for path in each.paths)]


def process_problems(
    mine: Sequence[Process], programs: Iterable[str], artifacts: Iterable[str], foreign: Iterable[Path]
) -> list[str]:
    """What is wrong with the processes of an instance.

    Args:
        mine: its processes.
        programs: the commands that its supervisor is told to run.
        artifacts: folders of the cache that its version runs from.
        foreign: folders from which nothing may run, such as the checkout of another version.
    """
    problems = []
    pids = {each.pid for each in mine}
    roots = [each for each in mine if each.parent not in pids]
    if len(roots) != 1:
        listed = "; ".join(str(each) for each in roots) or "none"
        problems.append(f"one supervisor has to be the parent of all processes; without a parent: {listed}")
    children = [each for each in mine if each.parent in {root.pid for root in roots}]
    wanted = len(list(programs))
    # Fewer may run, such as jobs that have ended; whether what must run does is for verification to say.
    if len(children) > wanted:
        listed = "; ".join(str(each) for each in children)
        problems.append(f"the supervisor is told to run {wanted} programs, and {len(children)} run: {listed}")
    stated = tuple(f"{folder}/" for folder in artifacts)
    caches = tuple({f"{PurePath(folder).parent}/" for folder in artifacts})
    others = tuple(f"{folder}/" for folder in foreign)
    for each in mine:
        used = [*each.paths, *re.findall(r"/[^\s:=]+", each.command)]
        for path in sorted(set(used)):
            where = f"{path.removesuffix(_GONE)}/"
            if where.startswith(others) or (where.startswith(caches) and not where.startswith(stated)):
                problems.append(f"{each} uses {path}, which this version does not use")
            elif where.startswith(caches) and path.endswith(_GONE):
                problems.append(f"{each} uses {path}, which was replaced")
    return problems


def programs_of(home: Path) -> list[str]:
    """The commands that the supervisor is told to run."""
    found = []
    for path in (home / "supervisor/supervisord.conf", *sorted((home / "supervisor/conf.d").glob("*.conf"))):
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(path.read_text())
        for section in parser.sections():
            if section.startswith(("program:", "eventlistener:")):
                copies = parser.getint(section, "numprocs", fallback=1)
                found += [parser.get(section, "command")] * copies
    return found


def files_of(home: Path) -> set[str]:
    """Files of the instance that a version writes: no data, logs or temporary ones."""
    return {
        str(relative)
        for path in home.rglob("*")
        if not path.is_dir()
        and not path.is_socket()
        and not set((relative := path.relative_to(home)).parts[:-1][:2]) & set(_NOT_OF_A_VERSION)
    }


def left_over_files(found: Iterable[str], fresh: Iterable[str]) -> list[str]:
    """Files that a fresh installation does not have."""
    wanted = set(fresh)

    def expected(name: str) -> bool:
        return name in wanted or (name.endswith(_IN_TIME) and f"{name.removesuffix(_IN_TIME)}.json" in wanted)

    return sorted(name for name in found if not expected(name))


def references(home: Path, artifacts: Iterable[str]) -> list[str]:
    """Files of the instance that name a folder of the cache which its version does not use."""
    folders = set(artifacts)
    caches = "|".join(re.escape(str(cache)) for cache in {PurePath(folder).parent for folder in folders})
    pattern = re.compile(rf"(?:{caches})/[\w.-]+-[0-9a-f]{{8,}}")

    def problems() -> Iterator[str]:
        for name in sorted(files_of(home)):
            text = (home / name).read_text(errors="replace")
            for folder in sorted(set(pattern.findall(text)) - folders):
                yield f"{name} names {folder}, which this version does not use"

    return list(problems())
