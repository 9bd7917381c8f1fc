# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The state of every process of an instance."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import diagnosis
from ..choose import chosen
from ..runs import moment, run_of, sentence
from .layout import Instance
from .supervisor import Process, Supervisor
from .tools import Found, Tools

_PROC = Path("/proc")


def status(instance: Instance, component: str = "", log_lines: int = 0) -> tuple[bool, list[dict[str, Any]]]:
    """Whether the supervisor runs, and each replica.

    Args:
        component: only this workload's, or one replica alone; empty for all.
        log_lines: the last lines of its log come along.

    Raises:
        InvalidError: there is no such component.
    """
    supervisor = Supervisor(instance.socket)
    runs = supervisor.answers()
    processes = supervisor.processes() if runs else {}
    every = _documents(instance)
    documents = {name: every[name] for name in chosen(component, {name: name.rpartition("-")[0] for name in every})}
    alive = [name for name in documents if name in processes and processes[name].alive]
    found = Tools(instance).probe("readiness", alive)
    rows = [_row(name, data, instance, processes.get(name), found.get(name)) for name, data in documents.items()]
    for row in rows:
        if row["kind"] == "job":
            row |= _job(row["name"], instance)
        if row["kind"] == "cronjob":
            row |= _cronjob(row, instance)
    if log_lines:
        masks = {name: _masker(instance, name) for name in documents}
        for row in rows:
            text = diagnosis.tail(Path(row["log"]))
            row["log_tail"] = [masks[row["name"]](line) for line in diagnosis.last_lines(text, log_lines)]
    return runs, rows


def _documents(instance: Instance) -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted((instance.control / "replicas").glob("*.json")):
        try:
            found[path.stem] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return found


def _row(
    name: str, data: dict[str, Any], instance: Instance, process: Process | None, found: Found | None
) -> dict[str, Any]:
    alive = process is not None and process.state in ("RUNNING", "STARTING")
    pid = process.pid if process is not None and alive else 0
    return {
        "name": name,
        "kind": data.get("kind", "service"),
        "state": process.state if process is not None else "ABSENT",
        "ready": bool(alive and found is not None and found.ok),
        "pid": pid,
        "uptime": process.now - process.started if process is not None and alive else 0,
        "started": process.started if process is not None else 0,
        "rss_bytes": _resident(pid) if pid else 0,
        "cpu_seconds": _cpu(pid) if pid else 0.0,
        "memory_limit_bytes": data["start"]["memory_bytes"],
        "memory_kills": found.kills if found else 0,
        "ports": data["ports"],
        "detail": found.detail if found is not None else (process.problem if process is not None else "not loaded"),
        "log": str(instance.output(name)),
    }


def _job(name: str, instance: Instance) -> dict[str, Any]:
    """What is known of a job: the mark that it has run to its end, as it is defined now."""
    try:
        ended = instance.applied(name).stat().st_mtime
    except OSError:
        return {
            "state": "NOT DONE",
            "ready": False,
            "detail": "has not succeeded; the next run of the playbook runs it",
        }
    return {"state": "DONE", "ready": True, "detail": f"succeeded {moment(ended)}"}


def _cronjob(row: Mapping[str, Any], instance: Instance) -> dict[str, Any]:
    """What is known of a cronjob: what cdc-cron keeps, where it runs."""
    try:
        record = json.loads(instance.runs(row["name"]).read_text(encoding="utf-8"))
        last = run_of(record["runs"][-1]) if record["runs"] else None
        next_run = moment(record["next"]) if record["next"] is not None else None
        running = moment(record["running"]["started"]) if record["running"] else None
    except (OSError, ValueError, KeyError, TypeError):
        last, next_run, running = None, None, None
    found: dict[str, Any] = {"next_run": next_run, "last_run": last.document() if last else None}
    if not row["pid"]:
        return {**found, "detail": "; ".join(part for part in (row["detail"], sentence(last)) if part)}
    if not instance.applied(row["name"]).exists():
        text = "its definition is not complete: run the playbook again"
        return {**found, "state": "HELD", "ready": False, "detail": f"{text}; {sentence(last)}"}
    parts = [f"since {running}" if running else f"next {next_run}" if next_run else "", sentence(last)]
    return {**found, "state": "RUNNING" if running else "WAITING", "detail": "; ".join(part for part in parts if part)}


def _masker(instance: Instance, name: str) -> diagnosis.Masker:
    folder = instance.folder(name, "secrets")
    paths = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return diagnosis.Masker(path.read_text(encoding="utf-8", errors="replace") for path in paths)


def _members(leader: int) -> list[int]:
    """Processes of the group of ``leader`` and of sessions its children made (a database's backends)."""
    parents: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                parents[int(entry.name)] = int(fields[1])
    members = [leader]
    for pid in members:
        members += [child for child, parent in parents.items() if parent == pid]
    return members


def _stat(pid: int) -> list[str]:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _resident(leader: int) -> int:
    """Resident bytes of a process and its children; memory that they share counts once, as Pss, where it is known."""
    return sum(_own_memory(pid) for pid in _members(leader))


def _own_memory(pid: int) -> int:
    for file, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            for line in (_PROC / str(pid) / file).read_text().splitlines():
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
        except (OSError, ValueError):
            continue
    return 0


def _cpu(leader: int) -> float:
    """Seconds of CPU that a process and its children have used, those that have ended included."""
    ticks = 0
    for pid in _members(leader):
        fields = _stat(pid)
        ticks += sum(int(item) for item in fields[11:15]) if fields else 0
    return ticks / os.sysconf("SC_CLK_TCK")
