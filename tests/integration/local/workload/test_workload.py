# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Workloads as real processes: what is started, restarted and left alone, and what is reported."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import DeadlineError, FailedError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.readiness import Readiness

NAMES = ["web-0", "web-1", "web-2"]


def test_starts_once_and_then_changes_nothing(lab):
    dry = lab.realiser(dry=True).start()
    assert dry.changed and dry.started == NAMES
    assert not (lab.home / "web-0").exists(), "check mode must not write"

    real = lab.realiser().start()
    assert real.started == NAMES and [item.path for item in real.differences] == [item.path for item in dry.differences]
    assert all(lab.answers(ordinal) for ordinal in range(3))
    pids = lab.pids()

    again = lab.realiser().start()
    assert not again.changed and not again.reasons and lab.pids() == pids
    assert not lab.realiser(dry=True).start().changed


def test_runs_as_the_unprivileged_user_with_private_secrets(lab):
    lab.realiser(replicas=1).start()
    secret = lab.home / "web-0" / "secrets" / "password"
    assert secret.stat().st_mode & 0o777 == 0o400 and secret.read_text() == "first-secret-value"
    if os.geteuid() == 0:
        status = f"/proc/{lab.pids()['web-0']}/status"
        with open(status) as stream:
            uids = next(line for line in stream if line.startswith("Uid:")).split()[1:]
        assert "0" not in uids


def test_a_changed_file_restarts_one_replica_after_the_other(lab, monkeypatch):
    lab.realiser().start()
    before = lab.pids()
    running_during_waits = []
    wait = Readiness.wait

    def observing(self, names, *arguments):
        names = list(names)
        if names:
            alive = [name for name, item in lab.supervisor.processes().items() if item.pid == before.get(name)]
            running_during_waits.append((names, alive))
        return wait(self, names, *arguments)

    monkeypatch.setattr(Readiness, "wait", observing)
    lab.spec["files"]["settings.json"] = {"greeting": "good morning"}
    dry = lab.realiser(dry=True).start()
    assert dry.restarted == NAMES and not dry.started
    report = lab.realiser().start()
    assert report.restarted == NAMES and report.reasons["web-1"] == ["config/settings.json differs"]
    assert [names for names, _alive in running_during_waits] == [["web-0"], ["web-1"], ["web-2"]]
    assert running_during_waits[0][1] == ["web-1", "web-2"], "the others run on while the first restarts"
    assert not set(before.values()) & set(lab.pids().values())
    assert not lab.realiser().start().changed


def test_only_what_differs_restarts(lab):
    lab.realiser().start()
    before = lab.pids()
    (lab.home / "web-1" / "config" / "peers.txt").write_text("edited by hand\n")
    dry = lab.realiser(dry=True).start()
    assert dry.restarted == ["web-1"] and dry.reasons == {"web-1": ["config/peers.txt differs"]}
    shown = dry.differences[0].shown()
    assert shown["before"] == "edited by hand\n" and shown["after"].startswith("web-1 of 127.0.0.1:")
    assert lab.realiser().start().restarted == ["web-1"]
    after = lab.pids()
    assert after["web-1"] != before["web-1"] and after["web-0"] == before["web-0"] and after["web-2"] == before["web-2"]


def test_a_changed_secret_restarts_and_is_not_shown(lab):
    lab.realiser(replicas=1).start()
    report = lab.realiser(replicas=1, secrets={"password": "second-secret-value"}).start()
    assert report.restarted == ["web-0"]
    assert "secret-value" not in str([item.shown() for item in report.differences])


def test_changed_probes_are_written_without_a_restart(lab):
    lab.realiser().start()
    before = lab.pids()
    lab.spec["probes"]["liveness"]["failure_threshold"] = 9
    report = lab.realiser().start()
    assert report.changed and not report.restarted and lab.pids() == before


