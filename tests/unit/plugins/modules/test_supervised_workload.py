# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module supervised_workload over a supervisor in memory. Real processes: tests/integration/local/workload."""

from __future__ import annotations

import base64
import threading
import time

import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed
from ansible_collections.cdc.pipeline.tests.unit.fakes.supervisor import FakeSupervisor, FakeTools, part


@pytest.fixture
def world(tmp_path, monkeypatch):
    """The fakes in the place of the real ones; `tools` is filled when the module runs."""
    supervisor = FakeSupervisor(tmp_path)
    supervisor.failing = set()
    supervisor.tools = []
    supervisor.checking = []

    def tools(instance, folder=None):
        made = FakeTools(instance, supervisor.failing)
        # Those that run checks see another instance.
        (supervisor.checking if folder else supervisor.tools).append(made)
        return made

    for each in ("_workload.local.realise", "_workload.local.remove"):
        monkeypatch.setattr(part(each), "Supervisor", lambda path: supervisor)
        monkeypatch.setattr(part(each), "Disk", lambda: part("_disk").Disk(root=False))
    monkeypatch.setattr(part("_workload.local.realise"), "Tools", tools)
    monkeypatch.setattr(part("_workload.local.readiness"), "listeners", lambda ports: {})
    return supervisor


@pytest.fixture
def run(run_module, tmp_path, world):
    spec = {
        "name": "web",
        "replicas": 2,
        "command": ["serve", "@{config}"],
        "files": {"settings": "value=1\n"},
        "secrets": {"password": "hidden-value"},
    }

    def call(check=False, state="started", **changes):
        options = {key: changes.pop(key) for key in ("timeout", "purge_data", "only") if key in changes}
        return run_module(
            "supervised_workload",
            check=check,
            workload={**spec, **changes},
            instance={"name": "test", "home": str(tmp_path)},
            state=state,
            **options,
        )

    return call


def test_starts_and_then_changes_nothing(run, world, tmp_path):
    dry = run(check=True)
    assert dry["changed"] and dry["started"] == ["web-0", "web-1"]
    assert not list(tmp_path.iterdir()) and not world.asked
    real = run()
    assert real["started"] == dry["started"] and real["diff"] == dry["diff"]
    assert world.asked == ["add web-0", "add web-1"]
    assert [item["name"] for item in real["replicas"]] == ["web-0", "web-1"]
    again = run()
    assert not again["changed"] and "diff" not in again and len(world.asked) == 2


def test_check_mode_says_what_there_is_of_it(run, world):
    assert run(check=True)["found"] == "new"
    assert "found" not in run()
    assert run(check=True, files={"settings": "value=2\n"})["found"] == "running"
    run(state="stopped")
    assert run(check=True)["found"] == "stopped"
    run(state="absent")
    assert run(check=True)["found"] == "stopped"
    run(state="absent", purge_data=True)
    assert run(check=True)["found"] == "new"


def test_a_change_restarts_in_turn_and_is_shown(run, world):
    run()
    world.asked.clear()
    dry = run(check=True, files={"settings": "value=2\n"})
    assert dry["restarted"] == ["web-0", "web-1"] and not world.asked
    assert [item["before"] for item in dry["diff"]] == ["value=1\n", "value=1\n"]
    result = run(files={"settings": "value=2\n"})
    assert result["reasons"] == {"web-0": ["config/settings differs"], "web-1": ["config/settings differs"]}
    assert world.asked == ["stop web-0", "start web-0", "stop web-1", "start web-1"]


def test_a_gate_that_does_not_hold_ends_the_rollout(run, world):
    run(rolling_gate={"exec": ["check"]})
    world.asked.clear()
    world.failing.add("gate")
    with pytest.raises(Exception, match="stops before web-0: its gate did not hold"):
        run(rolling_gate={"exec": ["check"]}, env={"NEW": "1"}, timeout=1)
    assert not world.asked


