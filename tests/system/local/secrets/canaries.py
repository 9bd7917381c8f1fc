# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values for the variables by which a user gives credentials."""

from __future__ import annotations

import secrets
from pathlib import Path

import yaml
from site_runs import ROOT

_DEFAULTS = ROOT / "roles/common/defaults/main/credentials.yml"
# What each way of quoting writes in another way. Identifiers of keys go into signatures as they are.
_QUOTED = "/+=%&\"'"


def canary(name: str) -> str:
    """A value that is found wherever it is written, for a variable."""
    word = f"Canary{secrets.token_hex(12)}"
    return word if name.endswith("_key_id") else word + _QUOTED


def canaries() -> dict[str, str]:
    """A value for each variable that gives a credential, but for every fourth, so that some are generated."""
    defaults = yaml.safe_load(_DEFAULTS.read_text())
    stated = [name for name, value in defaults.items() if value == ""]
    return {name: canary(name) for number, name in enumerate(stated) if number % 4 != 3}


def write(file: Path, **variables: object) -> tuple[str, ...]:
    """Writes variables for root alone. Options by which a run reads them: everybody sees those on a command line."""
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(variables))
    return ("-e", f"@{file}")
