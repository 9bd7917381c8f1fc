# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Somebody who has the archive of the collection, an environment with its Python packages, and docs/collection.md."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from site_runs import Run

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs/collection.md"
# Below the ports that the kernel gives to outgoing connections.
OFFSET = 2720
_BLOCK = re.compile(r"^<!-- (run|file: (\S+)) -->\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SECONDS = 900
# Of the tests and of make, that would lead back to this checkout.
_NOT_THEIRS = ("ANSIBLE_", "CDC_", "MAKE", "MFLAGS", "MOLECULE_", "ARGS", "INVENTORY", "PYTHON", "VIRTUAL_ENV", "PWD")


def page_files() -> dict[str, str]:
    """The files that the page shows, by name."""
    return {name: text for _kind, name, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8")) if name}


def page_commands() -> list[str]:
    """The commands that the page marks to be run, in their order."""
    return [text for kind, _name, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8")) if kind == "run"]


@dataclass
class User:
    """Works in ``folder``; nothing in the environment leads to a checkout."""

    folder: Path
    environment: Path
    archive: Path
    instance: str = field(default_factory=lambda: f"collection-{uuid.uuid4().hex[:6]}")
    _installed_files: dict[Path, str] = field(default_factory=dict, init=False)

    @property
    def home(self) -> Path:
        return Path("/var/lib/cdc-pipeline") / self.instance

    @property
    def installed(self) -> Path:
        return self.folder / "collections/ansible_collections/cdc/pipeline"

    def settle(self) -> None:
        """Write the page's files, choose an instance, and install the archive as the page says."""
        for name, text in page_files().items():
            (self.folder / name).write_text(text)
        (self.folder / "group_vars").mkdir()
        own = {"cdc_instance": self.instance, "cdc_port_offset": OFFSET, "services_command": ""}
        (self.folder / "group_vars/cdc.yml").write_text(yaml.safe_dump(own))
        shutil.copy(self.archive, self.folder)
        install = page_commands()[0]
        assert "collection install" in install
        self.run(install).must_succeed()
        self._installed_files = self._files()

    def written(self) -> dict[Path, str]:
        """What has been added to the installed collection or changed in it since."""
        return dict(self._files().items() - self._installed_files.items())

    def _files(self) -> dict[Path, str]:
        """Checksums of its files but for Python's byte code."""
        files = [path for path in self.installed.rglob("*") if path.is_file() and path.suffix != ".pyc"]
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def run(self, command: str) -> Run:
        """A command of the shell, as typed in the folder."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THEIRS)}
        done = subprocess.run(
            ["sh", "-ec", command],
            cwd=self.folder,
            env={
                **kept,
                "PATH": f"{self.environment}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "ANSIBLE_HOME": str(self.folder / ".ansible"),
                "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
                "ANSIBLE_NOCOLOR": "1",
                "PWD": str(self.folder),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return Run(done.returncode, done.stdout)

    def leave(self) -> None:
        """Remove the instance with its data, whatever became of the test."""
        if self.home.exists():
            self.run("ansible-playbook -i hosts.yml cdc.pipeline.destroy -e destroy_data=true")
        shutil.rmtree(self.home, ignore_errors=True)
