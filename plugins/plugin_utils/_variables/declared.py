# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every variable that the collection declares: its roles' specifications, defaults and own variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader

ROOT = Path(__file__).resolve().parents[3]
# The role with the variables that several roles read, and with the catalogue of the components.
COMMON = "common"
_REGISTERED = re.compile(r"^\s*register: (\w+)", re.MULTILINE)
_SET = re.compile(r"^( *)(?:ansible\.builtin\.)?set_fact:\n((?:\1 +.*\n)+)", re.MULTILINE)
_KEY = re.compile(r"^ +(\w+):", re.MULTILINE)


@dataclass
class Declared:
    """What the collection knows by name.

    :param options: an option's specification, as in `meta/argument_specs.yml`, by the variable's name.
    :param owners: the role that an option belongs to.
    :param defaults: a variable's default as it is written, with its templates.
    :param own: the variables in `vars/` of each role, as they are written.
    :param others: further names: facts that a run sets.
    :param prefixes: a variable that begins with one of them is the collection's.
    """

    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    own: dict[str, dict[str, Any]] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    prefixes: tuple[str, ...] = ()

    @property
    def names(self) -> set[str]:
        return (
            self.options.keys()
            | self.defaults.keys()
            | self.others
            | {name for own in self.own.values() for name in own}
        )


def read_declared(loader: DataLoader, root: Path = ROOT) -> Declared:
    """Read the files below the collection's folder `root`."""

    def read(path: Path) -> Mapping[str, Any]:
        # Templates in the collection's own files are trusted, or a default could not be filled in. `unsafe` leaves a
        # copy out, which would take most of the time.
        return loader.load_from_file(str(path), cache="none", unsafe=True, trusted_as_template=True) or {}

    found = Declared()
    roles = sorted(path.name for path in (root / "roles").iterdir() if path.is_dir())
    found.prefixes = ("cdc_", "versions_", *(f"{role}_" for role in roles))
    found.others.update(read(root / "roles" / COMMON / "meta/computed.yml")["facts"])
    for role in roles:
        folder = root / "roles" / role
        for path in (folder / "meta/argument_specs.yml", folder / "meta/variables.yml"):
            if path.is_file():
                for entry in read(path)["argument_specs"].values():
                    for name, option in (entry.get("options") or {}).items():
                        found.options.setdefault(name, option)
                        found.owners.setdefault(name, role)
        for path in _yaml(folder / "defaults"):
            for name, value in read(path).items():
                found.defaults.setdefault(name, value)
        found.own[role] = {name: value for path in _yaml(folder / "vars") for name, value in read(path).items()}
    # What an earlier play of the same run left behind.
    for path in (*(root / "roles").glob("*/tasks/*.yml"), *(root / "playbooks").glob("**/*.yml")):
        text = path.read_text(encoding="utf-8")
        found.others.update(_REGISTERED.findall(text))
        found.others.update(name for match in _SET.finditer(text) for name in _KEY.findall(match[2]))
    return found


def _yaml(folder: Path) -> list[Path]:
    """The files of `defaults/` or `vars/`: main.yml, or those of the folder main."""
    return [path for path in (folder / "main.yml", *sorted((folder / "main").glob("*.yml"))) if path.is_file()]