def test_mends_stopped_removed_and_stray(lab):
    lab.realiser().start()
    lab.supervisor.stop(["web-0"], 3)
    assert lab.realiser(dry=True).start().started == ["web-0"]
    assert lab.realiser().start().started == ["web-0"]

    programs = lab.instance.programs("web")
    programs.write_text("")
    lab.supervisor.reread()
    lab.supervisor.stop(["web-2"], 3)
    lab.supervisor.remove("web-2")
    report = lab.realiser().start()
    assert "web-2" in report.started and lab.answers(2)
    assert not lab.realiser().start().changed

    stray = lab.home / "web-0" / "config" / "settings.json.bak"
    stray.write_text("left by an editor\n")
    report = lab.realiser().start()
    assert report.changed and not report.restarted and not stray.exists()


def test_an_interrupted_rollout_goes_on(lab, monkeypatch):
    lab.realiser().start()
    wait = Readiness.wait

    def interrupted(self, names, *arguments):
        names = list(names)
        if "web-1" in names:
            raise KeyboardInterrupt
        return wait(self, names, *arguments)

    lab.spec["files"]["settings.json"] = {"greeting": "interrupted"}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Readiness, "wait", interrupted)
        lab.realiser().start()
    # All of web-1's files are written; only the digest tells that its start was never seen to succeed.
    report = lab.realiser().start()
    assert report.restarted == ["web-1", "web-2"]
    assert report.reasons["web-1"] == ["its last start was not completed"]
    assert not lab.realiser().start().changed


def test_replicas_that_no_longer_agree_are_stopped_together(lab, monkeypatch):
    """Also when that is interrupted: none starts with the new files while one runs with the old ones."""
    lab.realiser().start()
    wait, starts = Readiness.wait, []

    def observing(self, names, *arguments):
        if names := list(names):
            old = [name for name, item in lab.supervisor.processes().items() if item.pid == before.get(name)]
            starts.append((names, old))
        return wait(self, names, *arguments)

    def interrupt(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Readiness, "wait", observing)
    lab.spec["in_common"] = "encrypted"
    lab.spec["files"]["settings.json"] = {"greeting": "in another language"}
    before = lab.pids()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(lab.supervisor), "stop", interrupt)
        lab.realiser().start()
    assert lab.pids() == before
    report = lab.realiser().start()
    assert report.restarted == NAMES and starts == [(NAMES, [])]
    assert not lab.realiser().start().changed
    lab.spec["files"]["settings.json"] = {"greeting": "later"}
    before, starts[:] = lab.pids(), []
    lab.realiser().start()
    assert [names for names, _old in starts] == [["web-0"], ["web-1"], ["web-2"]]


def test_fewer_replicas_and_more(lab):
    lab.realiser().start()
    report = lab.realiser(replicas=1).start()
    assert report.removed == ["web-1", "web-2"] and not lab.answers(2)
    assert (lab.home / "web-2" / "data").exists(), "data of a removed replica stays"
    assert not lab.realiser(replicas=1).start().changed
    report = lab.realiser().start()
    assert report.started == ["web-1", "web-2"] and lab.answers(2)


def test_one_replica_is_restarted_alone(lab):
    lab.realiser().start()
    before = lab.pids()
    assert lab.realiser().start(restart=True, only=["web-1"]).restarted == ["web-1"]
    assert [name for name, pid in lab.pids().items() if pid != before[name]] == ["web-1"]


def test_first_steps_run_once_and_again_after_an_interruption(lab):
    step = ["/bin/sh", "-c", 'echo run >> "$1"; touch "$2"', "step", "@{data}/runs", "@{data}/made"]
    lab.spec.update(replicas=1, init=[{"name": "make", "command": step, "creates": "@{data}/made"}])
    lab.realiser().start()
    runs = lab.home / "web-0" / "data" / "runs"
    assert runs.read_text() == "run\n"
    lab.realiser().start(restart=True)
    assert runs.read_text() == "run\n"

    # Interrupted before the replica ever ran: what is half done goes, and the step runs again.
    lab.remover().remove(purge_data=True)
    lab.spec["init"][0]["command"] = ["/bin/sh", "-c", 'echo half > "$1"; exit 3', "step", "@{data}/made"]
    with pytest.raises(FailedError, match=r"its init step make failed .*exit status 3"):
        lab.realiser().start()
    lab.spec["init"][0]["command"] = step
    lab.realiser().start()
    assert runs.read_text() == "run\n" and (lab.home / "web-0" / "data" / "made").read_text() == ""


