# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""All workloads of a namespace that is in memory: stop, start, remove, look."""

from __future__ import annotations

import base64
import importlib

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.manifests import manifests
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.model import parse_workload
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.pods import Cluster
from ansible_collections.cdc.pipeline.tests.unit.fakes.kubernetes import FakeApi, waits

PACKAGE = "ansible_collections.cdc.pipeline.plugins.modules"
CLUSTER = {"kubeconfig": "/kubeconfig"}


@pytest.fixture
def api(monkeypatch):
    fake = FakeApi()
    for name in ("kubernetes_instance", "kubernetes_instance_info"):
        monkeypatch.setattr(importlib.import_module(f"{PACKAGE}.{name}"), "connect", lambda *_: fake)
    for name, replicas in (("kafka", 2), ("archive", 1)):
        secrets = {"password": "sesame-open"}
        spec = {"name": name, "replicas": replicas, "image": "x", "command": ["x"], "secrets": secrets}
        memory = {"resources": {"memory": {"limit": "64Mi"}}}
        for manifest in manifests(parse_workload({**spec, **memory}, "kubernetes"), Cluster()):
            fake.apply(manifest)
    fake.put({"kind": "ConfigMap", "metadata": {"name": "stranger"}})
    fake.calls.clear()
    return fake


def test_stops_clients_before_servers_and_starts_them_the_other_way(run_module, api):
    options = {"cluster": CLUSTER, "order": ["kafka", "archive"]}
    assert run_module("kubernetes_instance", check=True, state="stopped", **options)["changed"]
    assert api.calls == []
    stopped = run_module("kubernetes_instance", state="stopped", **options)
    assert stopped["stopped"] == ["archive-0", "kafka-0", "kafka-1"] and api.list("Pod") == []
    assert [name for _verb, _kind, name in api.calls] == ["archive", "kafka"]
    assert not run_module("kubernetes_instance", state="stopped", **options)["changed"]
    api.calls.clear()
    assert run_module("kubernetes_instance", **options)["started"] == ["archive-0", "kafka-0", "kafka-1"]
    assert [name for _verb, _kind, name in api.calls] == ["kafka", "archive"] and len(api.list("Pod")) == 3
    assert not run_module("kubernetes_instance", **options)["changed"]


def test_removes_its_own_objects_and_volumes_only_when_told(run_module, api):
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "data-kafka-0"}}
    claim["metadata"]["labels"] = {"app.kubernetes.io/part-of": "cdc-pipeline"}
    api.put(claim)
    run_module("kubernetes_instance", cluster=CLUSTER, state="absent")
    assert set(api.objects) == {("ConfigMap", "stranger"), ("PersistentVolumeClaim", "data-kafka-0")}
    run_module("kubernetes_instance", cluster=CLUSTER, state="absent", purge_data=True)
    assert set(api.objects) == {("ConfigMap", "stranger")}


def test_looks_at_every_pod(run_module, api, monkeypatch):
    used = {"podRef": {"name": "kafka-0", "namespace": api.namespace}, "memory": {"workingSetBytes": 3 * 2**20}}
    monkeypatch.setattr(api, "read", lambda path: {"pods": [used]})
    api.logs["archive-0"] = "ready\nsigned in with sesame-open\n"
    api.list("Pod")
    waits("CrashLoopBackOff", restarts=7, last={"exitCode": 3})(api.objects[("Pod", "kafka-1")])
    found = run_module("kubernetes_instance_info", cluster=CLUSTER, log_lines=5)
    rows = {item["name"]: item for item in found["pods"]}
    assert rows["kafka-0"]["memory_bytes"] == 3 * 2**20 and rows["kafka-0"]["memory_limit_bytes"] == 64 * 2**20
    assert (rows["kafka-1"]["state"], rows["kafka-1"]["restarts"], rows["kafka-1"]["ready"]) == (
        "CrashLoopBackOff",
        7,
        False,
    )
    assert "exit status 3" in rows["kafka-1"]["detail"]
    assert rows["archive-0"]["log_tail"] == ["ready", "signed in with ********"]
    assert not {"sesame-open", base64.b64encode(b"sesame-open").decode()} & set(found["stdout"].split('"'))
    assert "namespace data-ingestion" in found["table"] and "CrashLoopBackOff" in found["table"]


def test_shows_what_is_stopped(run_module, api):
    run_module("kubernetes_instance", cluster=CLUSTER, state="stopped")
    found = run_module("kubernetes_instance_info", cluster=CLUSTER, component="kafka")
    assert [(item["name"], item["state"]) for item in found["pods"]] == [("kafka", "Stopped")]


def test_shows_one_component(run_module, api):
    api.list("Pod")
    found = run_module("kubernetes_instance_info", cluster=CLUSTER, component="kafka")
    assert {item["workload"] for item in found["pods"]} == {"kafka"}
    with pytest.raises(Exception, match=r"no component 'kaf'\nWhy: there are: .*kafka"):
        run_module("kubernetes_instance_info", cluster=CLUSTER, component="kaf")
