# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from collection_path import ROOT, collections_path

PLAY = [{"hosts": "all", "gather_facts": False, "tasks": [{"cdc.pipeline.check_variables": {}}]}]


@pytest.fixture
def check(tmp_path):
    """Run the module in check mode with these variables; gives its result."""

    def run(inventory="local", **variables):
        (tmp_path / "play.yml").write_text(json.dumps(PLAY))
        (tmp_path / "variables.json").write_text(json.dumps(variables))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment |= {
            "ANSIBLE_COLLECTIONS_PATH": str(collections_path(tmp_path / "collections")),
            "ANSIBLE_CALLBACKS_ENABLED": "tree",
            "ANSIBLE_CALLBACK_TREE_DIR": str(tmp_path / "results"),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"),
        }
        inventories = ["-i", str(ROOT / "inventories" / inventory)]
        command = [str(Path(sys.executable).with_name("ansible-playbook")), *inventories, "--check", "play.yml"]
        command += ["-e", "@variables.json"]
        run = subprocess.run(command, env=environment, cwd=tmp_path, check=False, timeout=120)
        (result,) = (tmp_path / "results").iterdir()
        return {**json.loads(result.read_text()), "failed": run.returncode != 0}

    return run


def test_the_defaults_are_right_and_no_host_is_reached(check):
    result = check()
    assert not result["failed"], result["msg"]
    assert result["checked"] > 0
    assert 9092 in [port["port"] for port in result["ports"]]
    assert "iceberg" not in result["artifacts"]


def test_every_wrong_variable_is_named_with_what_it_may_be(check):
    result = check(cdc_port_ofset=100, archive_engine="iceberg", cdc_runtime="nomad")
    assert result["failed"]
    assert "cdc_port_ofset" in result["msg"]
    assert "cdc_port_offset" in result["msg"]
    assert "archive_engine must be one of service, connect" in result["msg"]
    assert "cdc_runtime must be one of local, kubernetes" in result["msg"]


def test_artifacts_are_named_by_their_inputs(check):
    """As in their role, whose folder the inputs lie in. The engine connect alone needs its plugin."""
    result = check(versions_debezium="0.0.1", archive_engine="connect")
    assert not result["failed"], result["msg"]
    artifacts = result["artifacts"]
    assert "iceberg" in artifacts
    assert Path(artifacts["python"]["requirements"]).samefile(ROOT / "roles/artifacts/files/services.txt")
    assert artifacts["debezium_release"]["coordinates"] == "io.debezium:debezium-connector-postgres:0.0.1:tar.gz:plugin"


@pytest.mark.parametrize("inventory", ["kind", "kubernetes", "openshift"])
def test_what_the_runtime_kubernetes_needs(check, inventory):
    result = check(inventory, images_source="built")
    assert not result["failed"], result["msg"]
    brokers = next(item for item in result["workloads"] if item["name"] == "kafka")
    assert brokers["replicas"] == 3
    assert brokers["storage_class"] == ("cdc-kafka" if inventory == "kind" else "")
    assert result["cluster"]["provider"] == (inventory if inventory != "kubernetes" else "existing")
    assert (9094 in [port["port"] for port in result["ports"]]) is (inventory == "kind")
    assert 19092 not in [port["port"] for port in result["ports"]]


def test_what_has_no_public_image_has_to_be_built_or_named(check):
    result = check("kubernetes", images_source="public", archive_image="own/archive:1")
    assert "There is no public image of kafka-connect\n" in result["msg"]
    assert "or name your own: kafka_connect_image" in result["msg"]