def test_a_job_runs_once(lab):
    job = {
        "name": "web",
        "kind": "job",
        "command": ["/bin/sh", "-c", 'echo "done $1" >> "$2"', "job", "x", "@{data}/runs"],
    }
    lab.spec = job
    assert lab.realiser(dry=True).run_job().changed
    assert lab.realiser().run_job().changed
    assert not lab.realiser().run_job().changed
    assert (lab.home / "web-0" / "data" / "runs").read_text() == "done x\n"
    with pytest.raises(FailedError, match=r"the job failed \(exit status 1\)"):
        lab.realiser(command=["/bin/false"]).run_job()
    assert lab.realiser().run_job().changed, "what it did has been overtaken by the other one"


def test_names_a_crash_with_its_cause(lab):
    lab.spec["files"]["settings.json"] = {"exit": 5, "say": "bind: Permission denied for first-secret-value"}
    with pytest.raises(FailedError) as caught:
        lab.realiser(replicas=1).start()
    assert "web-0 keeps ending: it may not read or write something it needs (exit status 5)" in caught.value.message
    assert "********" in caught.value.message and "first-secret-value" not in caught.value.message


def test_names_who_has_a_port(lab):
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", lab.port + 1))
        stranger.listen()
        with pytest.raises(FailedError, match="Ports that web-1 needs are taken") as caught:
            lab.realiser().start()
    assert f"{lab.port + 1} (http of web-1): process {os.getpid()}" in caught.value.message
    assert not (lab.home / "web-0").exists(), "nothing is changed"
    lab.realiser().start()


def test_says_what_a_slow_one_is_waiting_for(lab):
    lab.spec["files"]["settings.json"] = {"status": 503}
    with pytest.raises(DeadlineError) as caught:
        lab.realiser(replicas=1, timeout=3).start()
    assert "web-0 runs, but was not ready within 3 s" in caught.value.message
    assert "503" in caught.value.message
    lab.spec["files"]["settings.json"] = {}
    assert lab.realiser(replicas=1).start().restarted == ["web-0"]


def test_a_closed_gate_stops_the_rollout(lab):
    gate = lab.home.parent / "gate"
    gate.write_text("open")
    gate.chmod(0o644)
    lab.spec["rolling_gate"] = {"exec": ["/usr/bin/test", "-e", str(gate)]}
    lab.realiser().start()
    gate.unlink()
    before = lab.pids()
    lab.spec["files"]["settings.json"] = {"greeting": "held back"}
    with pytest.raises(DeadlineError, match="stops before web-0: its gate did not hold"):
        lab.realiser(timeout=2).start()
    assert lab.pids() == before
    gate.write_text("open")
    assert lab.realiser().start().restarted == NAMES


def test_absent_keeps_data_unless_purged(lab):
    lab.realiser().start()
    (lab.home / "web-0" / "data" / "precious").write_text("rows")
    assert lab.remover(dry=True).remove(purge_data=False).changed and lab.answers()
    report = lab.remover().remove(purge_data=False)
    assert report.removed == NAMES and not lab.answers()
    assert (lab.home / "web-0" / "data" / "precious").exists()
    assert not (lab.home / "web-0" / "secrets").exists()
    assert not lab.remover().remove(purge_data=False).changed
    assert lab.realiser().start().started == NAMES
    lab.remover().remove(purge_data=True)
    assert not (lab.home / "web-0").exists()


