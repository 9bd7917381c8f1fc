# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One machine for all tests, on which a user who may sudo has run `make site`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from machine import Machine, engine_answers


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    if not engine_answers():
        pytest.skip('no Docker engine answers; start one: eval "$(tests/tools/kind/engine start)"')
    found = Machine()
    try:
        found.create()
        found.must("make", "site", timeout=1500)
        yield found
    finally:
        if os.environ.get("CDC_KEEP"):
            print(f"\nkept: docker exec -it {found.name} bash")
        else:
            found.remove()
