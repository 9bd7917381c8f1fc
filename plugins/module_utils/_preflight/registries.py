# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the package registries answer, asked by their own clients."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .._problem import Problem

# Tiny, and without dependencies.
_SMALL_PACKAGE = "iniconfig==2.0.0"


@dataclass(frozen=True)
class Answer:
    """How a client's call ended; `code` is None when it took too long."""

    code: int | None
    output: str


Call = Callable[[Sequence[str], float], Answer]


def call(command: Sequence[str], timeout: float) -> Answer:
    """Run a client for at most `timeout` seconds."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired:
        return Answer(None, f"no answer within {timeout:.0f} s")
    except OSError as error:
        return Answer(127, str(error))
    return Answer(done.returncode, (done.stdout + done.stderr).strip())


def missing_packages(packages: Sequence[str], run: Call = call) -> list[str]:
    """The Debian packages that are not installed."""
    if not packages:
        return []
    answer = run(["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *packages], 20)
    installed = {line.split()[0] for line in answer.output.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def pip_answers(timeout: float, run: Call = call) -> Iterator[Problem]:
    """PyPI or its mirror, by a download of one small package."""
    with tempfile.TemporaryDirectory(prefix="cdc-preflight-") as folder:
        options = [
            "--quiet",
            "--no-input",
            "--no-deps",
            "--no-cache-dir",
            "--disable-pip-version-check",
            "--retries",
            "0",
        ]
        command = [sys.executable, "-m", "pip", "download", *options, "--timeout", str(int(timeout)), "-d", folder]
        answer = run([*command, _SMALL_PACKAGE], timeout + 5)
    if answer.code != 0:
        yield Problem(
            "registry",
            "pip cannot reach its package index",
            found=_end(answer.output),
            remedy="check network and proxy; a mirror is named by PIP_INDEX_URL (and PIP_CERT) in the environment or "
            "by artifacts_environment",
        )


def apt_answers(packages: Sequence[str], timeout: float, run: Call = call) -> Iterator[Problem]:
    """Debian's mirror, by looking for the packages that are missing; nothing is installed, no list is renewed."""
    if not shutil.which("apt-get"):
        yield Problem(
            "registry",
            f"{', '.join(packages)} are missing, and there is no apt to install them",
            found="apt-get is not installed",
            remedy="install PostgreSQL and Maven with the system's package manager, and empty "
            "artifacts_debian_packages",
        )
        return
    # Lists and caches go to a folder of their own, so the host's stay as they are.
    with tempfile.TemporaryDirectory(prefix="cdc-preflight-") as folder:
        settings = {
            "Dir::State::lists": f"{folder}/lists",
            "Dir::Cache": f"{folder}/cache",
            "APT::Sandbox::User": "root",
            "Acquire::Retries": "0",
            "Acquire::http::Timeout": str(int(timeout)),
            "Acquire::https::Timeout": str(int(timeout)),
        }
        Path(folder, "lists/partial").mkdir(parents=True)
        Path(folder, "cache/archives/partial").mkdir(parents=True)
        apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
        # A mirror that fails is only a warning, as others may have what is needed.
        update = run([*apt, "update"], timeout * 3)
        # What an interrupted dpkg left half done is fixed by the role artifacts.
        answer = run([*apt, "--simulate", "--fix-broken", "install", *packages], 60)
    if answer.code == 0:
        return
    if update.code != 0 or "Failed to fetch" in update.output:
        yield Problem(
            "registry",
            "apt cannot reach its mirrors",
            found=_end(update.output),
            remedy="check network and proxy, and the mirrors in /etc/apt/sources.list and /etc/apt/sources.list.d",
        )
    else:
        yield Problem(
            "registry",
            f"apt cannot install {', '.join(packages)}",
            found=_end(answer.output),
            remedy="add Debian's main archive to /etc/apt/sources.list, or correct artifacts_debian_packages",
        )


def _end(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("ERROR", "E:", "W:"))] or lines
    return "\n".join(telling[-3:])
