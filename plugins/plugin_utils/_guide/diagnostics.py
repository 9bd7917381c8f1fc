# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A folder with all that is needed to find out why a run failed."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .evidence import Evidence, Target, look


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


def collect(folder: Path, failure: Failure, target: Target, secrets: list[str]) -> Evidence:
    """Write the folder, readable by its owner only.

    :param secrets: values that are masked, besides those that the instance keeps.
    :returns: what was found of the component.
    """
    shown = {key: value for key, value in failure.result.items() if key not in ("invocation", "exception")}
    files = {
        "failure.txt": _headline(failure),
        "result.json": json.dumps(shown, indent=2, default=str),
        "host.txt": _host(Path(target.home)),
    }
    found = look(target, files, secrets)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in found.files.items():
        path = folder / name
        path.write_text(text + "\n", encoding="utf-8")
        path.chmod(0o600)
    return found


def prune(folder: Path, keep: int = 20) -> None:
    """Remove all but the latest folders below `folder`; their names begin with a time."""
    for old in sorted(path for path in folder.iterdir() if path.is_dir())[:-keep]:
        shutil.rmtree(old, ignore_errors=True)


def _headline(failure: Failure) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S %z")
    message = failure.result.get("msg") or failure.result.get("censored") or ""
    facts = {"when": when, "host": failure.host, "role": failure.role, "task": failure.task, "path": failure.path}
    return "\n".join([*(f"{name + ':':<6} {value}" for name, value in facts.items()), "", str(message)])


def _host(home: Path) -> str:
    existing = home
    while not os.path.exists(existing):  # noqa: PTH110  Path.exists() raises where a folder above may not be entered
        existing = existing.parent
    disk = shutil.disk_usage(existing)
    memory = [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith(("Mem", "Swap"))]
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return "\n".join(
        [f"disk of {home}: {disk.free // 2**20} of {disk.total // 2**20} MiB free", f"load: {load}", *memory]
    )
