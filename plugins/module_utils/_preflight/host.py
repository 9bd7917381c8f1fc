# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Operating system, processor, Python, memory, clock and rights of a host."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .._problem import Problem

# The first release's year: a clock before it is wrong, and TLS and S3 signatures would fail.
_EARLIEST = time.mktime((2025, 1, 1, 0, 0, 0, 0, 0, 0))
# Processors for which all native packages (Java, the S3 store, Polars) are published.
_MACHINES = ("x86_64", "aarch64")
_TESTED_MACHINE = "x86_64"


def operating_system(release: Path = Path("/etc/os-release")) -> tuple[list[Problem], list[str]]:
    """Problems and warnings about the system and its processor."""
    facts = _release(release)
    name = facts.get("PRETTY_NAME", platform.system())
    problems, warnings = processor()
    debian_like = facts.get("ID") == "debian" or "debian" in facts.get("ID_LIKE", "").split()
    if platform.system() != "Linux" or not debian_like:
        problems.append(
            Problem("os", "The host must be Debian 12 (or like it)", found=name, remedy="use a host with Debian 12")
        )
    elif (facts.get("ID"), facts.get("VERSION_ID")) != ("debian", "12"):
        warnings.append(f"{name} is not tested; Debian 12 is")
    return problems, warnings


def processor() -> tuple[list[Problem], list[str]]:
    """Problems and warnings about the processor alone."""
    problems, warnings = [], []
    machine = platform.machine()
    if machine not in _MACHINES:
        problems.append(
            Problem(
                "processor",
                "Not every component is published for this processor",
                found=machine,
                remedy=f"use a host of {' or '.join(_MACHINES)}",
            )
        )
    elif machine != _TESTED_MACHINE:
        warnings.append(f"{machine} is not tested; {_TESTED_MACHINE} is")
    return problems, warnings


def _release(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {key: value.strip("\"'") for key, value in pairs}


def python(lowest: tuple[int, int] = (3, 11)) -> Iterator[Problem]:
    """The interpreter that modules run with."""
    if sys.version_info[:2] < lowest:
        yield Problem(
            "python",
            f"Python {lowest[0]}.{lowest[1]} or later is needed",
            found=f"{sys.version.split()[0]} at {sys.executable}",
            remedy="set ansible_python_interpreter to a newer one",
        )


def rights(user: int | None = None) -> Iterator[Problem]:
    """Root: packages are installed, and services get a user of their own."""
    user = os.geteuid() if user is None else user
    if user != 0:
        yield Problem(
            "rights",
            "Root privileges are required: the run installs packages and creates a user for the services",
            found=f"running as user id {user}",
            remedy="leave ansible_become at true, and run as a user who may sudo "
            "(add -K, or ARGS=-K to make, if sudo asks for a password)",
        )


def memory(needed_mib: int, own_bytes: int, meminfo: Path = Path("/proc/meminfo")) -> Iterator[Problem]:
    """Whether what the components request is there.

    :param own_bytes: what the instance's running processes hold already.
    """
    facts = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
    available = int(facts["MemAvailable"].split()[0]) // 1024 + own_bytes // 1024**2
    if available < needed_mib:
        total = int(facts["MemTotal"].split()[0]) // 1024
        yield Problem(
            "memory",
            f"{needed_mib} MiB of memory are needed",
            found=f"{available} MiB available of {total} MiB",
            remedy="end other programs, use a larger host, or lower the components' <role>_memory",
        )


def clock(home: Path, now: float | None = None) -> tuple[list[Problem], list[str]]:
    """Problems and warnings about the time of day."""
    now = time.time() if now is None else now
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < _EARLIEST:
        remedy = "set the clock (timedatectl set-ntp true)"
        return [Problem("clock", "The host's clock is wrong", found=shown, remedy=remedy)], []
    latest = max((_modified(path) for path in (home / "supervisor", home / "log")), default=0.0)
    if latest > now + 60:
        return [], [f"the clock ({shown}) is {latest - now:.0f} s behind what the instance has written already"]
    return [], []


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
