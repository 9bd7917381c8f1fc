# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module kind_cluster, on programs docker and kind that only pretend. The real ones: molecule's kubernetes."""

from __future__ import annotations

import copy
import fcntl
import importlib
import json
import socket

import pytest

CONFIG = {
    "kind": "Cluster",
    "apiVersion": "kind.x-k8s.io/v1alpha4",
    "nodes": [{"role": "control-plane", "extraPortMappings": []}, {"role": "worker"}, {"role": "worker"}],
}


@pytest.fixture
def programs(tmp_path, monkeypatch):
    fakes = importlib.import_module("ansible_collections.cdc.pipeline.tests.unit.fakes.kind")
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return fakes.FakeKind(folder)


@pytest.fixture
def cluster(run_module, programs, tmp_path):
    def call(**options):
        given = {"name": "one", "config": CONFIG, "kubeconfig": str(tmp_path / "home/kubeconfig"), "timeout": 30}
        return run_module("kind_cluster", **{**given, **options})

    return call


def test_makes_one_and_then_leaves_it(cluster, programs, tmp_path):
    made = cluster(image="node:1")
    assert made["changed"] and made["actions"] == ["made the cluster: there was none"]
    assert made["diff"]["before"] == {"state": "absent"} and made["diff"]["after"]["state"] == "running"
    assert made["context"] == "kind-one"
    assert [node["name"] for node in made["nodes"]] == ["one-control-plane", "one-worker", "one-worker2"]
    assert programs.called("docker pull") == 1
    again = cluster(image="node:1")
    assert again["changed"] is False and again["nodes"] == made["nodes"]
    assert again["diff"]["before"] == again["diff"]["after"]
    assert programs.called("kind create") == 1
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["kubeconfig"]


def test_check_mode_says_what_would_be_and_does_nothing(cluster, programs, tmp_path):
    assert cluster(check=True)["actions"] == ["made the cluster: there was none"]
    assert programs.called("kind") == 0 and not (tmp_path / "home").exists()
    cluster()
    assert cluster(check=True)["changed"] is False
    (tmp_path / "home/kubeconfig").unlink()
    assert cluster(check=True)["actions"] == ["wrote the kubeconfig"]
    assert not (tmp_path / "home/kubeconfig").exists()
    assert cluster()["actions"] == ["wrote the kubeconfig"]
    assert cluster()["changed"] is False


def test_refuses_one_that_differs_unless_it_may_make_it_anew(cluster, programs):
    cluster()
    other = copy.deepcopy(CONFIG)
    other["nodes"].append({"role": "worker"})
    with pytest.raises(Exception, match="differs from its configuration") as refused:
        cluster(config=other)
    assert refused.value.result["differences"] == ["config.nodes: 3 entries -> 4 entries"]
    with pytest.raises(Exception, match="image: none -> node:2"):
        cluster(image="node:2", check=True)
    assert programs.called("kind delete") == 0
    anew = cluster(config=other, recreate=True)
    assert "recreated the cluster" in anew["actions"][0] and len(anew["nodes"]) == 4
    assert cluster(config=other)["changed"] is False


def test_a_cluster_made_without_a_port_is_kept_and_the_port_is_named(cluster, programs):
    assert cluster()["unmapped"] == []
    more = copy.deepcopy(CONFIG)
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        mapping = {"containerPort": 30090, "hostPort": port, "listenAddress": "127.0.0.1"}
        more["nodes"][0]["extraPortMappings"] = [mapping]
        for options in ({"check": True}, {}, {"recreate": True}):
            kept = cluster(config=more, **options)
            assert (kept["changed"], kept["unmapped"]) == (False, [port])
            assert kept["diff"]["before"] == kept["diff"]["after"]
    nodes = {name: {**node, "running": False} for name, node in programs.state["nodes"].items()}
    programs.change(nodes=nodes)
    started = cluster(config=more)
    assert started["unmapped"] == [port] and started["actions"] == ["started the nodes: nodes had stopped"]
    assert started["diff"]["after"] == {**started["diff"]["before"], "state": "running"}
    assert programs.called("kind delete") == 0


def test_mends_a_creation_that_was_interrupted(cluster, programs, tmp_path):
    # As a run leaves it that was killed: nodes, the mark, and no record.
    cluster()
    programs.change(files={})
    (tmp_path / "home/kubeconfig.one-begun").write_text("begun\n")
    assert cluster(check=True)["actions"] == ["recreated the cluster: its creation was interrupted"]
    mended = cluster()
    assert mended["diff"]["before"]["state"] == "unfinished" and mended["diff"]["after"]["state"] == "running"
    assert programs.called("kind delete") == 1 and not (tmp_path / "home/kubeconfig.one-begun").exists()


def test_leaves_nothing_of_a_creation_that_failed(cluster, programs, tmp_path):
    programs.change(cut_off=True)
    with pytest.raises(Exception, match="The creation of the kind cluster one failed"):
        cluster()
    assert programs.state["nodes"] == {} and list((tmp_path / "home").iterdir()) == []


