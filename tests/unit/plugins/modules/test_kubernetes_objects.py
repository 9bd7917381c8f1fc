# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("kubernetes")

from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.objects import differences
from ansible_collections.cdc.pipeline.tests.unit.fakes.cluster_api import FakeClusterApi
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "here", "labels": {"level": "restricted"}}}
QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "9"}}}
CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "fast"},
    "provisioner": "local",
    "parameters": {},
    "allowVolumeExpansion": False,
}


@pytest.fixture
def api():
    with FakeClusterApi() as fake:
        yield fake


@pytest.fixture
def run(api, run_module, tmp_path):
    def call(*objects: Any, check: bool = False, **options: Any) -> dict[str, Any]:
        kubeconfig = api.kubeconfig(tmp_path / "kubeconfig")
        given = {"kubeconfig": kubeconfig, "namespace": "here", "objects": list(objects), **options}
        return run_module("kubernetes_objects", check=check, **given)

    return call


def test_what_is_missing_is_made_and_then_only_read(api, run):
    result = run(NAMESPACE, QUOTA)
    assert result["changed"]
    assert result["objects"] == ["Namespace here", "ResourceQuota q"]
    assert api.objects["resourcequotas", "here", "q"]["spec"] == {"hard": {"pods": "9"}}
    api.calls.clear()
    assert not run(NAMESPACE, QUOTA)["changed"]
    assert api.writes() == []


def test_check_mode_predicts_and_makes_nothing(api, run):
    result = run(NAMESPACE, QUOTA, check=True)
    assert result["objects"] == ["Namespace here", "ResourceQuota q"]
    assert result["diff"]["before"] == {"Namespace here": None, "ResourceQuota q": None}
    assert result["diff"]["after"]["ResourceQuota q"] == QUOTA
    assert api.objects == {}


def test_who_may_not_write_runs_the_same_play_when_all_is_there(api, run):
    run(NAMESPACE, QUOTA)
    api.denied = {"patch namespaces", "patch resourcequotas", "create namespaces"}
    assert not run(NAMESPACE, QUOTA)["changed"]


def test_what_is_no_longer_stated_goes_and_what_others_set_stays(api, run):
    run(NAMESPACE, QUOTA)
    api.objects["resourcequotas", "here", "q"]["spec"]["scopes"] = ["Terminating"]
    result = run(NAMESPACE, {**QUOTA, "spec": {"hard": {"memory": "1Gi"}}})
    assert result["objects"] == ["ResourceQuota q"]
    assert api.objects["resourcequotas", "here", "q"]["spec"] == {"hard": {"memory": "1Gi"}, "scopes": ["Terminating"]}


def test_a_field_changed_by_hand_is_set_back(api, run):
    run(NAMESPACE)
    api.objects["namespaces", "", "here"]["metadata"]["labels"]["level"] = "privileged"
    api.conflicting = [("kubectl-label", ".metadata.labels.level")]
    assert run(NAMESPACE)["changed"]
    assert api.objects["namespaces", "", "here"]["metadata"]["labels"] == {"level": "restricted"}


def test_a_field_that_a_controller_keeps_is_an_error(api, run):
    run(NAMESPACE)
    api.objects["namespaces", "", "here"]["metadata"]["labels"]["level"] = "baseline"
    api.conflicting = [("pod-security-syncer", ".metadata.labels.level")]
    with pytest.raises(ModuleFailed, match="pod-security-syncer"):
        run(NAMESPACE)


def test_a_storage_class_cannot_be_changed(api, run):
    assert run(CLASS)["changed"]
    assert not run(CLASS)["changed"]
    assert run({**CLASS, "allowVolumeExpansion": True})["changed"]
    with pytest.raises(ModuleFailed, match="cannot be changed") as failed:
        run({**CLASS, "provisioner": "other"})
    assert "provisioner is 'local', not 'other'" in failed.value.result["msg"]
    assert "kubectl delete storageclass fast" in failed.value.result["msg"]


def test_removal(api, run):
    run(NAMESPACE, QUOTA)
    assert run(NAMESPACE, QUOTA, check=True, state="absent")["objects"] == ["ResourceQuota q", "Namespace here"]
    assert len(api.objects) == 2
    assert run(NAMESPACE, QUOTA, state="absent")["changed"]
    assert api.objects == {}
    assert not run(NAMESPACE, QUOTA, state="absent")["changed"]


