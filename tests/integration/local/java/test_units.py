# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plugin's classes by themselves."""

from __future__ import annotations

from connector import Java


def test_classes_by_themselves(java: Java):
    assert " 0 failed" in java.run("Units")
