# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[1]
MODULES = sorted(path.stem for path in (UNIT.parents[1] / "plugins" / "modules").glob("*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_unit_test_of_its_name(module):
    assert list(UNIT.rglob(f"test_{module}.py")), f"write test_{module}.py: no module comes in without a test"