def test_what_does_not_go_in_time_is_named(api, run, monkeypatch):
    run(NAMESPACE)
    monkeypatch.setattr(api, "_delete", lambda key, call: api.objects[key])
    with pytest.raises(ModuleFailed, match="Namespace here is still there"):
        run(NAMESPACE, state="absent", timeout=0)


@pytest.mark.parametrize("item", [{"kind": "Namespace"}, {"kind": "Secret", "metadata": {"name": "x"}}])
def test_objects_that_cannot_be_used(run, item):
    with pytest.raises(ModuleFailed, match="objects cannot be used"):
        run(item)


MONITOR = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "kafka"}, "spec": {}}
OURS = {"app.kubernetes.io/name": "monitoring"}
PRUNE = {"kinds": ["PodMonitor", "NetworkPolicy"], "labels": OURS}


def monitor(name: str) -> dict[str, Any]:
    return {**MONITOR, "metadata": {"name": name, "labels": OURS}}


def test_what_the_cluster_does_not_serve_is_left_out_where_it_is_optional(api, run):
    assert run(NAMESPACE, MONITOR, optional=["PodMonitor"])["objects"] == ["Namespace here"]
    assert run(NAMESPACE, MONITOR, optional=["PodMonitor"], check=True)["objects"] == []
    with pytest.raises(ModuleFailed):
        run(NAMESPACE, MONITOR)
    api.serves = {"monitoring.coreos.com"}
    assert run(NAMESPACE, MONITOR, optional=["PodMonitor"], check=True)["objects"] == ["PodMonitor kafka"]
    assert run(NAMESPACE, MONITOR, optional=["PodMonitor"])["objects"] == ["PodMonitor kafka"]


def test_what_is_stated_no_more_is_removed_and_nothing_of_others(api, run):
    api.serves = {"monitoring.coreos.com"}
    run(NAMESPACE, monitor("kafka"), monitor("archive"), MONITOR | {"metadata": {"name": "of-others"}}, prune=PRUNE)
    assert len(api.objects) == 4
    found = run(NAMESPACE, monitor("kafka"), prune=PRUNE, check=True)
    assert found["objects"] == ["PodMonitor archive"] and len(api.objects) == 4
    assert run(NAMESPACE, monitor("kafka"), prune=PRUNE)["objects"] == ["PodMonitor archive"]
    assert {name for _plural, _space, name in api.objects} == {"here", "kafka", "of-others"}
    assert not run(NAMESPACE, monitor("kafka"), prune=PRUNE)["changed"]
    assert run(prune=PRUNE)["objects"] == ["PodMonitor kafka"]


@pytest.mark.parametrize("denied", [False, True])
def test_nothing_is_removed_of_what_cannot_be_there(api, run, denied):
    if denied:
        api.serves, api.denied = {"monitoring.coreos.com"}, {"list podmonitors"}
    assert not run(prune=PRUNE)["changed"]


def test_only_known_kinds_are_removed(run):
    with pytest.raises(ModuleFailed, match="Secret is not a known kind"):
        run(prune={"kinds": ["Secret"], "labels": OURS})


def owned(*paths: Any) -> dict[str, Any]:
    return {"metadata": {"managedFields": [{"manager": "cdc-pipeline", "operation": "Apply", "fieldsV1": paths[0]}]}}


def test_differences_are_named_by_their_place():
    wanted = {"spec": {"ports": [{"port": 1}, {"port": 2}], "empty": {}}}
    found = {"spec": {"ports": [{"port": 1, "protocol": "TCP"}, {"port": 3}]}}
    assert differences(wanted, {**found, "metadata": {}}) == ["spec.ports[1].port"]
    assert differences({"spec": {"ports": []}}, {"spec": {"ports": [1]}, "metadata": {}}) == ["spec.ports"]


def test_items_of_lists_that_are_no_longer_stated():
    fields = {"f:spec": {"f:ports": {'k:{"port":1}': {"f:name": {}}, 'k:{"port":2}': {}}, "f:set": {'v:"a"': {}}}}
    wanted = {"spec": {"ports": [{"port": 1}], "set": ["b"]}, "metadata": {}}
    found = {**wanted, **owned(fields)}
    assert differences(wanted, found) == ['spec.ports[{"port":1}].name', 'spec.ports[{"port":2}]', 'spec.set["a"]']
