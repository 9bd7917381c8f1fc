"""Roles' argument specifications and defaults, and where the two differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

# The role whose variables several roles read, so that their names begin like those of others.
COMMON = "common"
RENAMED = "meta/renamed_variables.yml"


@dataclass
class Role:
    """A role as its files describe it.

    :param entries: the argument specifications by entry point.
    :param defaults: the defaults, with templates as they are written.
    :param computed: descriptions of defaults that follow from the others and are not meant to be set.
    """

    name: str
    folder: Path
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    computed: dict[str, str] = field(default_factory=dict)

    @property
    def spec_path(self) -> Path:
        return self.folder / ("meta/variables.yml" if self.name == COMMON else "meta/argument_specs.yml")

    @property
    def options(self) -> dict[str, Any]:
        """Options of all entry points."""
        found: dict[str, Any] = {}
        for entry in self.entries.values():
            for name, option in (entry.get("options") or {}).items():
                found.setdefault(name, option)
        return found

    def owns(self, name: str) -> bool:
        """Whether a variable is this role's."""
        return self.name == COMMON or name.startswith(f"{self.name}_")

    def is_option(self, name: str) -> bool:
        """Whether a default is meant to be set, and so has a specification."""
        return name not in self.computed and not (self.name == COMMON and name.startswith(("versions_", "__")))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) or {} if path.is_file() else {}


def read_roles(root: Path) -> list[Role]:
    found = []
    for folder in sorted(path for path in (root / "roles").iterdir() if (path / "meta").is_dir()):
        role = Role(folder.name, folder)
        role.entries = _read(role.spec_path).get("argument_specs") or {}
        for path in [folder / "defaults/main.yml", *sorted((folder / "defaults/main").glob("*.yml"))]:
            role.defaults |= _read(path)
        role.computed = _read(folder / "meta/computed.yml").get("computed") or {}
        found.append(role)
    return found


def read_renamed(root: Path) -> dict[str, dict[str, str]]:
    """`new`, `since` and `removal_version` of each variable that was renamed, by its old name."""
    return _read(root / RENAMED)["renamed_variables"]


def problems(roles: list[Role]) -> list[str]:
    """Every difference, one line each, beginning with the file to change."""
    return [line for role in roles for line in _role_problems(role)]


def _role_problems(role: Role) -> Iterator[str]:
    where = f"roles/{role.name}/meta/{role.spec_path.name}"
    options = {name: item for name, item in role.options.items() if role.owns(name)}
    if "main" not in role.entries:
        yield f"{where}: there is no entry point main"
        return
    for name in sorted(role.computed.keys() - role.defaults.keys()):
        yield f"roles/{role.name}/meta/computed.yml: {name} is not in the defaults"
    for name, value in role.defaults.items():
        if not role.is_option(name):
            continue
        if name not in options:
            yield f"{where}: {name} of the defaults is missing"
        elif "default" not in options[name]:
            if _is_template(value):  # the description says in words what it works out to
                continue
            yield f"{where}: {name} has no default, the defaults have {value!r}"
        elif options[name]["default"] != value:
            yield f"{where}: the default of {name} is {options[name]['default']!r}, the defaults have {value!r}"
    for name, option in options.items():
        if name not in role.defaults and "default" in option:
            yield f"{where}: {name} has a default, and the defaults have none"
        yield from _option_problems(f"{where}: {name}", option)


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value


def _option_problems(where: str, option: dict[str, Any]) -> Iterator[str]:
    if not option.get("description"):
        yield f"{where} has no description"
    if not option.get("type"):
        yield f"{where} has no type"
    if option.get("type") == "list" and not option.get("elements"):
        yield f"{where} is a list, and it is not said of what"
    for name, inner in (option.get("options") or {}).items():
        yield from _option_problems(f"{where}.{name}", inner)


class _Dumper(yaml.SafeDumper):
    """Lists are indented, as yamllint wants it, and text that spans lines is folded."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


_TYPES = {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict"}


def updated_spec(role: Role) -> str | None:
    """The specification with the defaults of the role; None when nothing is to change.

    A specification with more entry points than main is left to its author. Comments in the file are lost, so there
    should be none.
    """
    if set(role.entries) - {"main"}:
        return None
    if not any("default" in line or "is missing" in line for line in _role_problems(role)):
        return None
    main = role.entries.setdefault("main", {})
    options = main.get("options") or {}
    merged: dict[str, Any] = {}
    for name, value in role.defaults.items():
        if not role.is_option(name):
            continue
        kind = _TYPES[type(value)]
        option = options.get(name) or {"description": "", "type": kind}
        if kind == "list" and "elements" not in option:
            option["elements"] = _TYPES[type(value[0])] if value else "str"
        merged[name] = {**option, "default": value}
    for name, option in options.items():
        if name not in merged and ("default" not in option or not role.owns(name)):
            merged[name] = option
    main["options"] = merged
    document = {"argument_specs": role.entries}
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=116, allow_unicode=True)
