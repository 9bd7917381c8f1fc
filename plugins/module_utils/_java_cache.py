# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Starts and ends the training of Java's caches, which the tool cdc-train of the services does.

A training is never needed: without a cache, Java starts as it does otherwise.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 1024 * 1024
# What the servers of a training take: two brokers, a worker, a registry and a database.
NEEDED_MEMORY = 3072 * MIB
# Their data, what they record, and the caches twice: as they are made, and as they are moved into place.
NEEDED_DISK = 2048 * MIB
LOCK = ".training.lock"
LEFT = ".training-"
# A training that could not be made is not tried again at once.
FAILED = "training-failed.json"
_FAILED_SECONDS = 86_400
# Beside the time that a training may take: until the host is calm, and for the caches that are made in the end.
PATIENCE_SECONDS = 1_800
_BEGIN_SECONDS = 20.0
_END_SECONDS = 60.0


@dataclass(frozen=True)
class Host:
    """What a training needs of a host, as it is. Bytes; None where it is not known."""

    memory: int | None
    disk: int | None
    postgresql: bool


def unfit(host: Host, postgresql: str) -> str:
    """Why a training would not succeed, or would harm the pipeline; nothing where it would not."""
    if not host.postgresql:
        return f"there is no PostgreSQL in {postgresql}"
    if host.memory is not None and host.memory < NEEDED_MEMORY:
        return f"{host.memory // MIB} MiB of memory are available, and a training takes {NEEDED_MEMORY // MIB}"
    if host.disk is not None and host.disk < NEEDED_DISK:
        return f"{host.disk // MIB} MiB of disk are free in the cache, and a training takes {NEEDED_DISK // MIB}"
    return ""


def look(cache: Path, postgresql: str) -> Host:
    """The host as it is now."""
    there = next(path for path in (cache, *cache.parents) if path.exists())
    return Host(_available(), shutil.disk_usage(there).free, (Path(postgresql) / "initdb").is_file())


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    amounts = {line.partition(":")[0]: line.split()[1] for line in lines if ":" in line}
    return int(amounts["MemAvailable"]) * 1024 if "MemAvailable" in amounts else None


def plan(options: Mapping[str, Any]) -> dict[str, Any]:
    """What cdc-train reads, by the options of the module."""
    found = sorted(str(path) for path in Path("/").glob(options["java"].lstrip("/")))
    return {
        "home": options["home"],
        "cache": options["cache"],
        "java": found[-1] if found else options["java"],
        "postgresql": options["postgresql"],
        "user": options["user"] or "",
        "programs": options["programs"],
        "events": options["events"],
        "seconds": options["timeout"],
        "background": not options["wait"],
    }


def owner(cache: Path) -> dict[str, Any] | None:
    """Whose training is at work, as `pid` and `home`; None where none is."""
    try:
        with open(cache / LOCK, "r+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return _read(lock.read())
    except OSError:
        pass
    return None


def _read(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:
        return {}


def until_free(cache: Path, seconds: float) -> bool:
    """Wait for the end of a training, if there is one. Whether it came in time."""
    deadline = time.monotonic() + seconds
    while owner(cache) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def failed_before(cache: Path, missing: list[str]) -> str:
    """Why a training of these caches is not tried again yet; nothing where it may be.

    :param missing: the caches' folders.
    """
    file = cache / FAILED
    try:
        note = json.loads(file.read_text("utf-8"))
        recent = 0 <= time.time() - note["time"] < _FAILED_SECONDS
        same = sorted(note["wanted"]) == sorted(missing)
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if not (recent and same):
        return ""
    return (
        f"a training failed, and is tried again after a day, or at once when {file} is removed: {note.get('why', '')}"
    )


def remove_leftovers(cache: Path) -> None:
    """Remove what a training that was killed has left, which is up to 1 GB. Nothing while a training is at work."""
    with contextlib.suppress(OSError), open(cache / LOCK, "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in cache.glob(f"{LEFT}*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)


def start(tool: str, document: Mapping[str, Any], cache: Path) -> subprocess.Popen[bytes]:
    """Start a training in a session of its own. Return when it holds the lock, or has ended.

    :raises OSError: the tool cannot be started.
    """
    command = [tool, "--plan", "-"]
    if not document["background"]:
        command = ["setpriv", "--pdeathsig", "TERM", "--", *command]
    elif shutil.which("ionice"):
        # -t: run the tool even where the kernel does not allow an idle priority.
        command = ["ionice", "-t", "-c", "3", *command]
    # Another instance may begin one at the same time, so each appends, and the plan is of this one alone.
    with open(cache / "training.log", "ab") as output, tempfile.TemporaryFile(dir=cache) as given:
        given.write(json.dumps(document).encode())
        given.seek(0)
        process = subprocess.Popen(command, stdin=given, stdout=output, stderr=output, cwd="/", start_new_session=True)
    deadline = time.monotonic() + _BEGIN_SECONDS
    while process.poll() is None and owner(cache) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return process


def ended(process: subprocess.Popen[bytes], seconds: float) -> int:
    """The status of a training, which is ended where it takes longer."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
    try:
        return process.wait(_END_SECONDS) or 1
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait() or 1


def end(cache: Path, home: str, dry: bool = False) -> bool:
    """End the training of the instance with that home, if there is one. Whether there is.

    :param dry: only look.
    """
    found = owner(cache)
    if not found or found.get("home") != home:
        return False
    if dry:
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(found["pid"], signal.SIGTERM)
    deadline = time.monotonic() + _END_SECONDS
    while owner(cache) is not None:
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(found["pid"], signal.SIGKILL)
            break
        time.sleep(0.1)
    until_free(cache, _BEGIN_SECONDS)
    remove_leftovers(cache)
    return True


def last_line(cache: Path) -> str:
    """What the last training said in the end, without the lines of a server's log that follow, which are indented."""
    try:
        lines = (cache / "training.log").read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        lines = []
    said = [line for line in lines if not line.startswith(" ")]
    return said[-1] if said else "it said nothing"
