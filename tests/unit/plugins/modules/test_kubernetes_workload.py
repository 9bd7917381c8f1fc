# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A workload in a cluster that is in memory.

Longer than 400 lines: services, jobs and cronjobs are one module's, and all tests share its specification and cluster.
"""

from __future__ import annotations

import base64
import copy
import importlib
import sys

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import FailedError
from ansible_collections.cdc.pipeline.tests.unit.fakes.kubernetes import FakeApi, waits
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

MODULE = "ansible_collections.cdc.pipeline.plugins.modules.kubernetes_workload"
SPEC = {
    "name": "echo",
    "replicas": 3,
    "image": "registry.example/echo:1",
    "command": ["serve", "@{config}"],
    "files": {"settings": "of @{replica}\n"},
    "secrets": {"password": "sesame-open"},
    "ports": {"http": {"port": 8000, "step": 1, "node_port": 30800}},
    "probes": {"readiness": {"tcp": "http"}},
    "storage": {"size": "1Gi"},
}


@pytest.fixture
def api(monkeypatch):
    fake = FakeApi()
    module = importlib.import_module(MODULE)
    monkeypatch.setattr(module, "connect", lambda *_: fake)
    ticks = iter(range(1000000))
    waiting = importlib.import_module(module.Realiser.__module__.replace("realise", "waiting"))
    monkeypatch.setattr(waiting.Waiter.__init__, "__defaults__", (lambda: float(next(ticks)), lambda _seconds: None))
    return fake


@pytest.fixture
def run(run_module, api):
    def call(check=False, state="started", purge_data=False, timeout=60, cluster=None, only=(), **changes):
        spec = {key: value for key, value in {**SPEC, **changes}.items() if value is not None}
        given = {"kubeconfig": "/kubeconfig", "storage_classes": {"fast": "fast"}, **(cluster or {})}
        return run_module(
            "kubernetes_workload",
            check=check,
            workload=spec,
            cluster=given,
            state=state,
            only=list(only),
            purge_data=purge_data,
            timeout=timeout,
        )

    return call


def failure(run, **options):
    with pytest.raises(ModuleFailed) as caught:
        run(**options)
    return caught.value.result["msg"]


def gated(folder, name="gate"):
    """A gate that notes when it was asked, and holds."""
    log = folder / f"{name}.log"
    code = f"open({str(log)!r}, 'a').write('asked\\n')"
    return {"rolling_gate": {"exec": [sys.executable, "-c", code]}}, log


def test_applies_everything_and_a_second_run_changes_nothing(run, api):
    first = run()
    assert first["changed"] and first["started"] == ["echo-0", "echo-1", "echo-2"]
    assert first["reasons"]["echo-0"] == ["is not set up yet"]
    assert [item["name"] for item in first["replicas"]] == ["echo-0", "echo-1", "echo-2"]
    assert api.changed("apply", "StatefulSet") == ["echo"]
    second = run()
    assert not second["changed"] and second["restarted"] == [] and "diff" not in second


def test_check_mode_says_the_same_and_changes_nothing(run, api):
    before = run(check=True)
    assert before["changed"] and before["started"] == ["echo-0", "echo-1", "echo-2"]
    assert api.objects == {} and "replicas" not in before
    done = run()
    assert [item["after_header"] for item in before["diff"]] == [item["after_header"] for item in done["diff"]]
    changes = {"files": {"settings": "new\n"}}
    predicted, real = run(check=True, **changes), run(**changes)
    assert predicted["restarted"] == real["restarted"] == ["echo-0", "echo-1", "echo-2"]
    assert [item["before"] for item in predicted["diff"]] == [item["before"] for item in real["diff"]]


def test_without_a_cluster_check_mode_reports_all_as_missing(run, monkeypatch):
    def refuse(*_):
        raise FailedError("There is no kubeconfig")

    monkeypatch.setattr(f"{MODULE}.connect", refuse)
    checked = run(check=True)
    assert (checked["started"], checked["found"]) == (["echo-0", "echo-1", "echo-2"], "new")
    assert "There is no kubeconfig" in failure(run)


def test_check_mode_says_what_there_is_of_it(run, api):
    assert run(check=True)["found"] == "new"
    # What was left when it was removed without its data.
    api.put(claim("data-echo-0", "1Gi"))
    assert run(check=True)["found"] == "stopped"
    assert "found" not in run()
    assert run(check=True, files={"settings": "new\n"})["found"] == "running"
    api.edit("StatefulSet", "echo", "spec.replicas", 0)
    assert run(check=True)["found"] == "stopped"


def test_before_its_project_exists_check_mode_reports_all_as_missing(run, api):
    api.forbidden = {(verb, kind) for verb in ("get", "list", "patch") for kind in ("Namespace", "Project", "Pod")}
    assert "may not list pods" in failure(run, check=True)
    assert run(check=True, cluster={"openshift": True})["started"] == ["echo-0", "echo-1", "echo-2"]
    assert "may not list pods" in failure(run, cluster={"openshift": True})
    assert api.calls == []


def test_secrets_are_never_shown(run):
    first, second = run(), run(secrets={"password": "another-one"})
    assert second["changed"] and second["restarted"]
    encoded = base64.b64encode(b"another-one").decode()
    for text in (first["stdout"], second["stdout"]):
        assert not {"sesame-open", "another-one", encoded} & set(text.replace('"', " ").split())
    shown = next(item for item in second["diff"] if item["after_header"].startswith("Secret"))
    assert "<another secret>" in shown["after"] and "<secret>" in shown["before"]


def test_of_a_binary_file_a_difference_shows_size_and_checksum(run):
    files = {"trust.jks": {"base64": base64.b64encode(b"\xff old").decode()}}
    run(files=files)
    assert not run(files=files)["changed"]
    changed = run(files={"trust.jks": {"base64": base64.b64encode(b"\xff newer").decode()}})
    shown = next(item for item in changed["diff"] if item["after_header"].startswith("ConfigMap"))
    assert "<binary, 5 bytes, sha256" in shown["before"] and "<binary, 7 bytes, sha256" in shown["after"]


def test_a_change_goes_from_pod_to_pod_behind_the_gate(run, api, tmp_path):
    spec, log = gated(tmp_path)
    run(**spec)
    api.calls.clear()
    result = run(files={"settings": "new\n"}, **spec)
    assert api.changed("delete", "Pod") == ["echo-2", "echo-1", "echo-0"]
    assert log.read_text().count("asked") == 3
    assert result["reasons"]["echo-1"] == ["ConfigMap echo-config differs", "StatefulSet echo differs"]


def test_pods_that_no_longer_agree_go_together_without_the_gate(run, api, tmp_path):
    spec, log = gated(tmp_path)
    run(**spec)
    run(in_common="encrypted", **spec)
    assert not log.exists()
    api.calls.clear()
    run(files={"settings": "new\n"}, in_common="encrypted", **spec)
    assert log.read_text().count("asked") == 3


def test_a_gate_that_does_not_hold_ends_the_restart(run, api):
    spec = {"rolling_gate": {"exec": [sys.executable, "-c", "print('2 of 3 are there'); exit(1)"]}}
    run(**spec)
    api.calls.clear()
    message = failure(run, files={"settings": "new\n"}, timeout=0.1, **spec)
    assert "rolling restart stops before echo-2" in message and "2 of 3 are there" in message
    assert api.changed("delete", "Pod") == []


def test_an_interrupted_rollout_goes_on(run, api, tmp_path):
    broken = {"rolling_gate": {"exec": [sys.executable, "-c", "exit(1)"]}}
    run(**broken)
    failure(run, files={"settings": "new\n"}, timeout=0.1, **broken)
    spec, _log = gated(tmp_path)
    api.calls.clear()
    result = run(files={"settings": "new\n"}, **spec)
    assert result["restarted"] == ["echo-0", "echo-1", "echo-2"]
    assert result["reasons"]["echo-0"] == ["is not of the present revision"]
    assert not run(files={"settings": "new\n"}, **spec)["changed"]


def test_pods_that_are_broken_anyway_go_first_without_the_gate(run, api, tmp_path):
    spec, log = gated(tmp_path)
    run(**spec)
    for name in ("echo-0", "echo-1"):
        waits("CrashLoopBackOff", restarts=4, last={"exitCode": 1})(api.objects[("Pod", name)])
    api.calls.clear()
    run(files={"settings": "mended\n"}, **spec)
    assert api.changed("delete", "Pod") == ["echo-0", "echo-1", "echo-2"]
    assert log.read_text().count("asked") == 1


def test_a_pod_in_back_off_is_tried_again_at_once(run, api):
    run()
    waits("ImagePullBackOff")(api.objects[("Pod", "echo-1")])
    result = run()
    assert result["restarted"] == ["echo-1"] and result["reasons"]["echo-1"] == ["keeps ending"]


def test_restarted_replaces_every_pod(run, api, tmp_path):
    spec, log = gated(tmp_path)
    run(**spec)
    uids = {item["metadata"]["uid"] for item in api.list("Pod")}
    assert run(state="restarted", check=True, **spec)["restarted"] == ["echo-0", "echo-1", "echo-2"]
    assert run(state="restarted", **spec)["restarted"] == ["echo-0", "echo-1", "echo-2"]
    assert not uids & {item["metadata"]["uid"] for item in api.list("Pod")}
    assert log.read_text().count("asked") == 3


def test_one_pod_is_replaced_alone(run, api, tmp_path):
    spec, log = gated(tmp_path)
    run(**spec)
    api.calls.clear()
    assert run(state="restarted", only=["echo-1"], check=True, **spec)["restarted"] == ["echo-1"]
    assert api.changed("delete", "Pod") == []
    assert run(state="restarted", only=["echo-1"], **spec)["restarted"] == ["echo-1"]
    assert api.changed("delete", "Pod") == ["echo-1"]
    assert log.read_text().count("asked") == 1
    assert "has no replica echo-3" in failure(run, state="restarted", only=["echo-3"], **spec)


def test_the_pod_of_a_deployment_goes_by_the_name_of_its_replica(run, api):
    alone = {"replicas": 1, "storage": None}
    run(**alone)
    before = {item["metadata"]["uid"] for item in api.list("Pod")}
    assert run(state="restarted", only=["echo-0"], **alone)["restarted"]
    assert not before & {item["metadata"]["uid"] for item in api.list("Pod")}


def test_an_edit_by_hand_is_shown_and_mended(run, api):
    run()
    api.edit("ConfigMap", "echo-config", "data.echo-0__settings", "mine")
    api.edit("StatefulSet", "echo", "spec.replicas", 5)
    shown = run(check=True)
    assert shown["changed"] and api.objects[("StatefulSet", "echo")]["spec"]["replicas"] == 5
    run()
    assert api.objects[("StatefulSet", "echo")]["spec"]["replicas"] == 3
    assert not run()["changed"]


def test_what_a_controller_keeps_is_left_alone(run, api):
    run()
    api.edit("StatefulSet", "echo", "spec.replicas", 5, manager="horizontal-pod-autoscaler")
    message = failure(run)
    assert ".spec.replicas belongs to horizontal-pod-autoscaler" in message
    assert api.objects[("StatefulSet", "echo")]["spec"]["replicas"] == 5


def test_what_is_no_longer_wanted_goes_but_nothing_else(run, api):
    run()
    api.put({"kind": "ConfigMap", "metadata": {"name": "stranger", "labels": {"app.kubernetes.io/name": "echo"}}})
    api.put({"kind": "PersistentVolumeClaim", "metadata": {"name": "data-echo-0", "labels": labels()}})
    result = run(secrets=None, ports={"http": {"port": 8000, "step": 1}})
    assert "Secret echo-secrets" in result["removed"] and "Service echo-1-http-outside" in result["removed"]
    assert ("ConfigMap", "stranger") in api.objects and ("PersistentVolumeClaim", "data-echo-0") in api.objects


def test_one_kind_gives_way_to_the_other(run, api):
    changes = {"storage": None, "ports": None, "probes": None}
    run(replicas=1, **changes)
    assert ("Deployment", "echo") in api.objects
    result = run(replicas=2, **changes)
    assert ("Deployment", "echo") not in api.objects and "Deployment echo" in result["removed"]
    assert len(api.list("Pod")) == 2


def claim(name, size):
    spec = {"resources": {"requests": {"storage": size}}}
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name, "labels": labels()}, "spec": spec}


def test_volumes_grow_while_their_pods_stay(run, api):
    run()
    api.put(claim("data-echo-0", "1Gi"))
    before = {item["metadata"]["uid"] for item in api.list("Pod")}
    bigger = {"storage": {"size": "2Gi"}}
    assert run(check=True, **bigger)["changed"]
    assert api.objects[("PersistentVolumeClaim", "data-echo-0")]["spec"]["resources"]["requests"]["storage"] == "1Gi"
    assert run(**bigger)["restarted"] == []
    assert api.objects[("PersistentVolumeClaim", "data-echo-0")]["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert {item["metadata"]["uid"] for item in api.list("Pod")} == before
    assert not run(**bigger)["changed"]


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        ({"size": "512Mi"}, "is of 512Mi instead of 1Gi"),
        ({"size": "1Gi", "class": "fast"}, "is of the class fast instead of None"),
        (None, "has no volume any more"),
    ],
)
def test_volumes_neither_shrink_nor_change(run, api, storage, told):
    run()
    for check in (True, False):
        message = failure(run, storage=storage, check=check)
        assert f"The volumes of echo cannot be changed: in the specification each {told}" in message
    assert not run()["changed"]


@pytest.mark.parametrize("size", ["512Mi", "2Gi"])
def test_volumes_that_cannot_become_what_is_wanted_keep_everything_as_it_was(run, api, size):
    run()
    for number in range(3):
        api.put(claim(f"data-echo-{number}", "1Gi"))
    api.expands = False
    before, calls = copy.deepcopy(api.objects), list(api.calls)
    for check in (True, False):
        # A configuration that differs, too, would be applied before the set.
        message = failure(run, check=check, storage={"size": size}, files={"settings": "new\n"})
        assert "nothing has been changed" in message and "docs/storage.md" in message
    assert api.objects == before and api.calls == calls


def test_stop_remembers_and_start_restores(run, api):
    run()
    assert run(state="stopped")["stopped"] == ["echo-0", "echo-1", "echo-2"]
    assert api.list("Pod") == [] and not run(state="stopped")["changed"]
    assert api.objects[("StatefulSet", "echo")]["metadata"]["annotations"]["cdc-pipeline/replicas"] == "3"
    result = run()
    assert result["started"] == ["echo-0", "echo-1", "echo-2"] and result["reasons"]["echo-0"] == ["is stopped"]


def test_absent_keeps_volumes_unless_told(run, api):
    run()
    api.put({"kind": "PersistentVolumeClaim", "metadata": {"name": "data-echo-0", "labels": labels()}})
    assert run(state="absent", check=True)["changed"] and api.list("Pod")
    run(state="absent")
    assert set(api.objects) == {("PersistentVolumeClaim", "data-echo-0")}
    assert not run(state="absent")["changed"]
    run(state="absent", purge_data=True)
    assert api.objects == {}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            waits("ImagePullBackOff", 'Back-off pulling image "x": failed to pull: manifest unknown: not found'),
            ["registry.example/echo:1 cannot be pulled: there is no such image or tag", "manifest unknown"],
        ),
        (
            waits("ErrImagePull", "401 Unauthorized"),
            ["the registry requires a login", "cdc_image_pull_secrets"],
        ),
        (
            waits("ErrImagePull", "dial tcp: lookup registry.example: no such host"),
            ["the nodes cannot reach the registry", "images_source: built"],
        ),
        (
            waits("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"),
            ["cannot be started", "use an image whose user is a number"],
        ),
        (
            waits("CrashLoopBackOff", restarts=1, last={"exitCode": 137, "reason": "OOMKilled"}),
            ["keeps ending: its memory limit was reached (OOMKilled)", "raise its memory limit"],
        ),
    ],
)
def test_trouble_ends_the_run_early(run, api, spoil, told):
    api.broken = spoil
    message = failure(run, timeout=10000)
    assert all(text in message for text in told), message


def test_a_crash_tells_its_last_words_without_secrets_and_its_events(run, api):
    api.broken = waits("CrashLoopBackOff", restarts=2, last={"exitCode": 3})
    api.logs["echo-0"] = "starting\nwrong password: sesame-open\n"
    failing = {"kind": "Event", "metadata": {"name": "e"}, "type": "Warning", "reason": "BackOff"}
    api.put({**failing, "message": "Back-off restarting", "count": 4, "involvedObject": {"name": "echo-0"}})
    message = failure(run, timeout=10000)
    assert "echo-0 keeps ending: it ended with exit status 3" in message
    assert "wrong password: ********" in message and "BackOff: Back-off restarting (4 times)" in message


def test_a_check_that_refuses_the_files_ends_the_run_with_its_words(run, api):
    def refuse(pod):
        ended = {"exitCode": 1, "reason": "Error"}
        waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
        status = {"name": "check-settings", "restartCount": 1, "state": waiting, "lastState": {"terminated": ended}}
        pod["status"] = {"phase": "Pending", "initContainerStatuses": [status]}
        return pod

    check = {"overrides": {"kubernetes": {"check": [{"name": "settings", "command": ["verify", "@{config}"]}]}}}
    run(**check)
    api.broken, api.logs["echo-0"] = refuse, "value must be a number; sesame-open\n"
    message = failure(run, files={"settings": "x"}, timeout=10000, **check)
    assert "echo-0 is not started: its check settings refuses its files (it ended with exit status 1)" in message
    assert "value must be a number; ********" in message
    assert "correct the setting that the evidence names" in message


def test_no_node_takes_it_with_the_sum_of_what_is_left(run, api):
    def pend(pod):
        text = "0/1 nodes are available: 1 Insufficient memory."
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": text}
        pod["status"] = {"phase": "Pending", "conditions": [condition]}
        del pod["spec"]["nodeName"]
        return pod

    api.broken = pend
    node = {"kind": "Node", "metadata": {"name": "node-1"}, "spec": {}}
    api.put({**node, "status": {"allocatable": {"cpu": "2", "memory": "1Gi"}}})
    memory = {"resources": {"memory": {"request": "2Gi", "limit": "2Gi"}}}
    message = failure(run, timeout=10000, **memory)
    assert "No node takes echo-0" in message and "asks for 0m CPU and 2048Mi" in message
    assert "node node-1 has 2000m CPU and 1024Mi of memory left" in message
    # Where the volume is the reason, that is told instead.
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "data-echo-0", "labels": labels()}}
    api.put({**claim, "spec": {}, "status": {"phase": "Pending"}})
    assert "the cluster has no default storage class" in failure(run, timeout=10000, **memory)
    api.put({**claim, "spec": {"storageClassName": "fast"}, "status": {"phase": "Pending"}})
    assert "there is no storage class fast" in failure(run, timeout=10000, **memory)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('pods "echo-0" is forbidden: exceeded quota: small', "a quota is used up"),
        ('pods "echo-0" is forbidden: violates PodSecurity "restricted:latest"', "Pod Security forbids it"),
    ],
)
def test_pods_that_may_not_be_made(run, api, text, told):
    api.makes_pods = False
    api.put(
        {
            "kind": "Event",
            "metadata": {"name": "e"},
            "type": "Warning",
            "reason": "FailedCreate",
            "message": text,
            "involvedObject": {"name": "echo"},
        }
    )
    message = failure(run, timeout=10000)
    assert f"echo gets no pods: {told}" in message and text in message


def test_a_missing_right_is_named(run, api):
    api.forbidden.add(("patch", "StatefulSet"))
    message = failure(run)
    assert "The user jane may not patch statefulsets.apps in the namespace data-ingestion" in message
    assert "kubectl auth can-i patch statefulsets.apps -n data-ingestion" in message


def test_without_the_right_to_see_events_and_nodes_the_rest_is_told(run, api):
    api.forbidden |= {("list", "Event"), ("list", "Node"), ("list", "StorageClass")}
    api.broken = waits("ImagePullBackOff", "not found")
    assert "there is no such image" in failure(run, timeout=10000)


def test_too_late(run, api):
    api.broken = waits("ContainerCreating")
    message = failure(run, timeout=5)
    assert "echo-0 was not ready within 5 s" in message and "the pod is Pending" in message


def job(**changes):
    given = {"kind": "job", "replicas": 1, "ports": None, "probes": None, "storage": None}
    return {**given, **changes}


def finish(api, outcome):
    for (kind, _name), item in api.objects.items():
        if kind == "Job":
            item["status"] = {"conditions": [{"type": outcome, "status": "True", "message": "BackoffLimitExceeded"}]}


def test_a_job_runs_once_and_again_when_it_is_another(run, api, monkeypatch):
    original = api.get
    monkeypatch.setattr(api, "get", lambda *args: (finish(api, "Complete"), original(*args))[1])
    first = run(**job())
    assert first["changed"] and len(first["started"]) == 1
    assert not run(**job())["changed"]
    other = run(**job(command=["serve", "otherwise"]))
    assert other["started"] != first["started"] and other["removed"] == [f"Job {first['started'][0]}"]


def test_a_job_that_failed_says_why_and_runs_again(run, api, monkeypatch):
    original = api.get
    monkeypatch.setattr(api, "get", lambda *args: (finish(api, "Failed"), original(*args))[1])
    assert "echo: the job failed" in failure(run, **job())
    monkeypatch.setattr(api, "get", original)
    finish(api, "Failed")
    api.calls.clear()
    assert run(check=True, **job())["changed"]
    with pytest.raises(ModuleFailed):
        run(timeout=3, **job())
    assert len(api.changed("delete", "Job")) == 1


def test_a_job_that_failed_shows_its_exit_status_and_last_lines_masked(run, api, monkeypatch):
    (name,) = run(check=True, **job())["started"]
    ended = {"name": "echo", "state": {"terminated": {"exitCode": 3}}}
    labels = {"app.kubernetes.io/name": "echo", "app.kubernetes.io/part-of": "cdc-pipeline", "job-name": name}
    pod = {"kind": "Pod", "metadata": {"name": f"{name}-x", "labels": labels}, "spec": {"containers": [{}]}}
    api.put({**pod, "status": {"phase": "Failed", "containerStatuses": [ended]}})
    api.logs[f"{name}-x"] = "gave up\nsesame-open\n"
    original = api.get
    monkeypatch.setattr(api, "get", lambda *args: (finish(api, "Failed"), original(*args))[1])
    message = failure(run, **job())
    assert "echo: the job failed (exit status 3)" in message and "gave up" in message
    assert "sesame-open" not in message and f"logs job/{name}" in message


def test_another_job_waits_until_the_one_before_has_gone(run, api, monkeypatch):
    original = api.get
    monkeypatch.setattr(api, "get", lambda *args: (finish(api, "Complete"), original(*args))[1])
    run(**job())
    api.calls.clear()
    run(**job(command=["serve", "otherwise"]))
    assert [(verb, kind) for verb, kind, _name in api.calls] == [("delete", "Job"), ("apply", "Job")]


def cronjob(**changes):
    return job(kind="cronjob", schedule="0 3 * * *", **changes)


def test_a_cronjob_is_set_and_not_run(run, api):
    assert run(check=True, **cronjob())["started"] == ["echo-0"] and not api.list("CronJob")
    assert run(**cronjob())["started"] == ["echo-0"]
    assert not run(**cronjob())["changed"]
    for change in ({"schedule": "0 4 * * *"}, {"files": {"settings": "other\n"}}):
        result = run(**{**cronjob(), **change})
        assert result["changed"] and not result["started"]
        assert not run(**{**cronjob(), **change})["changed"]
    api.edit("CronJob", "echo", "spec.suspend", True, manager="cdc-pipeline")
    assert run(**cronjob())["reasons"] == {"echo-0": ["is stopped"]}
    assert not api.objects[("CronJob", "echo")]["spec"]["suspend"]


def test_a_cronjob_that_becomes_a_service_is_removed_first(run, api):
    run(**cronjob())
    api.calls.clear()
    assert "CronJob echo" in run()["removed"]
    changed = [(verb, kind) for verb, kind, _name in api.calls]
    assert changed.index(("delete", "CronJob")) < changed.index(("apply", "StatefulSet"))


def test_a_schedule_that_is_none_changes_nothing(run, api):
    message = failure(run, **{**cronjob(), "schedule": "0 25 * * *"})
    assert "schedule: hour: '25' is not a number from 0 to 23" in message and not api.objects


def test_a_gate_that_needs_what_only_pods_have_is_refused(run):
    message = failure(run, rolling_gate={"exec": ["check", "@{config}"]})
    assert "unknown token @{config}" in message and "the gate runs on the controller" in message


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ({"access": "pigeons"}, ["value of access must be one of: host_ports", "pigeons"]),
        ({"namespaze": "x"}, ["cluster.namespaze", "namespace"]),
        ({"tolerations": [1]}, ["tolerations"]),
        ({"port_offset": 70000, "outside": {"s3": 1}}, ["port_offset: must be between", "outside.s3: must be a map"]),
    ],
)
def test_a_wrong_cluster_is_told(run, cluster, words):
    message = failure(run, cluster=cluster)
    assert all(word in message for word in words), message


def labels():
    return {"app.kubernetes.io/name": "echo", "app.kubernetes.io/part-of": "cdc-pipeline"}
