# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A real fault is told to who is to be told, in time, as the alert of that fault and no other; and its end is told."""

from __future__ import annotations

import pytest
from faults import (
    ARCHIVE_STOPPED,
    BROKER_KILLED,
    CONNECT_STOPPED,
    DISK_FULL,
    SLOT_OCCUPIED,
    STORE_SLOW,
    STORE_STOPPED,
    TOPIC_POISONED,
    Fault,
)
from flow import Flow
from watched import Watched

ALONE = (
    BROKER_KILLED,
    SLOT_OCCUPIED,
    CONNECT_STOPPED,
    ARCHIVE_STOPPED,
    STORE_STOPPED,
    STORE_SLOW,
    TOPIC_POISONED,
    DISK_FULL,
)


def test_two_faults_bring_their_alerts(watched: Watched, flow: Flow):
    watched.tells(BROKER_KILLED, SLOT_OCCUPIED)
    flow.arrived()


@pytest.mark.full
@pytest.mark.parametrize("fault", ALONE, ids=lambda fault: fault.name)
def test_a_fault_brings_its_alert(watched: Watched, flow: Flow, fault: Fault):
    watched.tells(fault)
    flow.arrived()