def test_does_not_touch_a_cluster_of_others(cluster, programs):
    programs.change(nodes={"one-control-plane": {"role": "control-plane", "running": True, "address": ""}})
    for options in ({}, {"state": "absent"}):
        with pytest.raises(Exception, match="was not created by this collection"):
            cluster(**options)
    assert programs.called("kind delete") == 0


def test_starts_nodes_in_the_order_of_their_addresses(cluster, programs):
    cluster()
    nodes = {name: {**node, "running": False, "address": ""} for name, node in programs.state["nodes"].items()}
    programs.change(nodes=dict(reversed(nodes.items())))
    assert cluster()["actions"] == ["started the nodes: nodes had stopped"]
    started = [call[2] for call in programs.state["calls"] if call[:2] == ["docker", "start"]]
    assert started == ["one-control-plane", "one-worker", "one-worker2"]


def test_removes_it(cluster, programs, tmp_path):
    cluster()
    assert cluster(state="absent", check=True)["actions"] == ["removed the cluster"]
    assert programs.state["nodes"]
    assert cluster(state="absent")["changed"] is True
    assert programs.state["nodes"] == {} and list((tmp_path / "home").iterdir()) == []
    assert cluster(state="absent")["changed"] is False


def test_says_why_nodes_do_not_get_ready(cluster, programs):
    waiting = {"reason": "ErrImageNeverPull", "message": "no image"}
    pod = {"metadata": {"namespace": "kube-system", "name": "net"}}
    programs.change(
        ready={"status": "False", "message": "cni plugin not initialized"},
        pods=[{**pod, "status": {"containerStatuses": [{"state": {"waiting": waiting}}]}}],
    )
    with pytest.raises(Exception, match="were not Ready within 4 s") as late:
        cluster(timeout=4)
    assert "one-worker: cni plugin not initialized" in late.value.result["msg"]
    assert "kube-system/net: ErrImageNeverPull no image" in late.value.result["msg"]
    programs.change(ready={"status": "True"})
    assert cluster()["changed"] is False


def test_names_who_has_a_port(cluster, programs):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        config = copy.deepcopy(CONFIG)
        mapping = {"containerPort": 30432, "hostPort": busy.getsockname()[1], "listenAddress": "127.0.0.1"}
        config["nodes"][0]["extraPortMappings"] = [mapping]
        with pytest.raises(Exception, match=f"are taken: 127.0.0.1:{mapping['hostPort']}") as taken:
            cluster(config=config)
    assert "process " in taken.value.result["msg"] and programs.called("kind create") == 0
    mapping["listenAddress"] = "192.0.2.1"
    with pytest.raises(Exception, match=r"192\.0\.2\.1 is not an address of this host"):
        cluster(config=config)


@pytest.mark.parametrize(
    ("call", "said", "told"),
    [
        (
            "docker info",
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.",
            "No Docker engine answers",
        ),
        (
            "docker info",
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
            "This user may not use Docker",
        ),
        (
            "docker pull",
            "manifest for node:1 not found: manifest unknown",
            "The node image node:1 is not in the engine",
        ),
        (
            "kind create",
            "Bind for 127.0.0.1:5432 failed: port is already allocated",
            "host port 127.0.0.1:5432 is taken",
        ),
        ("kind create", "Failed to create control group inotify object: Too many open files", "watched files"),
        ("kind create", "write /var/lib/x: no space left on device", "the disk is full"),
        ("kind create", "[kubelet-check] The kubelet is not healthy after 4m0s", "control groups of version 1"),
    ],
)
def test_tells_the_cause_and_the_remedy(cluster, programs, call, said, told):
    programs.change(fails={call: said})
    with pytest.raises(Exception, match=told) as failed:
        cluster(image="node:1")
    assert said in failed.value.result["msg"] and "Next: " in failed.value.result["msg"]


@pytest.mark.parametrize("program", ["docker", "kind"])
def test_names_a_missing_program(cluster, programs, program):
    (programs.folder / program).unlink()
    with pytest.raises(Exception, match=f"The command {program} is missing"):
        cluster()


def test_keeps_other_clusters_in_the_kubeconfig(cluster, programs, tmp_path):
    cluster()
    path = tmp_path / "home/kubeconfig"
    content = json.loads(path.read_text())
    content["clusters"].append({"name": "another", "cluster": {}})
    path.write_text(json.dumps(content))
    assert cluster()["changed"] is False
    path.write_text(json.dumps({**content, "current-context": "another"}))
    assert cluster(check=True)["actions"] == ["wrote the kubeconfig"]


def test_waits_for_a_process_that_is_still_at_work(cluster, tmp_path):
    cluster()
    mark = tmp_path / "home/kubeconfig.one-begun"
    with open(mark, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Exception, match="Another process uses this cluster"):
            cluster(timeout=1)
    assert cluster()["changed"] is False and not mark.exists()