def test_secrets_show_nowhere(run):
    for check in (True, False):
        result = run(check=check)
        assert "hidden-value" not in result["stdout"] and "<secret>" in result["stdout"]
    binary = run(secrets={"password": {"base64": base64.b64encode(b"hidden-value-1").decode()}})
    assert "hidden-value" not in binary["stdout"] and "aGlkZGVuLXZhbHVl" not in binary["stdout"]
    assert run(secrets={"password": "hidden-value-2"})["restarted"] == ["web-0", "web-1"]


def test_drift_is_mended(run, world, tmp_path):
    run()
    (tmp_path / "web-1" / "config" / "settings").write_text("edited")
    assert run()["restarted"] == ["web-1"]
    world.states["web-0"] = "FATAL"
    assert run()["started"] == ["web-0"]
    (tmp_path / "web-0" / "config" / "stray").touch()
    result = run()
    assert result["changed"] and not result["restarted"] and not result["started"]


def test_first_steps_and_their_failure(run, world, tmp_path):
    init = [{"name": "make", "command": ["touch", "@{data}/made"], "creates": "@{data}/made"}]
    run(init=init)
    assert sorted(world.tools[-1].steps) == [("web-0", "make"), ("web-1", "make")]
    run(init=init, env={"A": "1"})
    assert world.tools[-1].steps == []
    with pytest.raises(Exception, match="its init step fail failed: the disk is full") as caught:
        run(init=[{"name": "fail", "command": ["false"]}], replicas=3)
    assert "hidden-value" not in caught.value.result["stdout"]
    assert "exit status 9" in caught.value.result["msg"]


def test_first_steps_of_replicas_run_side_by_side_and_those_of_one_in_order(run, world, monkeypatch):
    met = threading.Barrier(2)
    taken = []

    def meet(self, replica, step, *arguments):
        # One after the other they would wait for each other in vain.
        met.wait(10)
        taken.append((replica, step))
        return 0

    monkeypatch.setattr(FakeTools, "run", meet)
    run(init=[{"name": "first", "command": ["touch", "x"]}, {"name": "second", "command": ["touch", "y"]}])
    for name in ("web-0", "web-1"):
        assert [step for replica, step in taken if replica == name] == ["first", "second"]
    assert world.asked == ["add web-0", "add web-1"]


def test_a_first_step_that_fails_does_not_cut_those_of_others_short(run, world, tmp_path, monkeypatch):
    ended = []

    def work(self, replica, step, *arguments):
        if replica == "web-0":
            return 9
        time.sleep(0.2)
        ended.append(replica)
        return 0

    monkeypatch.setattr(FakeTools, "run", work)
    init = [{"name": "make", "command": ["touch", "x"]}]
    with pytest.raises(Exception, match="web-0: its init step make failed"):
        run(init=init)
    assert ended == ["web-1"] and not world.states, "nothing was started"
    marks = tmp_path / "supervisor/replicas"
    assert (marks / "web-0.make.running").exists() and not (marks / "web-1.make.running").exists()
    assert (marks / "web-1.make.done").exists()


def test_a_step_must_create_what_it_says(run):
    with pytest.raises(Exception, match="succeeded, but did not create"):
        run(init=[{"name": "make", "command": ["touch", "@{data}/other"], "creates": "@{data}/made"}])


@pytest.mark.parametrize("options", [{"state": "gone"}, {"instance": {"name": "test", "hom": "/"}}])
def test_secrets_show_nowhere_when_options_are_wrong(run_module, options):
    given = {
        "workload": {"name": "web", "secrets": {"password": "hidden-value"}},
        "instance": {"name": "x", "home": "/"},
    }
    with pytest.raises(ModuleFailed) as caught:
        run_module("supervised_workload", **{**given, **options})
    assert "hidden-value" not in caught.value.result["stdout"]


