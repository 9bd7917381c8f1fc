# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A copy of this checkout, in which commands may leave what they like."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def check_out(folder: Path) -> Path:
    """A copy of what git knows of this checkout."""
    folder.mkdir(parents=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    there = [name for name in files.split(b"\0") if name and (ROOT / os.fsdecode(name)).exists()]
    pack = ["tar", "--create", "--null", "--files-from", "-", "--file", "-"]
    packed = subprocess.run(pack, cwd=ROOT, input=b"\0".join(there), capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=packed, check=True)
    return folder
