# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The filters for quantities and tables."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.filter import memory_bytes, rows_table


def test_memory_bytes():
    convert = memory_bytes.FilterModule().filters()["memory_bytes"]
    assert convert("768Mi") == 805306368 and convert(10) == 10
    with pytest.raises(AnsibleFilterError, match="'lots' is not a quantity"):
        convert("lots")


def test_rows_table():
    show = rows_table.FilterModule().filters()["rows_table"]
    assert show([{"a": 1, "b": None}], ["b", "a"]) == "B  A\n-  1"
