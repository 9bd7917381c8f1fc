# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A folder with all that is needed to find out why a run failed."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..module_utils._errors import PipelineError
from ..module_utils._workload.diagnosis import Masker, last_lines, tail
from ..module_utils._workload.layout import Instance
from ..module_utils._workload.supervisor import Supervisor

_LINES = 200
_LARGEST_SECRET = 64 * 1024


@dataclass(frozen=True)
class Failure:
    """Where and how a run failed.

    :param result: the task's result, censored already where the task is `no_log`.
    """

    task: str
    role: str
    path: str
    host: str
    result: Mapping[str, Any]


def collect(folder: Path, failure: Failure, instance: Instance, component: str, secrets: list[str]) -> list[str]:
    """Write the folder, readable by its owner only.

    :param component: the workload whose logs are taken; "" for all.
    :param secrets: values that are masked, besides those in the instance's own files.
    :returns: what could not be read, and why.
    """
    problems: list[str] = []
    mask = Masker([*secrets, *_stored_secrets(instance.home)])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shown = {key: value for key, value in failure.result.items() if key not in ("invocation", "exception")}
    _write(folder / "failure.txt", mask(_headline(failure)))
    _write(folder / "result.json", mask(json.dumps(shown, indent=2, default=str)))
    _write(folder / "host.txt", mask(_host(instance.home)))
    _write(folder / "supervisor.txt", mask(_supervisor(instance)))
    for source, name in _logs(instance.home, component):
        _attempt(problems, lambda source=source, name=name: _write(folder / name, mask(_end(source))))
    return problems


def readable(home: Path) -> bool:
    """Whether the instance's logs may be read; also true where there is no instance yet."""
    if not home.exists():
        return True
    logs = home / "log"
    return os.access(home, os.R_OK | os.X_OK) and (not logs.exists() or os.access(logs, os.R_OK | os.X_OK))


def prune(folder: Path, keep: int = 20) -> None:
    """Remove all but the latest folders below `folder`; their names begin with a time."""
    for old in sorted(path for path in folder.iterdir() if path.is_dir())[:-keep]:
        shutil.rmtree(old, ignore_errors=True)


def _attempt(problems: list[str], step: Callable[[], None]) -> None:
    try:
        step()
    except OSError as error:
        problems.append(str(error))


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")
    path.chmod(0o600)


def _headline(failure: Failure) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S %z")
    message = failure.result.get("msg") or failure.result.get("censored") or ""
    facts = {"when": when, "host": failure.host, "role": failure.role, "task": failure.task, "path": failure.path}
    return "\n".join([*(f"{name + ':':<6} {value}" for name, value in facts.items()), "", str(message)])


def _host(home: Path) -> str:
    existing = home
    while not existing.exists():
        existing = existing.parent
    disk = shutil.disk_usage(existing)
    memory = [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith(("Mem", "Swap"))]
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return "\n".join(
        [f"disk of {home}: {disk.free // 2**20} of {disk.total // 2**20} MiB free", f"load: {load}", *memory]
    )


def _supervisor(instance: Instance) -> str:
    try:
        processes = Supervisor(instance.socket).processes().values()
    except PipelineError as error:
        return error.message
    return "\n".join(
        f"{item.name:<24} {item.state:<10} pid {item.pid:<8} up {max(0, item.now - item.started) if item.pid else 0} s "
        f"{item.problem}".rstrip()
        for item in processes
    )


def _logs(home: Path, component: str) -> Iterator[tuple[Path, str]]:
    """Each log with the name of its copy: the processes' output, and what they write themselves."""
    if not home.is_dir():
        return
    for path in sorted((home / "log").glob(f"{component}*.log")):
        yield path, path.name
    if component and (home / "log/supervisord.log").exists():
        yield home / "log/supervisord.log", "supervisord.log"
    for path in sorted(home.glob(f"{component or '*'}-*/log/*")):
        if path.is_file() and not path.name.endswith((".gz", ".hprof")):
            yield path, f"{path.parent.parent.name}-{path.name}"


def _end(path: Path) -> str:
    path.stat()  # says why it cannot be read, where tail() gives nothing
    return "\n".join(last_lines(tail(path), _LINES))


def _stored_secrets(home: Path) -> Iterator[str]:
    try:
        for path in [*home.glob("*/secrets/*"), *home.glob("credentials/*"), home / "endpoints.json"]:
            if path.is_file() and path.stat().st_size <= _LARGEST_SECRET:
                yield path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # whoever may not read them, may not read the logs either
        return
