# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The catalogue of the components, for tests that go through all of them."""

from __future__ import annotations

from pathlib import Path

import yaml

_COMMON = Path(__file__).resolve().parents[2] / "roles/common"
_CATALOGUE = yaml.safe_load((_COMMON / "vars/main/components.yml").read_text())["cdc_catalogue"]
_DEFAULTS = yaml.safe_load((_COMMON / "defaults/main/pipeline.yml").read_text())

# Roles, in the order in which they are set up, with the names of their workloads.
WORKLOADS: dict[str, list[str]] = {entry["role"]: entry["workloads"] for entry in _CATALOGUE}
# The roles of each phase that has some.
PHASES: dict[str, list[str]] = {}
for entry in _CATALOGUE:
    PHASES.setdefault(entry["phase"], []).append(entry["role"])
# What a pipeline runs by default: without the roles that are off.
RUNNING: dict[str, list[str]] = {
    role: names for role, names in WORKLOADS.items() if _DEFAULTS.get(f"{role}_enabled", True)
}
