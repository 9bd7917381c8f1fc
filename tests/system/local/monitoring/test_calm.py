# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Load without a fault brings no alert, neither to who is told nor at Prometheus."""

from __future__ import annotations

import os
import time

import pytest
from flow import Flow
from receivers import NAMES
from watched import Watched

SECONDS = float(os.environ.get("CDC_CALM_SECONDS", "1800"))


@pytest.mark.full
@pytest.mark.timeout(SECONDS + 1800)
def test_half_an_hour_of_load_brings_no_alert(unscaled: Watched, flow: Flow):
    mark, began = unscaled.receivers.mark(), time.monotonic()
    while (past := time.monotonic() - began) < SECONDS:
        told = unscaled.receivers.since(mark)
        assert told == {name: [] for name in NAMES}, f"after {past:.0f} s: {told}, active: {unscaled.active()}"
        time.sleep(5)
    assert unscaled.fired(SECONDS) == set()
    flow.arrived()
