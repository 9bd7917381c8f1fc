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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._certificates.issue import Wanted, issue, make_authority
from ._certificates.parts import now, require_library
from ._processors import use_all_processors
from ._trust_store import key_store, trust_store

MIB = 1024 * 1024
# What the servers of a training take: two brokers, a worker, a registry and a database.
NEEDED_MEMORY = 3072 * MIB
# Their data, what they record, and the caches twice: as they are made, and as they are moved into place.
NEEDED_DISK = 2048 * MIB
LOCK = ".training.lock"
LOG = "training.log"
NOTE = "training-failed.json"
BUSY = 3
"""What cdc-train ends with when another training is at work, and the caches are waited for."""
SPARE_SECONDS = 900
"""What a training takes more than it is given for its load: it waits for a calm host, and makes the caches."""
_LEFT = ".training-*"
_PAUSE_SECONDS = 86400
# A training that waits for a calm host ends within the hour.
_DAYS = 2
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
        "identity": identity(),
        "events": options["events"],
        "seconds": options["timeout"],
        "background": not options["wait"],
    }


def identity() -> dict[str, str]:
    """What the servers of a training prove with who they are. Nobody keeps the key of its authority.

    :raises MissingLibraryError: the library cryptography is not installed.
    """
    require_library()
    authority = make_authority("training", _DAYS, now())
    made = issue(Wanted("kafka", ("127.0.0.1",), _DAYS), authority, now())
    trusted, certificate, key = authority.certificate_pem, made.certificate_pem, made.key_pem
    stores = {"trust_store": trust_store(trusted), "key_store": key_store(certificate, key)}
    return {"authority": trusted, "certificate": certificate, "key": key, **stores}


def owner(cache: Path) -> dict[str, Any] | None:
    """Whose training is at work, as `pid` and `home`, and whether it `waits` to begin; None where none is."""
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
    # The log may be that of another training, until the tool holds the lock and empties it.
    with tempfile.TemporaryFile() as stdin, open(cache / LOG, "ab") as output:
        stdin.write(json.dumps(document).encode())
        stdin.seek(0)
        use_all_processors()
        process = subprocess.Popen(command, stdin=stdin, stdout=output, stderr=output, cwd="/", start_new_session=True)
    deadline = time.monotonic() + _BEGIN_SECONDS
    while process.poll() is None and owner(cache) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return process


def wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """What a training ends with; None where it takes longer, and was ended."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return None


def free(cache: Path, deadline: float) -> bool:
    """Wait until no training is at work. Whether none is.

    :param deadline: by the monotonic clock.
    """
    while owner(cache) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def end(cache: Path, home: str, dry: bool = False) -> bool:
    """End the training of the instance with that home, if there is one. Whether there is.

    :param dry: only look.
    """
    found = owner(cache)
    own = bool(found) and found.get("home") == home
    if dry:
        return own
    if own:
        _end(cache, found["pid"])
    clean(cache)
    return own


def go_first(cache: Path) -> None:
    """End a training that waits for a calm host. The next run of its instance begins another."""
    found = owner(cache)
    if found and found.get("waits"):
        _end(cache, found["pid"])


def _end(cache: Path, pid: int) -> None:
    for asked, seconds in ((signal.SIGTERM, _END_SECONDS), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, asked)
        if free(cache, time.monotonic() + seconds):
            break


def clean(cache: Path) -> None:
    """Remove what killed trainings have left, unless one is at work."""
    with contextlib.suppress(OSError), open(cache / LOCK, "r+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever reads it meanwhile must not take the killed one for the owner.
        lock.truncate(0)
        for left in cache.glob(_LEFT):
            shutil.rmtree(left, ignore_errors=True)


def use(caches: Iterable[str]) -> None:
    """Note that somebody uses these caches: a training removes others after 60 days."""
    for folder in caches:
        with contextlib.suppress(OSError):
            os.utime(folder)


def paused(cache: Path, missing: Iterable[str]) -> str:
    """Why no training is begun in the background: one for the same caches failed less than a day ago.

    :param missing: folders of the caches that are missing.
    """
    note = cache / NOTE
    try:
        found = json.loads(note.read_text("utf-8"))
        same = sorted(found["caches"]) == sorted(missing)
        age = time.time() - found["time"]
    except (OSError, ValueError, TypeError, KeyError):
        return ""
    if not same or not 0 <= age < _PAUSE_SECONDS:
        return ""
    return f"the last training failed, so the next one waits a day; remove {note} to try at once. {last_line(cache)}"


def last_line(cache: Path) -> str:
    """What the last training said in the end, without the lines of a server's log that follow, which are indented."""
    try:
        lines = (cache / LOG).read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        lines = []
    said = [line for line in lines if not line.startswith(" ")]
    return said[-1] if said else "it said nothing"
