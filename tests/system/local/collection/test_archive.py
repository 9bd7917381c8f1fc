# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The archive holds what the collection needs, and nothing of how it is worked on."""

from __future__ import annotations

import subprocess
import tarfile
from fnmatch import fnmatch
from pathlib import Path

import pytest
from conftest import LEFT
from user import ROOT

FOLDERS = ("changelogs", "docs", "java/metrics/src", "java/src", "meta", "playbooks", "plugins", "python/src", "roles")
FILES = {"FILES.json", "LICENSE", "MANIFEST.json", "README.md", "python/pyproject.toml", "requirements.txt"}
# No part of a path may look like it.
FORBIDDEN = (".*", "__pycache__", "*.egg-info", "*.pyc", "*.retry", "*.tar.gz", "molecule", "reports", "tests")
# Users lock nothing.
NOT_NEEDED = {"roles/artifacts/files/services.in"}


def names(archive: Path) -> set[str]:
    with tarfile.open(archive) as packed:
        return {member.name for member in packed.getmembers() if not member.isdir()}


def test_it_holds_what_the_collection_needs_alone(archive: Path):
    there = names(archive)
    assert {name for name in there - FILES if not name.startswith(tuple(f"{folder}/" for folder in FOLDERS))} == set()
    parts = {name: Path(name).parts for name in there}
    assert {name for name in there if any(fnmatch(part, each) for part in parts[name] for each in FORBIDDEN)} == set()
    assert there.isdisjoint(LEFT)


def test_it_holds_all_that_the_collection_needs(archive: Path):
    command = ["git", "ls-files", *FOLDERS]
    known = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    needed = {name for name in known if (ROOT / name).exists()} - NOT_NEEDED
    assert (needed | FILES) - names(archive) == set()


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_in_a_checkout_is_no_part_of_it(archive: Path, name: str):
    assert name not in names(archive)
