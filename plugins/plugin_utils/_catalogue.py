# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The catalogue of the components, read from the role that holds it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).resolve().parents[2] / "roles/common/vars/main/components.yml"


@functools.cache
def catalogue() -> tuple[dict[str, Any], ...]:
    """The entries, in the order in which the components are set up."""
    return tuple(yaml.safe_load(_FILE.read_text(encoding="utf-8"))["cdc_catalogue"])


def component_of(role: str) -> str:
    """The workload whose log tells why ``role`` failed; "" for a role that runs none."""
    for entry in catalogue():
        if entry["role"] == role:
            return entry.get("runs_in") or entry["workloads"][0]
    return ""
