# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""All workloads of a namespace that is in memory: stop, start, remove, look."""

from __future__ import annotations

import base64
import importlib

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.manifests.workload import manifests
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.pods import Cluster
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload
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
    people = {"kind": "Secret", "metadata": {"name": "people"}}
    people["metadata"]["labels"] = {"app.kubernetes.io/part-of": "cdc-pipeline", "app.kubernetes.io/name": "people"}
    api.put(people)
    run_module("kubernetes_instance", cluster=CLUSTER, state="absent")
    kept = {("PersistentVolumeClaim", "data-kafka-0"), ("Secret", "people")}
    assert set(api.objects) == {("ConfigMap", "stranger"), *kept}
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


@pytest.fixture
def backup(api):
    """A cronjob with one run that failed and one in progress, and a job that has succeeded."""
    for spec in ({"name": "backup", "kind": "cronjob", "schedule": "0 3 * * *"}, {"name": "load", "kind": "job"}):
        workload = parse_workload({**spec, "image": "x", "command": ["x"]}, "kubernetes")
        for manifest in manifests(workload, Cluster()):
            api.apply(manifest)
    (load,) = api.list("Job")
    done = {"type": "Complete", "status": "True", "lastTransitionTime": "2026-05-01T00:00:08Z"}
    api.objects[("Job", load["metadata"]["name"])]["status"] = {
        "startTime": "2026-05-01T00:00:00Z",
        "completionTime": "2026-05-01T00:00:08Z",
        "conditions": [done],
    }
    failed = {"type": "Failed", "status": "True", "lastTransitionTime": "2026-05-01T03:00:05Z"}
    _run(api, "backup-1", "2026-05-01T03:00:00Z", failed, {"terminated": {"exitCode": 3}})
    _run(api, "backup-2", "2026-05-02T03:00:00Z", None, {"running": {}})
    api.calls.clear()
    return api


def _run(api, name, started, condition, state):
    owner = api.objects[("CronJob", "backup")]["metadata"]["uid"]
    labels = {"app.kubernetes.io/name": "backup", "app.kubernetes.io/part-of": "cdc-pipeline"}
    metadata = {"name": name, "labels": labels, "ownerReferences": [{"kind": "CronJob", "uid": owner}]}
    conditions = [condition] if condition else []
    api.put(
        {"kind": "Job", "metadata": metadata, "spec": {}, "status": {"startTime": started, "conditions": conditions}}
    )
    metadata = {"name": f"{name}-x", "labels": {**labels, "job-name": name}, "creationTimestamp": started}
    metadata["owner"] = api.objects[("Job", name)]["metadata"]["uid"]
    status = {"phase": "Running", "containerStatuses": [{"name": "backup", "state": state}]}
    spec = {"containers": [{"name": "backup"}], "nodeName": "node-1"}
    api.put({"kind": "Pod", "metadata": metadata, "spec": spec, "status": status})


def test_shows_jobs_and_cronjobs_with_their_last_run(run_module, backup):
    backup.logs["backup-2-x"] = "dumping\n"
    found = run_module("kubernetes_instance_info", cluster=CLUSTER, log_lines=5)
    rows = {item["name"]: item for item in found["pods"]}
    assert set(rows) == {"kafka-0", "kafka-1", "archive-0", "backup", "load"}, "their pods are no rows"
    row = rows["backup"]
    assert (row["kind"], row["state"], row["ready"], row["schedule"]) == ("cronjob", "Running", True, "0 3 * * *")
    assert row["detail"] == "0 3 * * * UTC; last FAILED (exit status 3) 2026-05-01T03:00:00Z, took 5 s"
    assert (row["last_run"]["exit_status"], row["log_tail"]) == (3, ["dumping"])
    row = rows["load"]
    assert (row["state"], row["ready"], row["detail"]) == ("Done", True, "last ok 2026-05-01T00:00:00Z, took 8 s")
    assert rows["kafka-0"]["kind"] == "service"
    one = run_module("kubernetes_instance_info", cluster=CLUSTER, component="backup")
    assert [item["name"] for item in one["pods"]] == ["backup"]


def test_a_stop_pauses_schedules_and_ends_what_runs(run_module, backup):
    options = {"cluster": CLUSTER, "order": ["kafka", "archive"]}
    assert run_module("kubernetes_instance", check=True, state="stopped", **options)["changed"] and not backup.calls
    stopped = run_module("kubernetes_instance", state="stopped", **options)
    assert "backup-0" in stopped["stopped"]
    assert backup.calls[:2] == [("merge", "CronJob", "backup"), ("delete", "Job", "backup-2")], "before any server"
    assert backup.get("Job", "backup-1"), "what has ended stays"
    found = run_module("kubernetes_instance_info", cluster=CLUSTER, component="backup")
    assert found["pods"][0]["state"] == "Stopped" and not found["pods"][0]["ready"]
    assert not run_module("kubernetes_instance", state="stopped", **options)["changed"]
    assert "backup-0" in run_module("kubernetes_instance", **options)["started"]
    assert not backup.objects[("CronJob", "backup")]["spec"]["suspend"]
