# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._schema_registry.client import RegistryClient


class Rest:
    """Answers with the subject's own level, or with the one that holds for it."""

    def __init__(self, own: str, holds: str) -> None:
        self.own, self.holds = own, holds

    def call(self, method: str, *path: str, query: dict[str, str] | None = None) -> dict[str, str]:
        assert (method, path) == ("GET", ("config", "users-value"))
        return {"compatibilityLevel": self.holds if query == {"defaultToGlobal": "true"} else self.own}


@pytest.mark.parametrize(
    ("own", "holds", "expected"),
    [("NONE", "BACKWARD", None), ("NONE", "NONE", "NONE"), ("FULL", "FULL", "FULL")],
)
def test_apicurios_none_of_its_own(own, holds, expected):
    client = RegistryClient.__new__(RegistryClient)
    client._rest = Rest(own, holds)
    assert client.level("users-value") == expected
