# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The realiser against a real cluster: what is applied, replaced, mended, stopped and removed."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import DeadlineError, FailedError, RefusedError
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.api import connect
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.remove import Keeper
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.status import status
from waiting import until


def pods(api):
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in api.list("Pod")}


def gated(log):
    code = f"open({str(log)!r}, 'a').write('asked\\n')"
    return {"replicas": 3, "rolling_gate": {"exec": [sys.executable, "-c", code]}}


def test_a_service_from_nothing_to_nothing(api, realise, namespace):
    predicted = realise(dry=True)
    assert predicted.changed and api.list("Pod") == []
    first = realise()
    assert first.started == ["echo-0"] == predicted.started
    assert [(item.kind, item.name) for item in first.differences] == [
        (item.kind, item.name) for item in predicted.differences
    ]
    assert not realise().changed and not realise(dry=True).changed
    keeper = Keeper(api, "echo", 60, False)
    assert keeper.stop().stopped == ["echo-0"] and pods(api) == {} and not keeper.stop().changed
    assert keeper.start().started == ["echo-0"] and len(pods(api)) == 1
    assert not realise().changed, "what was remembered is no drift"
    assert keeper.remove(True).changed and not keeper.remove(True).changed and pods(api) == {}


def test_volumes_outlive_the_workload(api, realise):
    step = {"name": "write", "creates": "@{data}/once", "command": ["/bin/sh", "-c", "date > /var/lib/cdc/data/once"]}
    realise(storage={"size": "16Mi"}, init=[step])
    Keeper(api, "echo", 60, False).remove(False)
    claims = [item["metadata"]["name"] for item in api.list("PersistentVolumeClaim")]
    assert claims == ["data-echo-0"]
    realise(storage={"size": "16Mi"}, init=[step])
    Keeper(api, "echo", 60, False).remove(True)


def test_pods_change_in_turn_behind_the_gate(api, realise, tmp_path, spec):
    log = tmp_path / "gate.log"
    realise(**gated(log))
    before = pods(api)
    changed = {"files": {**spec["files"], "hello.txt": "new\n"}}
    assert realise(dry=True, **gated(log), **changed).restarted == ["echo-0", "echo-1", "echo-2"]
    assert pods(api) == before
    report = realise(**gated(log), **changed)
    assert sorted(report.restarted) == ["echo-0", "echo-1", "echo-2"] and log.read_text().count("asked") == 3
    assert not set(before.values()) & set(pods(api).values())
    assert not realise(**gated(log), **changed).changed


def test_an_interrupted_rollout_goes_on(api, realise, tmp_path, spec):
    log = tmp_path / "gate.log"
    realise(**gated(log))
    before = pods(api)
    changed = {"files": {**spec["files"], "hello.txt": "new\n"}}
    closed = {"replicas": 3, "rolling_gate": {"exec": [sys.executable, "-c", "exit('2 of 3 are there')"]}}
    with pytest.raises(DeadlineError, match="rolling restart stops before echo-2"):
        realise(timeout=3, **closed, **changed)
    assert pods(api) == before
    assert len(realise(**gated(log), **changed).restarted) == 3


def test_a_broken_change_is_mended_by_the_next_one(api, realise, tmp_path, spec):
    log = tmp_path / "gate.log"
    realise(**gated(log))
    with pytest.raises(FailedError, match="echo-2 keeps ending"):
        realise(**gated(log), files={**spec["files"], "serve.py": "raise SystemExit(1)\n"})
    before = pods(api)
    report = realise(**gated(log))
    assert set(report.restarted) >= {"echo-2"}
    assert before["echo-2"] != pods(api)["echo-2"]
    assert not realise(**gated(log)).changed


def test_drift_by_hand_is_mended_and_that_of_others_reported(api, kubeconfig, namespace, realise):
    realise(replicas=2)
    hand = connect(kubeconfig, "", namespace)
    patch = {"data": {"hello.txt": "mine", "echo-0.hello.txt": "mine"}}
    path = f"/api/v1/namespaces/{namespace}/configmaps/echo-config"
    merge(hand, path, patch, "kubectl-edit")
    shown = realise(dry=True, replicas=2)
    assert [item.name for item in shown.differences] == ["echo-config"]
    assert realise(replicas=2).changed and not realise(replicas=2).changed
    path = f"/apis/apps/v1/namespaces/{namespace}/statefulsets/echo"
    merge(hand, path, {"spec": {"replicas": 1}}, "autoscaler")
    with pytest.raises(RefusedError) as caught:
        realise(replicas=2)
    assert caught.value.why == ".spec.replicas belongs to autoscaler"


