# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs of Debian's packages, unpacked for a test where they are not installed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest


def program(package: str, name: str, folder: Path) -> str:
    """Path of a program; the test is skipped where the package cannot be had.

    :param folder: where the package is unpacked; an empty one for each package.
    """
    if installed := shutil.which(name):
        return installed
    folder.mkdir(parents=True, exist_ok=True)
    _unpack([package], folder, name)
    return str(folder / "usr/bin" / name)


def with_libraries(package: str, name: str, path: str) -> tuple[str, Mapping[str, str]]:
    """A program that takes libraries which a host may lack, and its environment; as above, the test may be skipped.

    What is unpacked is large, and so kept beside the environments of `make`, until there is another version of it.

    :param path: of the program in its package.
    """
    if installed := shutil.which(name):
        return installed, os.environ
    plan = subprocess.run(
        ["apt-get", "--simulate", "--no-install-recommends", "install", package],
        capture_output=True,
        text=True,
        check=False,
    )
    missing = dict(re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+)", plan.stdout, re.MULTILINE))
    if plan.returncode or not missing:
        pytest.skip(f"{name} is not installed, and apt does not know Debian's package {package}: {plan.stderr}")
    cache = Path(os.environ.get("CDC_CACHE") or Path.home() / ".cache/cdc-pipeline")
    key = hashlib.sha256(repr(sorted(missing.items())).encode()).hexdigest()[:12]
    folder = cache / f"{package}-{key}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as made:
            _unpack(list(missing), Path(made) / "all", name)
            # Another test may have been as quick.
            if not folder.is_dir():
                (Path(made) / "all").rename(folder)
    libraries = sorted({str(each.parent) for each in folder.glob("usr/lib/*-linux-gnu*/**/*.so*")})
    return str(folder / path), {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}


def _unpack(packages: list[str], folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    got = subprocess.run(["apt-get", "download", *packages], cwd=folder, capture_output=True, text=True, check=False)
    if got.returncode:
        pytest.skip(f"{name} is not installed, and apt cannot download Debian's package {packages[-1]}: {got.stderr}")
    for file in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", file, folder], check=True)
        file.unlink()
