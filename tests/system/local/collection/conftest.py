# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The archive of the collection, and a user who has nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import check_out
from user import ROOT, User

# What work in a checkout leaves there, and what is its owner's alone.
LEFT = (
    ".ansible/collections/x.yml",
    ".pytest_cache/v/x",
    ".venv/bin/python",
    "inventories/mine/hosts.yml",
    "manifests/local/x.yaml",
    "molecule/default/x.retry",
    "my.yml",
    "playbooks/site.retry",
    "plugins/modules/__pycache__/x.cpython-311.pyc",
    "python/.hypothesis/x",
    "python/src/cdc_pipeline.egg-info/PKG-INFO",
    "python/src/cdc_pipeline/__pycache__/x.cpython-311.pyc",
    "reports/local/verify.json",
    "cdc-pipeline-0.0.1.tar.gz",
)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a checkout that has been worked in."""
    checkout = check_out(tmp_path_factory.mktemp("checkout") / "cdc")
    for name in LEFT:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    folder = tmp_path_factory.mktemp("archive")
    galaxy = Path(sys.executable).with_name("ansible-galaxy")
    subprocess.run(
        [galaxy, "collection", "build", "--output-path", str(folder)], cwd=checkout, check=True, capture_output=True
    )
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with what requirements.txt locks, and no more."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([ROOT / ".ci/setup", ROOT / "requirements.txt", "venv"], cwd=folder, check=True)
    return folder / "venv"


@pytest.fixture(scope="module")
def user(archive: Path, environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A folder outside of this checkout with the files of docs/collection.md; its instance goes with the data."""
    user = User(tmp_path_factory.mktemp("user"), environment, archive)
    user.settle()
    yield user
    user.leave()
