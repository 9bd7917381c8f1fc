# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.cdc.pipeline.plugins.module_utils._table import table


def test_tables():
    rows = [{"name": "a", "ok": True, "n": 1.25}, {"name": "long name", "ok": False, "n": 10}]
    assert table(rows).splitlines() == ["NAME       OK     N", "a          yes  1.2", "long name  no    10"]
    assert table(rows, ["n"]).splitlines()[0] == "  N"
    assert table([]) == ""
