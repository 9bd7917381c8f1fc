# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs of Debian's packages, unpacked for a test where they are not installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def program(package: str, name: str, folder: Path) -> str:
    """Path of a program; the test is skipped where the package cannot be had.

    :param folder: where the package is unpacked; an empty one for each package.
    """
    if installed := shutil.which(name):
        return installed
    folder.mkdir(parents=True, exist_ok=True)
    got = subprocess.run(["apt-get", "download", package], cwd=folder, capture_output=True, text=True, check=False)
    if got.returncode:
        pytest.skip(f"{name} is not installed, and apt cannot download Debian's package {package}: {got.stderr}")
    (file,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "--extract", file, folder], check=True)
    return str(folder / "usr/bin" / name)
