# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is decided about clusters by kind. The module as a whole: test_kind_cluster.py."""

from __future__ import annotations

import importlib

import pytest

UTILS = "ansible_collections.cdc.pipeline.plugins.module_utils"
wanted = importlib.import_module(f"{UTILS}._kind.wanted")
decide = importlib.import_module(f"{UTILS}._kind.decide")
kubeconfig = importlib.import_module(f"{UTILS}._kind.kubeconfig")
readiness = importlib.import_module(f"{UTILS}._kind.readiness")
faults = importlib.import_module(f"{UTILS}._kind.faults")

HEAD = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"}


def mapped(*ports, address="127.0.0.1"):
    mappings = [{"containerPort": 30000, "hostPort": port, "listenAddress": address} for port in ports]
    return {"role": "control-plane", "extraPortMappings": mappings}


def parse(*nodes, **more):
    return wanted.parse_wanted("one", {**HEAD, **more, "nodes": list(nodes)}, "")


def found(of, *missing):
    nodes = [decide.Node(f"n{number}", node["role"], True) for number, node in enumerate(of.config["nodes"])]
    return decide.Found([node for node in nodes if node.name not in missing], of.record())


@pytest.mark.parametrize(
    ("nodes", "more", "told"),
    [
        ([{"role": "worker"}], {}, "need a control plane"),
        ([{"role": "control-plane"}, {"role": "master"}], {}, "need a control plane"),
        ([mapped(1, 1)], {}, "127.0.0.1:1 is used twice"),
        ([mapped(1), mapped(1, address="0.0.0.0")], {}, "0.0.0.0:1 is used twice"),
        ([mapped(1)], {"name": "two"}, "one of another cluster: two"),
        ([mapped(1)], {"apiVersion": "v1"}, "no kind configuration: apiVersion"),
    ],
)
def test_a_configuration_that_kind_would_refuse(nodes, more, told):
    with pytest.raises(Exception, match=told):
        parse(*nodes, **more)


def test_ports_at_two_addresses_do_not_meet():
    both = parse(mapped(1), mapped(1, 0, address="127.0.0.2"))
    assert [str(port) for port in both.host_ports] == ["127.0.0.1:1", "127.0.0.2:1"]


def test_without_nodes_there_is_a_control_plane():
    assert wanted.parse_wanted("one", HEAD, "").nodes == 1


def test_a_cluster_is_kept_with_more_or_fewer_mapped_ports():
    there = found(parse(mapped(1, 2)))
    for ports, missing in (((1,), []), ((1, 2, 3), [3]), ((4, 3), [3, 4])):
        for recreate in (False, True):
            step = decide.decide_present(parse(mapped(*ports)), there, recreate)
            assert step.action == "keep"
            assert decide.ports_missing(parse(mapped(*ports)), there, step) == missing
    new = decide.Found()
    step = decide.decide_present(parse(mapped(1)), new, False)
    assert (step.action, decide.ports_missing(parse(mapped(1)), new, step)) == ("create", [])


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({"containerPort": 30001, "hostPort": 1, "listenAddress": "127.0.0.1"}, "127.0.0.1:1 leads elsewhere"),
        ({"containerPort": 30000, "hostPort": 1, "listenAddress": "0.0.0.0"}, "0.0.0.0:1 leads elsewhere"),
        ({"containerPort": 30000, "hostPort": 1, "listenAddress": "127.0.0.1", "protocol": "UDP"}, ":1 leads"),
        ({"containerPort": 30002}, "none to 30002 at a port that the engine chooses"),
    ],
)
def test_a_mapped_port_that_leads_elsewhere_is_a_difference(mapping, told):
    there = found(parse(mapped(1)))
    other = parse({"role": "control-plane", "extraPortMappings": [mapping]})
    with pytest.raises(Exception, match="differs") as refused:
        decide.decide_present(other, there, False)
    assert "config.nodes[0].extraPortMappings: " in refused.value.message and told in refused.value.message
    assert decide.decide_present(other, there, True).action == "replace"


def test_a_node_that_is_lost_is_a_difference():
    two = parse(mapped(1), {"role": "worker"})
    with pytest.raises(Exception, match="differs") as refused:
        decide.decide_present(two, found(two, "n1"), False)
    assert "1 are left of 2" in refused.value.message
    assert decide.decide_present(two, found(two, "n1"), True).action == "replace"


@pytest.mark.parametrize(
    ("text", "holds", "empty"),
    [
        ("", False, True),
        ("# nothing\n", False, True),
        ("clusters: null\n", False, True),
        ("- a list\n", False, False),
        ("a: [\n", False, False),
        ("clusters: [{name: a}]\ncurrent-context: a\n", True, False),
        ("clusters: [{name: b}, {name: a}]\ncurrent-context: a\n", True, False),
        ("clusters: [{name: a}]\ncurrent-context: b\n", False, False),
        ("clusters: [{name: a, cluster: {server: other}}]\ncurrent-context: a\n", False, False),
    ],
)
def test_kubeconfigs(text, holds, empty):
    assert kubeconfig.holds(text, "clusters: [{name: a}]\ncurrent-context: a\n") is holds
    assert kubeconfig.is_empty(text) is empty


def test_nodes_that_have_not_joined_are_missed():
    node = {"metadata": {"name": "a"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    new = {"metadata": {"name": "b"}, "status": {}}
    assert readiness.unready({"items": [node]}, 1) == {}
    assert readiness.unready({"items": [node, new]}, 3) == {
        "b": "it has not reported yet",
        "missing": "1 of 3 nodes have not joined",
    }


def test_pods_that_wait_for_a_node():
    conditions = [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]
    pending = {"phase": "Pending", "conditions": conditions}
    pods = [
        {"metadata": {"namespace": "a", "name": "b"}, "status": pending},
        {"metadata": {"namespace": "a", "name": "c"}, "status": {"phase": "Running"}},
    ]
    assert readiness.troubled({"items": pods}) == ["a/b: Pending 0/3 nodes are available"]


def test_an_unknown_failure_shows_the_end_of_what_was_said():
    error = faults.explain("It", "\n".join(f"line {number}" for number in range(99)), host="unix:///x")
    assert "line 98" in error.message and "line 1\n" not in error.message and "unix:///x" in error.message
