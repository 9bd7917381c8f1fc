# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The catalogue of the components, for tests that go through all of them."""

from __future__ import annotations

from pathlib import Path

import yaml

_FILE = Path(__file__).resolve().parents[1] / "roles/common/vars/main/components.yml"
_CATALOGUE = yaml.safe_load(_FILE.read_text())["cdc_catalogue"]

# Roles, in the order in which they are set up, with the names of their workloads.
WORKLOADS: dict[str, list[str]] = {entry["role"]: entry["workloads"] for entry in _CATALOGUE}
# The roles of each phase that has some.
PHASES: dict[str, list[str]] = {}
for entry in _CATALOGUE:
    PHASES.setdefault(entry["phase"], []).append(entry["role"])
