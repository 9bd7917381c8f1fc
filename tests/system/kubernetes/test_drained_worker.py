# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A worker that is drained: its pods wait for it, since their volumes are there, and come back with it; no drain takes
two brokers at once."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from faults import drained, may_not_go
from flow import Flow
from pipeline import Pipeline, until

COMES_BACK = 240.0
AWAY = 10.0


def test_a_worker_is_drained_and_comes_back(pipeline: Pipeline, flow: Flow):
    pods = pipeline.pods()
    control = {
        node["metadata"]["name"]
        for node in pipeline.cluster.items("/api/v1/nodes")
        if "node-role.kubernetes.io/control-plane" in node["metadata"]["labels"]
    }
    counted = Counter(pod["spec"]["nodeName"] for pod in pods.values() if pod["spec"]["nodeName"] not in control)
    if not counted:
        pytest.skip("no pod is on a worker")
    [(worker, _count)] = counted.most_common(1)
    bound = {
        name
        for name, pod in pods.items()
        if pod["spec"]["nodeName"] == worker
        and any("persistentVolumeClaim" in volume for volume in pod["spec"].get("volumes", ()))
    }
    with drained(pipeline, worker) as names:
        print(f"{worker} drained of {', '.join(names)}")
        time.sleep(AWAY)
        elsewhere = {name for name in bound & set(pipeline.pods()) if pipeline.pods()[name]["spec"].get("nodeName")}
        assert not elsewhere, f"{elsewhere} run without their volumes"
    seconds = pipeline.settled(COMES_BACK)
    print(f"all well again {seconds:.0f} s after {worker} came back")
    back = pipeline.pods()
    assert {name for name in bound if back[name]["spec"]["nodeName"] == worker} == bound
    flow.arrived()
    pipeline.verify()


def test_two_brokers_are_not_evicted_at_once(pipeline: Pipeline, flow: Flow):
    first, second = pipeline.pod_of("kafka", 0), pipeline.pod_of("kafka", 1)
    # The budget learns that all are well a moment after they are.
    until(lambda: may_not_go(pipeline.cluster, first), lambda refused: not refused, 60, "one broker may go")
    assert "disruption budget" in may_not_go(pipeline.cluster, second)
    pipeline.settled(COMES_BACK)
    brokers = pipeline.pods("kafka")
    assert brokers["kafka-0"]["metadata"]["uid"] != first["metadata"]["uid"]
    assert brokers["kafka-1"]["metadata"]["uid"] == second["metadata"]["uid"]
    flow.arrived()