def merge(api, path, patch, manager):
    api.client.call_api(
        path,
        "PATCH",
        query_params=[("fieldManager", manager)],
        header_params={"Content-Type": "application/merge-patch+json"},
        body=patch,
        auth_settings=["BearerToken"],
        _preload_content=False,
    )


def test_one_replica_and_many_are_of_different_kinds(api, realise):
    idle = {"files": None, "ports": None, "probes": None, "command": ["/bin/sh", "-c", "exec sleep 1000"]}
    realise(**idle)
    assert [item["metadata"]["name"] for item in api.list("Deployment")] == ["echo"]
    report = realise(replicas=2, **idle)
    assert "Deployment echo" in report.removed and sorted(pods(api)) == ["echo-0", "echo-1"]
    realise(**idle)
    assert api.list("StatefulSet") == [] and len(pods(api)) == 1


def test_restart(api, realise):
    realise(replicas=2)
    before = pods(api)
    assert sorted(realise(replicas=2, restart=True).restarted) == ["echo-0", "echo-1"]
    assert not set(before.values()) & set(pods(api).values())


def test_a_signal_of_its_own_ends_the_process(api, realise, spec):
    code = (
        "import signal, sys, http.server\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(0))\n"
    )
    realise(files={**spec["files"], "serve.py": code + spec["files"]["serve.py"]}, stop_signal="INT", stop_grace=40)
    Keeper(api, "echo", 20, False).stop()


def ending(script, **changes):
    command = ["/bin/sh", "-c", script]
    return {"kind": "job", "files": {"text": "one"}, "ports": None, "probes": None, "command": command, **changes}


def row(api):
    (found,) = [item for item in status(api) if item["name"] == "echo"]
    return found


def test_a_job_runs_once(api, realise):
    predicted = realise(dry=True, **ending("echo done"))
    assert predicted.changed and not api.list("Job")
    first = realise(**ending("echo done"))
    assert first.changed and first.started == predicted.started and not realise(**ending("echo done")).changed
    assert row(api)["state"] == "Done"
    other = realise(**ending("echo otherwise"))
    assert other.started != first.started and len(api.list("Job")) == 1
    with pytest.raises(FailedError) as caught:
        realise(**ending("echo gave up on sesame-open; exit 3"))
    assert "echo: the job failed (exit status 3)" in caught.value.message
    assert "gave up on ********" in caught.value.message and "sesame-open" not in caught.value.message
    assert row(api)["state"] == "Failed" and len(pods(api)) == 1, "it is not tried again"
    with pytest.raises(FailedError, match="the job failed"):
        realise(**ending("sleep 60", deadline_seconds=3))
    assert "last DEADLINE EXCEEDED" in row(api)["detail"]


def test_a_cronjob_runs_by_its_schedule_and_not_while_stopped(api, realise):
    cron = {"kind": "cronjob", "schedule": "* * * * *"}
    assert realise(**ending("cat @{config}/text; sleep 20", **cron)).started == ["echo-0"]
    assert not realise(**ending("cat @{config}/text; sleep 20", **cron)).changed
    until(lambda: row(api), lambda found: found["state"] == "Running", 80, "a run")
    keeper = Keeper(api, "echo", 60, False)
    assert keeper.stop().stopped == ["echo-0"] and pods(api) == {} and not keeper.stop().changed
    assert row(api)["state"] == "Stopped"
    # The minute that passes meanwhile is made up for at the start.
    realise(**ending("cat @{config}/text; exit 3", **cron))
    last = until(lambda: row(api)["last_run"], bool, 90, "a result")
    assert (last["outcome"], last["exit_status"]) == ("failed", 3)
    assert "last FAILED (exit status 3)" in row(api)["detail"]
    assert [item["log_tail"] for item in status(api, "echo", 5)] == [["one"]]
    assert keeper.remove(True).changed and pods(api) == {} and not api.list("Job")


def test_volumes_neither_shrink_nor_grow_where_the_class_cannot(api, realise, spec):
    realise(storage={"size": "16Mi"})
    before = pods(api)
    with pytest.raises(RefusedError) as caught:
        realise(storage={"size": "8Mi"})
    assert "is of 8Mi instead of 16Mi" in caught.value.message
    files = {**spec["files"], "hello.txt": "new\n"}
    for dry in (True, False):
        with pytest.raises(RefusedError) as caught:
            realise(dry=dry, storage={"size": "32Mi"}, files=files)
        assert "cannot grow to 32Mi" in caught.value.message and "docs/storage.md" in caught.value.message
    assert "new\n" not in api.get("ConfigMap", "echo-config")["data"].values()
    assert pods(api) == before and not realise(storage={"size": "16Mi"}).changed
    Keeper(api, "echo", 60, False).remove(True)
