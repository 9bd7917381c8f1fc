# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Pods that are asked to end, as by a drain or an upgrade, leave nothing for others to find out."""

from __future__ import annotations

import time

import pytest
from cdc_pipeline.instance.archive import flush
from faults import ended, held
from flow import Flow
from pipeline import Pipeline

COMES_BACK = 180.0
# Nothing writes any more: only for what a reader needs on a busy machine.
AT_ONCE = 15.0
# What a JVM ends with when SIGTERM has ended it and its hooks have run; one that is killed ends with 137.
BY_SIGTERM = 128 + 15


def test_an_archive_that_ends_writes_what_it_holds(pipeline: Pipeline, flow: Flow):
    if not pipeline.plan.expected.archive.service:
        pytest.skip("the archive is no service here")
    # From now on it would keep records for archive_flush_seconds before it writes them on its own.
    flush(pipeline.context()).raise_for_status()
    time.sleep(2)
    flow.rest()
    buffered = flow.buffered()
    assert buffered, "it holds nothing that it could lose"
    with held(pipeline.cluster):
        end = ended(pipeline, pipeline.pod_of("archive"))
        assert end.code == 0, end
        # No other one is there that could have written them.
        flow.archived(AT_ONCE)
    seconds = pipeline.settled(COMES_BACK)
    print(
        f"{buffered} records were written before it ended; all well again {seconds:.0f} s after another one might start"
    )
    pipeline.verify(["archive"])


def test_a_broker_that_ends_hands_over_what_it_leads(pipeline: Pipeline, flow: Flow):
    end = ended(pipeline, pipeline.pod_of("kafka", 1))
    assert end.code in (0, BY_SIGTERM), end
    assert "Beginning controlled shutdown" in end.log, end.log
    # It says so when no partition has this broker as its leader any more.
    assert "asked us to exit controlled shutdown" in end.log, end.log
    pipeline.settled(COMES_BACK)
    flow.arrived()
