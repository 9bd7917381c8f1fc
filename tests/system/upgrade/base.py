# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The version that is upgraded from, out of the repository's history."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
# Raise it when upgrades from it are no longer promised; docs/guarantees.md names it too.
COMMIT = "39700d68c16803c7942be7a4c66f29b89cbf95b0"
# Where variables have their defaults, in that commit and in later ones.
_DEFAULTS = ("inventories/base/group_vars/*/*.yml", "inventories/local/group_vars/*/*.yml", "roles/*/defaults/*.yml")


class NoHistoryError(RuntimeError):
    """The commit cannot be had."""


def check_out(folder: Path, commit: str = COMMIT, repository: Path = ROOT) -> Path:
    """The files of the commit in a new folder.

    Raises:
        NoHistoryError: the repository does not have it; the text says what to do.
    """
    found = subprocess.run(
        ["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=repository, capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise NoHistoryError(
            f"The commit {commit}, from which the upgrade is tested, is not in the repository at {repository}: "
            f"{found.stderr.strip()}\nIn a shallow clone, fetch the history: git fetch --unshallow. In a copy without "
            "git, clone the repository instead."
        )
    folder.mkdir(parents=True)
    packed = subprocess.run(["git", "archive", commit], cwd=repository, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=packed, check=True)
    return folder


def read_defaults(checkout: Path) -> dict[str, Any]:
    """Every variable that a checkout has a default for, as it is written: templates are text."""
    found: dict[str, Any] = {}
    for pattern in _DEFAULTS:
        for path in sorted(checkout.glob(pattern)):
            found.update(yaml.safe_load(path.read_text()) or {})
    return found


def renamed(checkout: Path = ROOT) -> dict[str, dict[str, str]]:
    """The table of renamed variables of a checkout: `new`, `since` and `removal_version` by the old name."""
    return yaml.safe_load((checkout / "meta/renamed_variables.yml").read_text())["renamed_variables"]


def old_settings(table: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Variables of old names, at the values that they have anyway, for who sets the earlier version up with them.

    One that the earlier version does not know, or whose default is a template, is not among them.
    """
    return {name: defaults[name] for name in table if name in defaults and "{{" not in str(defaults[name])}


def with_new_names(variables: Mapping[str, Any], table: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The same variables by their names in this version."""
    return {table[name]["new"] if name in table else name: value for name, value in variables.items()}