def test_stopped_stays_stopped(lab):
    lab.realiser().start()
    assert lab.remover(dry=True).stop().stopped == NAMES and lab.answers()
    assert lab.remover().stop().stopped == NAMES and not lab.answers()
    assert not lab.remover().stop().changed


def test_what_is_purged_is_not_waited_for(lab):
    lab.settings["deaf"] = True
    lab.realiser(replicas=1, stop_grace=3600).start()
    pid = lab.pids()["web-0"]
    lab.host().remove(purge_data=True)
    assert not Path(f"/proc/{pid}").exists() and not lab.home.exists()


def test_a_disk_that_is_mounted_as_the_home_is_emptied_and_stays(lab):
    lab.remove()
    lab.home.mkdir(exist_ok=True)
    if subprocess.run(
        ["mount", "-t", "tmpfs", "cdc-own-disk", str(lab.home)], capture_output=True, check=False
    ).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        lab.host().start()
        lab.realiser().start()
        assert lab.host().remove(purge_data=True).changed
        assert lab.home.is_mount() and not lab.answers() and list(lab.home.iterdir()) == []
        assert not lab.host().remove(purge_data=True).changed
    finally:
        lab.remove()
        subprocess.run(["umount", str(lab.home)], check=True)


def test_clients_stop_before_their_servers(lab):
    lab.instance = replace(lab.instance, order=("web", "client"))
    port = {"http": {"port": lab.port + 3, "step": 1}}
    lab.realiser(replicas=1).start()
    lab.realiser(replicas=1, name="client", ports=port).start()
    lab.host().stop()
    log = (lab.instance.logs / "supervisord.log").read_text()
    ends = [name for line in log.splitlines() for name in ("client-0", "web-0") if f"stopped: {name}" in line]
    assert ends == ["client-0", "web-0"]


def test_replicas_stop_together(lab):
    """supervisord alone would end one after the other, and the last of three brokers would find no quorum."""
    lab.settings["deaf"] = True
    lab.realiser(stop_grace=3).start()
    lab.host().stop()
    log = (lab.instance.logs / "supervisord.log").read_text().splitlines()
    kills = [line for line in log if "killing 'web-" in line]
    assert len(kills) == 3
    first, last = (datetime.fromisoformat(line[:19]) for line in (kills[0], kills[-1]))
    assert (last - first).total_seconds() <= 2


@pytest.mark.parametrize("lab", ["long-" + "x" * 120], indirect=True)
def test_a_home_too_long_for_a_socket(lab):
    if os.geteuid() != 0:
        pytest.skip("only root may use /run")
    assert str(lab.instance.socket).startswith("/run/cdc-pipeline-")
    lab.realiser(replicas=1).start()
    assert not lab.realiser(replicas=1).start().changed
    lab.remove()
    assert not lab.instance.socket.parent.exists()


def test_the_instance_stops_and_starts_with_what_it_knows(lab):
    lab.realiser().start()
    assert lab.host(dry=True).stop().changed and lab.answers()
    assert lab.host().stop().changed and not lab.answers()
    assert not lab.host().stop().changed
    report = lab.host().start()
    assert report.actions == ["started supervisord"]
    lab.until(lab.answers, 20, "the servers are back")
    assert not lab.host().start().changed


def test_new_tools_restart_nothing(lab):
    lab.realiser().start()
    before = lab.pids()
    probe = lab.instance.tools / "cdc-probe"
    probe.write_text(probe.read_text() + "\n# older\n")
    report = lab.host().start()
    assert report.actions == ["configured"] and lab.pids() == before
    assert not lab.realiser().start().changed


def test_supervisorctl_works_by_hand(lab):
    """supervisord's own client reads the configuration too, for whoever looks by hand."""
    lab.realiser(replicas=1).start()
    command = [lab.instance.tools / "supervisorctl", "-c", lab.instance.control / "supervisord.conf", "status"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert "web-0" in shown and "cdc-prober" in shown
