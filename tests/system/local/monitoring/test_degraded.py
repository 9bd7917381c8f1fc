# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is slow brings the alerts that say so, or none where the pipeline copes, and no change is lost."""

from __future__ import annotations

import os

import pytest
from faults import Fault
from flow import Flow
from slowness import BUSY_PROCESSORS, COLD_JAVA, SLOW_DISK, SLOW_NETWORK
from watched import Watched

SECONDS = float(os.environ.get("CDC_DEGRADED_SECONDS", "480"))


@pytest.mark.full
@pytest.mark.timeout(SECONDS + 2400)
@pytest.mark.parametrize("slow", [SLOW_DISK, SLOW_NETWORK, BUSY_PROCESSORS, COLD_JAVA], ids=lambda slow: slow.name)
def test_what_is_slow_is_told_or_copes(unscaled: Watched, flow: Flow, slow: Fault):
    assert unscaled.endures(slow, SECONDS) <= {alert.name for alert in slow.besides}
    flow.arrived()
