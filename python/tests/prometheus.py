"""Prometheus' programs, for tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def programs(folder: Path) -> Path:
    """Where prometheus and promtool are: Debian's, unpacked below ``folder`` where they are not installed."""
    installed = shutil.which("prometheus"), shutil.which("promtool")
    if all(installed):
        return Path(str(installed[0])).parent
    got = subprocess.run(["apt-get", "download", "prometheus"], cwd=folder, capture_output=True, text=True, check=False)
    if got.returncode:
        pytest.skip(f"prometheus is not installed, and apt cannot download Debian's package: {got.stderr}")
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    return folder / "usr/bin"
