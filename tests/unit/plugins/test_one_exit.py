# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A module leaves in one place, `_module.run`, so that errors, diffs and masked secrets are the same everywhere."""

from __future__ import annotations

import re
from pathlib import Path

_PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
_EXIT = re.compile(r"\b(fail_json|exit_json)\s*\(|\bAnsibleModule\s*\(")


def test_only_the_runner_makes_and_leaves_a_module():
    found = {
        str(path.relative_to(_PLUGINS)) for path in _PLUGINS.rglob("*.py") if _EXIT.search(path.read_text("utf-8"))
    }
    assert found == {"module_utils/_module.py"}
