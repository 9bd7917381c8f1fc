# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The processes that belong to an instance: what its supervisor or a run has started, and what works in its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .._run_lock import alive

_PAGE = 4096


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    resident: int


def own_processes(home: Path, proc: Path = Path("/proc")) -> dict[int, int]:
    """Resident bytes of each of the instance's processes, by process id.

    A process is the instance's if supervisord (`<home>/supervisor/supervisord.pid`) is among its ancestors, if its
    working folder or its command lies in `home`, or if it forwards ports for the run before this one
    (`<home>/port-forward.json`), which ends in a moment.
    """
    processes = {item.pid: item for item in _processes(proc)}
    supervisor = _number(home / "supervisor/supervisord.pid")
    forwarder = _forwarder(home / "port-forward.json", proc)
    return {
        pid: item.resident
        for pid, item in processes.items()
        if pid == forwarder or _descends(pid, supervisor, processes) or _lies_in(proc / str(pid), home)
    }


def _processes(proc: Path) -> Iterator[_Process]:
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        yield _Process(int(folder.name), int(fields[1]), int(fields[21]) * _PAGE)


def _descends(pid: int, ancestor: int, processes: dict[int, _Process]) -> bool:
    while ancestor and pid in processes:
        if pid == ancestor:
            return True
        pid = processes[pid].parent
    return False


def _lies_in(process: Path, home: Path) -> bool:
    try:
        if f"{(process / 'cwd').readlink()}/".startswith(f"{home.resolve()}/"):
            return True
    except OSError:
        pass
    try:
        # Ansible's own processes name the home among their options, and are no part of the instance.
        command = (process / "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return False
    return f"{home}/" in command and "ansible" not in command


def _forwarder(path: Path, proc: Path) -> int:
    try:
        process = json.loads(path.read_text(encoding="utf-8"))["process"]
        return process["pid"] if alive(process["pid"], process["start"], proc) else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _number(path: Path) -> int:
    try:
        return int(path.read_text().strip())
    except (OSError, ValueError):
        return 0