def checked(*command):
    return {"overrides": {"local": {"check": [{"name": "settings", "command": list(command)}]}}}


@pytest.mark.parametrize("dry", [False, True])
def test_files_that_a_check_refuses_replace_nothing(run, tmp_path, dry):
    (tmp_path / "supervisor/tools").mkdir(parents=True)
    (tmp_path / "supervisor/tools/cdc-run").touch()
    run()
    with pytest.raises(ModuleFailed) as caught:
        run(check=dry, files={"settings": "value=2\n"}, **checked("refuse", "@{config}/settings"))
    message = caught.value.result["msg"]
    assert "web-0: its check settings refuses the new files (exit status 9)" in message and "********" in message
    assert "hidden-value" not in caught.value.result["stdout"]
    assert (tmp_path / "web-0/config/settings").read_text() == "value=1\n"
    assert not run()["changed"] and not (tmp_path / "check").exists()


def test_checks_run_only_before_a_change(run, world, tmp_path):
    passes = checked("touch", "@{tmp}/seen")
    run(**passes)
    assert world.checking[-1].steps == [("web-0", "settings"), ("web-1", "settings")]
    run(state="restarted", **passes)
    assert world.checking[-1].steps == []
    run(**passes, files={"settings": "value=2\n"})
    assert world.checking[-1].steps == [("web-0", "settings"), ("web-1", "settings")]
    (tmp_path / "web-1/config/settings").write_text("by hand\n")
    run(**passes, files={"settings": "value=2\n"})
    assert world.checking[-1].steps == [("web-1", "settings")]


def test_in_check_mode_a_check_waits_for_what_is_not_installed(run, world):
    assert run(check=True, **checked("refuse"))["started"] == ["web-0", "web-1"]
    assert world.checking[-1].steps == []


def test_a_job_is_checked_as_well(run):
    with pytest.raises(ModuleFailed, match="its check settings refuses"):
        run(kind="job", replicas=1, command=["touch", "@{data}/done"], **checked("refuse"))


def test_jobs(run, world):
    job = {"kind": "job", "replicas": 1, "command": ["touch", "@{data}/done"]}
    assert run(check=True, **job)["changed"]
    assert run(**job)["started"] == ["web-0"] and world.tools[-1].steps == [("web-0", None)]
    assert not run(**job)["changed"]


def test_a_job_is_bounded_by_its_deadline_and_runs_again_when_it_changed_or_failed(run, world, tmp_path):
    job = {"kind": "job", "replicas": 1, "command": ["touch", "@{data}/done"]}
    run(timeout=60, deadline_seconds=30, stop_signal="INT", stop_grace=5, **job)
    assert world.tools[-1].given == (30, "INT", 5)
    assert run(deadline_seconds=30, files={"settings": "value=2\n"}, **job)["started"] == ["web-0"]
    with pytest.raises(Exception, match=r"web-0: the job failed: the disk is full \(exit status 9\)") as caught:
        run(kind="job", replicas=1, command=["false"])
    assert "hidden-value" not in caught.value.result["stdout"]
    assert run(deadline_seconds=30, files={"settings": "value=2\n"}, **job)["started"] == ["web-0"], "not done since"


CRON = {"kind": "cronjob", "replicas": 1, "schedule": "0 3 * * *"}


def test_a_cronjob_takes_up_a_change_without_a_restart(run, world, tmp_path):
    mark = tmp_path / "supervisor" / "replicas" / "web-0.applied"
    assert run(check=True, **CRON)["changed"] and not world.states
    assert run(**CRON)["started"] == ["web-0"] and mark.exists()
    assert not run(**CRON)["changed"]
    before = mark.read_text()
    world.asked.clear()
    for change in ({"schedule": "0 4 * * *"}, {"files": {"settings": "value=2\n"}}, {"env": {"A": "1"}}):
        assert run(check=True, **{**CRON, **change})["changed"]
        result = run(**{**CRON, **change})
        assert result["changed"] and not result["started"] and not result["restarted"]
        assert not run(**{**CRON, **change})["changed"]
    assert set(world.asked) == {"HUP web-0"} and mark.read_text() != before
    assert not run(state="restarted", **{**CRON, "env": {"A": "1"}})["changed"]


