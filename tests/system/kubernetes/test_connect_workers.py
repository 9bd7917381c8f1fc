# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two Connect workers: when the one with the task is killed, the other takes it over."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from faults import held, kill
from figures import report
from flow import Flow
from pipeline import Pipeline
from site_runs import Site
from waiting import until

# What the settings of the workers have to allow; how long it takes is measured, and depends on the machine.
PROMISED = 20.0
# A machine that is busy with other things gets longer.
GENEROUS = 60.0
# What a killed worker may still do.
DYING = 5.0
COMES_BACK = 180.0


@pytest.fixture
def two_workers(pipeline: Pipeline, site: Site) -> Iterator[Pipeline]:
    """Connect is scaled by its variable, proved by verification, and scaled back."""
    had = len(pipeline.pods("kafka-connect"))
    try:
        if had < 2:
            scale(site, kafka_connect_replicas=2)
        yield pipeline.again()
    finally:
        if had < 2:
            scale(site)


def scale(site: Site, **variables: int) -> None:
    site.run("--tags", "kafka_connect", playbook="playbooks/core_services.yml", **variables).must_succeed()
    # Which describes it anew, too.
    site.run(playbook="playbooks/verify.yml", **variables).must_succeed()


def working(pipeline: Pipeline) -> str:
    """The pod on which all of the CDC connector's tasks run; nothing while they do not."""
    try:
        tasks = pipeline.status()["tasks"]
    except httpx.HTTPError:
        return ""
    pods = {each["worker_id"].partition(".")[0] for each in tasks if each["state"] == "RUNNING"}
    return pods.pop() if len(pods) == 1 and all(each["state"] == "RUNNING" for each in tasks) else ""


def test_workers_notice_and_hand_over_in_time(pipeline: Pipeline):
    # Verification compares each running worker's settings with these (kafka_connect.settings).
    settings = pipeline.plan.expected.kafka_connect.settings
    noticed, waited = (int(settings[name]) for name in ("session.timeout.ms", "scheduled.rebalance.max.delay.ms"))
    assert (noticed + waited) / 1000 < PROMISED


def test_the_task_of_a_killed_worker_moves_to_the_other(two_workers: Pipeline, flow: Flow):
    pods = two_workers.pods("kafka-connect")
    assert two_workers.plan.expected.kafka_connect.workers == len(pods) == 2
    worker = until(lambda: working(two_workers), bool, 60, "the task runs")
    (survivor,) = set(pods) - {worker}
    # On a quick machine it would be back soon enough to be given its task again.
    with held(two_workers.cluster):
        kill(two_workers, pods[worker])
        killed = time.time()
        # What a status says of a worker that is gone is old; that changes get through is what counts.
        until(lambda: flow.through(killed + DYING), bool, GENEROUS + DYING, "changes get through again")
        silence = flow.longest_silence(killed)
        until(lambda: working(two_workers), lambda pod: pod == survivor, GENEROUS, f"{survivor} runs the task")
    two_workers.settled(COMES_BACK)
    report(
        "takeover", killed=worker, taken_over_by=survivor, silence_seconds=round(silence, 1), promised_seconds=PROMISED
    )
    assert silence < GENEROUS
    flow.arrived()
    two_workers.verify(["kafka_connect", "connectors", "archive"])
