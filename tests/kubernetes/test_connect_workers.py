# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two Connect workers: when the one with the task is killed, the other takes it over."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from cdc_pipeline.verify.cluster import ClusterError
from faults import kill
from flow import Flow
from pipeline import Pipeline
from site_runs import Site
from waiting import until

# What is promised, and measured here; a machine that is busy with other things gets longer.
PROMISED = 20.0
GENEROUS = 60.0
# What a killed worker may still do.
DYING = 5.0
COMES_BACK = 180.0


@pytest.fixture
def two_workers(pipeline: Pipeline, site: Site) -> Iterator[None]:
    """Scales Connect by its variable, and back."""
    had = len(pipeline.pods("kafka-connect"))
    try:
        if had < 2:
            scale(site, kafka_connect_replicas=2)
        pipeline.settled(COMES_BACK)
        yield
    finally:
        if had < 2:
            scale(site)
            pipeline.settled(COMES_BACK)


def scale(site: Site, **variables: int) -> None:
    site.run("--tags", "kafka_connect", playbook="playbooks/core_services.yml", **variables).must_succeed()


def working(pipeline: Pipeline) -> str:
    """The pod on which the CDC connector's task runs; nothing while it runs nowhere."""
    try:
        tasks = pipeline.status()["tasks"]
    except ClusterError:
        return ""
    return tasks[0]["worker_id"].partition(".")[0] if tasks and tasks[0]["state"] == "RUNNING" else ""


def test_the_task_of_a_killed_worker_moves_to_the_other(pipeline: Pipeline, two_workers: None, flow: Flow):
    worker = until(lambda: working(pipeline), bool, 60, "the task runs")
    pods = pipeline.pods("kafka-connect")
    assert worker in pods and len(pods) == 2, (worker, list(pods))
    kill(pipeline, pods[worker])
    killed = time.time()
    # What a status says of a worker that is gone is old; that changes get through is what counts.
    until(lambda: flow.through(killed + DYING), bool, GENEROUS + DYING, "changes get through again")
    silence = flow.longest_silence(killed)
    pipeline.settled(COMES_BACK)
    other = working(pipeline)
    print(f"no change of {worker}'s task came for {silence:.1f} s; it is on {other} now; promised: {PROMISED:.0f} s")
    assert silence < GENEROUS
    flow.arrived()
    pipeline.verify(["kafka_connect", "connectors", "archive"])
