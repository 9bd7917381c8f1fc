# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module supervised_instance_info without a supervisor. With one: tests/integration/local/workload."""

from __future__ import annotations

import importlib
import json

import pytest

PACKAGE = "ansible_collections.cdc.pipeline.plugins.module_utils._workload.local"


def test_info_without_a_supervisor(run_module, tmp_path):
    found = run_module("supervised_instance_info", instance={"name": "x", "home": str(tmp_path)})
    assert not found["running"] and found["processes"] == [] and not found["changed"]


def test_info_shows_what_should_run_and_masks_logs(run_module, tmp_path):
    replicas = tmp_path / "supervisor" / "replicas"
    replicas.mkdir(parents=True)
    (replicas / "web-0.json").write_text(json.dumps({"start": {"memory_bytes": None}, "ports": {"http": 80}}))
    (replicas / "web-1.json").write_text("{damaged")
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "web-0.log").write_text("one\ntwo hidden-value\n")
    (tmp_path / "web-0" / "secrets").mkdir(parents=True)
    (tmp_path / "web-0" / "secrets" / "password").write_text("hidden-value\n")
    found = run_module("supervised_instance_info", instance={"name": "x", "home": str(tmp_path)}, log_lines=1)
    (row,) = found["processes"]
    assert (row["name"], row["state"], row["ready"], row["log_tail"]) == ("web-0", "ABSENT", False, ["two ********"])
    assert row["ports"] == {"http": 80}


def test_info_of_one_component(run_module, tmp_path):
    replicas = tmp_path / "supervisor" / "replicas"
    replicas.mkdir(parents=True)
    for name in ("kafka-0", "kafka-1", "kafka-connect-0"):
        (replicas / f"{name}.json").write_text(json.dumps({"start": {"memory_bytes": None}, "ports": {}}))

    def names(component):
        instance = {"name": "x", "home": str(tmp_path)}
        found = run_module("supervised_instance_info", instance=instance, component=component)
        return [row["name"] for row in found["processes"]]

    assert names("kafka") == ["kafka-0", "kafka-1"]
    assert names("kafka-1") == ["kafka-1"]
    assert names("kafka_connect") == ["kafka-connect-0"]
    with pytest.raises(Exception, match="no component 'kaf'\nWhy: there are: kafka, kafka-connect"):
        names("kaf")


@pytest.fixture
def ending(tmp_path):
    """A job and a cronjob of a supervisor that does not run."""
    replicas = tmp_path / "supervisor" / "replicas"
    replicas.mkdir(parents=True)
    for name, kind in (("load-0", "job"), ("backup-0", "cronjob")):
        document = {"kind": kind, "start": {"memory_bytes": None}, "ports": {}}
        (replicas / f"{name}.json").write_text(json.dumps(document))
    return replicas


def rows(run_module, home):
    found = run_module("supervised_instance_info", instance={"name": "x", "home": str(home)})
    return {row["name"]: row for row in found["processes"]}


def test_info_of_a_job(run_module, ending, tmp_path):
    row = rows(run_module, tmp_path)["load-0"]
    assert (row["state"], row["ready"]) == ("NOT DONE", False)
    (ending / "load-0.applied").write_text("digest\n")
    row = rows(run_module, tmp_path)["load-0"]
    assert (row["state"], row["ready"]) == ("DONE", True) and row["detail"].startswith("succeeded 20")


def test_info_of_a_cronjob(run_module, ending, tmp_path, monkeypatch):
    run = {"scheduled": 0, "started": 10800, "seconds": 2.2, "outcome": "succeeded", "exit_status": 0}
    record = {"schedule": "0 3 * * *", "since": 0, "next": 97200, "running": None, "runs": [run]}

    def shown(**changes):
        (ending / "backup-0.runs").write_text(json.dumps({**record, **changes}))
        row = rows(run_module, tmp_path)["backup-0"]
        return row["state"], row["detail"]

    assert shown() == ("ABSENT", "not loaded; last ok 1970-01-01T03:00:00Z, took 2 s")
    status = importlib.import_module(f"{PACKAGE}.status")
    process = importlib.import_module(f"{PACKAGE}.supervisor").Process("backup-0", "RUNNING", 1, 1, 2, 0, "")
    monkeypatch.setattr(status.Supervisor, "answers", lambda self: True)
    monkeypatch.setattr(status.Supervisor, "processes", lambda self: {"backup-0": process})
    found = importlib.import_module(f"{PACKAGE}.tools").Found(True, "no probe")
    monkeypatch.setattr(status.Tools, "probe", lambda self, kind, names: dict.fromkeys(names, found))
    assert shown()[0] == "HELD", "half a definition is not run"
    (ending / "backup-0.applied").write_text("digest\n")
    assert shown() == ("WAITING", "next 1970-01-02T03:00:00Z; last ok 1970-01-01T03:00:00Z, took 2 s")
    failed = {**run, "outcome": "failed", "exit_status": 3}
    assert shown(runs=[run, failed])[1].endswith("; last FAILED (exit status 3) 1970-01-01T03:00:00Z, took 2 s")
    assert shown(running=run) == (
        "RUNNING",
        "since 1970-01-01T03:00:00Z; last ok 1970-01-01T03:00:00Z, took 2 s",
    )
    assert shown(runs=[], next=None) == ("WAITING", "no run yet")
    row = rows(run_module, tmp_path)["backup-0"]
    assert (row["next_run"], row["last_run"], row["ready"]) == (None, None, True)
    (ending / "backup-0.runs").write_text("{damaged")
    assert rows(run_module, tmp_path)["backup-0"]["state"] == "WAITING"
