# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module supervised_instance_info without a supervisor. With one: tests/integration/workload."""

from __future__ import annotations

import json

import pytest


def test_info_without_a_supervisor(run_module, tmp_path):
    found = run_module("supervised_instance_info", instance={"name": "x", "home": str(tmp_path)})
    assert not found["running"] and found["processes"] == [] and not found["changed"]
    assert "supervisor does not run" in found["table"]


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
    assert "web-0" in found["table"] and "http:80" in found["table"]


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
