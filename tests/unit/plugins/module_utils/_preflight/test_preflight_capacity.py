# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.capacity import (
    Demand,
    Node,
    amount,
    cores,
    node_room,
    place,
    pod_request,
    room,
)

MIB = 2**20
KAFKA = Demand("kafka", 3, 250, 682 * MIB)
DATABASE = Demand("postgresql", 1, 250, 768 * MIB)


def nodes(*memory: int, cpu: int = 2000) -> list[Node]:
    return [Node(f"node{number}", cpu, each * MIB) for number, each in enumerate(memory)]


def test_enough_of_everything():
    assert list(room(nodes(1500, 1500, 1500), [DATABASE, KAFKA])) == []


def test_too_little_memory_in_all_names_who_wants_and_who_has():
    (problem,) = room(nodes(900, 900, 900), [DATABASE, KAFKA])
    assert problem.what == "The nodes have too little memory left for what the components request"
    assert problem.found == (
        "2814 MiB are requested (postgresql 768 MiB, kafka 2046 MiB); "
        "2700 MiB are free (node0 900 MiB, node1 900 MiB, node2 900 MiB)"
    )
    assert "<role>_memory" in problem.remedy


def test_too_little_processor():
    (problem,) = room(nodes(1500, 1500, 1500, cpu=300), [DATABASE, KAFKA])
    assert "too little processor" in problem.what
    assert "1 cores are requested" in problem.found


def test_the_sum_is_there_and_one_pod_finds_no_room():
    (problem,) = room(nodes(2500, 800, 100), [KAFKA])
    assert problem.what.startswith("No node has room left for kafka: 682 MiB")
    assert "node2 2 cores, 100 MiB" in problem.found


def test_another_order_may_fit_where_that_of_the_set_up_does_not():
    demands = [Demand("small", 1, 0, 300 * MIB), Demand("large", 1, 0, 1000 * MIB)]
    assert place(nodes(1000, 310), demands)[0] == demands[1]
    assert list(room(nodes(1000, 310), demands)) == []


def test_replicas_are_spread_evenly():
    failed, left = place(nodes(5000, 2000, 2000), [KAFKA])
    assert failed is None
    assert [memory // MIB for _cpu, memory in left.values()] == [5000 - 682, 2000 - 682, 2000 - 682]


def test_fewer_nodes_than_brokers():
    (problem,) = room(nodes(5000, 5000), [KAFKA])
    assert problem.what == "3 brokers need 3 nodes, or the loss of one node stops Kafka"
    assert "preflight_brokers_share_nodes" in problem.remedy
    assert list(room(nodes(5000, 5000), [KAFKA], share=True)) == []


def test_nodes_that_take_no_pods_are_left_out_and_named():
    cordoned = Node("spare", 9000, 9000 * MIB, "cordoned")
    (problem,) = room([*nodes(5000, 5000), cordoned], [KAFKA])
    assert problem.found.endswith("not spare: cordoned")
    (problem,) = room([cordoned], [KAFKA])
    assert problem.what == "No node accepts pods"


def pod(name: str, node: str = "node0", phase: str = "Running", namespace: str = "other", **labels: str) -> dict:
    requests = {"cpu": "100m", "memory": "100Mi"}
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"nodeName": node, "containers": [{"resources": {"requests": requests}}]},
        "status": {"phase": phase},
    }


def node(name: str = "node0", ready: str = "True", **spec: object) -> dict:
    return {
        "metadata": {"name": name},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": "2", "memory": "1048576Ki"},
            "conditions": [{"type": "Ready", "status": ready, "message": "kubelet stopped"}],
        },
    }


def test_what_runs_already_counts_unless_it_is_the_pipelines_own():
    pods = [pod("a"), pod("done", phase="Succeeded"), pod("mine", namespace="here", part="own"), pod("waits", node="")]
    (found,) = node_room([node()], pods, {"namespace": "here", "part": "own"})
    assert (found.cpu, found.memory // MIB, found.why_not) == (1900, 924, "")


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (node(ready="False"), "not Ready (kubelet stopped)"),
        (node(unschedulable=True), "cordoned"),
        (node(taints=[{"key": "gpu", "effect": "NoSchedule"}]), "tainted (gpu:NoSchedule)"),
        (node(taints=[{"key": "gpu", "effect": "PreferNoSchedule"}]), ""),
    ],
)
def test_why_a_node_takes_no_pods(made, why):
    assert node_room([made], [], {"namespace": "x"})[0].why_not == why


@pytest.mark.parametrize(
    ("toleration", "takes"),
    [
        ({"key": "role", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "role", "value": "x"}, True),
        ({"key": "role", "value": "y"}, False),
        ({"key": "role", "operator": "Exists", "effect": "NoExecute"}, False),
    ],
)
def test_a_taint_that_pods_tolerate(toleration, takes):
    made = node(taints=[{"key": "role", "value": "x", "effect": "NoSchedule"}])
    assert (node_room([made], [], {"namespace": "x"}, [toleration])[0].why_not == "") is takes


def test_what_the_scheduler_counts_for_a_pod():
    def container(cpu: str, **more: str) -> dict:
        return {"resources": {"requests": {"cpu": cpu, "memory": "1Mi"}}, **more}

    spec = {"containers": [container("100m"), container("50m")], "initContainers": [container("120m")]}
    assert pod_request(spec) == (150, 2 * MIB)
    spec["initContainers"] += [container("30m", restartPolicy="Always"), container("900m")]
    spec["overhead"] = {"cpu": "10m"}
    assert pod_request(spec) == (910, 3 * MIB)
    assert pod_request({"containers": [{}]}) == (0, 0)


def test_quantities_of_the_api():
    assert [cores(item) for item in ("250m", "2", "0.5", 4, "1e3", "250000000n")] == [250, 2000, 500, 4000, 10**6, 250]
    assert [amount(item) for item in ("1Ki", "1G", 12, "128974848000m", "2e3")] == [1024, 10**9, 12, 128974848, 2000]
