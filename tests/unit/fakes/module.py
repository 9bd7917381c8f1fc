# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A module as a test sees it from outside."""

from __future__ import annotations

from typing import Any


class ModuleFailed(Exception):
    """A module left by `fail_json`. :param result: what it said."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result.get("msg"))
        self.result = result