def test_an_interrupted_change_of_a_cronjob_is_completed(run, world, tmp_path):
    run(**CRON)
    mark = tmp_path / "supervisor" / "replicas" / "web-0.applied"
    mark.unlink()
    run(**CRON)
    assert mark.exists()


def test_a_cronjob_that_becomes_a_job_is_no_longer_supervised(run, world, tmp_path):
    run(**CRON, command=["touch", "@{data}/done"])
    job = {"kind": "job", "replicas": 1, "command": ["touch", "@{data}/done"]}
    result = run(**job)
    assert (result["removed"], result["started"], world.states) == (["web-0"], ["web-0"], {})
    assert not run(**job)["changed"]
    assert run(**CRON)["started"] == ["web-0"]


def test_what_is_kept_of_runs_goes_with_the_cronjob(run, world, tmp_path):
    run(**CRON)
    kept = tmp_path / "supervisor" / "replicas" / "web-0.runs"
    kept.write_text("{}")
    run(state="absent")
    assert not kept.exists(), "or a run would count as missed when it is set up again"


def test_restarted_stopped_absent(run, world, tmp_path):
    run()
    world.asked.clear()
    assert run(state="restarted")["restarted"] == ["web-0", "web-1"]
    assert run(check=True, state="stopped")["stopped"] == ["web-0", "web-1"]
    assert run(state="stopped")["stopped"] == ["web-0", "web-1"]
    assert not run(state="stopped")["changed"]
    assert run(check=True, state="absent")["changed"] and world.states
    assert run(state="absent")["removed"] == ["web-0", "web-1"] and not world.states
    assert (tmp_path / "web-0" / "data").exists() and not (tmp_path / "web-0" / "secrets").exists()
    assert not run(state="absent")["changed"]
    assert run(state="absent", purge_data=True)["changed"] and not (tmp_path / "web-0").exists()


def test_one_replica_is_restarted_alone(run, world):
    run()
    world.asked.clear()
    dry = run(check=True, state="restarted", only=["web-1"])
    assert dry["restarted"] == ["web-1"] and not world.asked
    done = run(state="restarted", only=["web-1"])
    assert done["restarted"] == ["web-1"] and done["reasons"] == {"web-1": ["a restart was asked for"]}
    assert world.asked == ["stop web-1", "start web-1"]
    assert not run(only=["web-1"])["changed"], "only a restart is bounded by it"


def test_what_differs_is_restarted_beside_the_one_that_is_named(run):
    run()
    assert run(state="restarted", only=["web-1"], files={"settings": "value=2\n"})["restarted"] == ["web-0", "web-1"]


@pytest.mark.parametrize("state", ["stopped", "absent"])
def test_single_replicas_are_not_taken_for_all(run, world, state):
    run()
    world.asked.clear()
    with pytest.raises(ModuleFailed) as caught:
        run(state=state, only=["web-1"])
    assert "all replicas, and only names web-1" in caught.value.result["msg"]
    assert not world.asked


@pytest.mark.parametrize("state", ["started", "restarted"])
def test_a_replica_that_there_is_not_is_named(run, world, state):
    with pytest.raises(ModuleFailed) as caught:
        run(state=state, only=["web-1", "web-2", "echo-0"])
    assert "has no replica echo-0, web-2" in caught.value.result["msg"]
    assert not world.asked


def test_mistakes_are_all_named(run, tmp_path):
    with pytest.raises(Exception, match="has 2 errors") as caught:
        run(comand=["x"], replicas="many")
    assert len(caught.value.result["problems"]) == 2
    assert not list(tmp_path.iterdir())
