"""The plans that the roles verify and load_test write are plans, on either runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.plan import Plan, parse_plan

ROOT = Path(__file__).resolve().parents[3]
LOGIN = {"username": "u", "password": "p"}
# What other roles state, and lookups find.
STATED = {
    "preflight_needs": {
        "workloads": [
            {
                "name": "kafka-connect",
                "role": "kafka_connect",
                "kind": "service",
                "replicas": 1,
                "ports": {"http": [30083]},
                "memory_mib": 768.0,
            }
        ]
    },
    "cdc_endpoints_document": {
        "postgresql": {"host": "127.0.0.1", "port": 1, "dbname": "d", "user": "u", "password": "p"},
        "kafka": {"bootstrap_servers": "127.0.0.1:1"},
        "schema_registry": {"url": "http://127.0.0.1:1", "reader": LOGIN, "writer": LOGIN},
        "kafka_connect": {"url": "http://127.0.0.1:1"},
        "object_store": {
            "bucket": "b",
            "access_key_id": "k",
            "secret_access_key": "s",
            "endpoint_url": "http://127.0.0.1:1",
        },
        "monitoring": {"url": "https://h:30090", "page": {"url": "https://h:30099"}},
        "archive": {"url": "http://127.0.0.1:1"},
    },
    "postgresql_expected": {},
    "connectors_expected": {},
    "archive_expected": {},
    "__verify_expected": {},
    "__load_test_kafka": {"librdkafka": {"security.protocol": "SASL_SSL"}, "librdkafka_secret": {"sasl.password": "p"}},
}
SUMMARY = {
    "cdc_home": "/home",
    "services_cdc": "/home/bin/cdc",
    "__cdc_needs_root": True,
    "cdc_kubeconfig": "/kubeconfig",
    # By a filter of the collection, which is not installed here.
    "cdc_captured_tables": ['public."Order Items"'],
}
ARCHIVE = "registry.example.org/cdc/archive:1"


def variables(path: Path) -> dict[str, Any]:
    def trusted(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: trusted(each) for key, each in value.items()}
        if isinstance(value, list):
            return [trusted(each) for each in value]
        return trust_as_template(value) if isinstance(value, str) else value

    return trusted(yaml.safe_load(path.read_text()))


def value(name: str, role: str, inventory: str, **given: Any) -> Any:
    """A variable, as tasks of the role see it."""
    found: dict[str, Any] = {}
    files = [*sorted(ROOT.glob("roles/common/defaults/main/*.yml")), *sorted(ROOT.glob("roles/common/vars/main/*.yml"))]
    files += [ROOT / f"inventories/{inventory}/group_vars/all/runtime.yml"]
    for path in (ROOT / f"roles/{role}/defaults/main.yml", *files, ROOT / f"roles/{role}/vars/main.yml"):
        found |= variables(path)
    found |= {**STATED, "ansible_inventory_sources": [f"{ROOT}/inventories/{inventory}/"], **given}
    return Templar(loader=DataLoader(), variables=found).template(found[name])


def plan(role: str, inventory: str, **given: Any) -> Plan:
    return parse_plan(value(f"__{role}_plan", role, inventory, **given))


@pytest.mark.parametrize("role", ["verify", "load_test"])
def test_a_plan_names_the_cluster_where_there_is_one(role):
    local = plan(role, "local", cdc_port_offset=100)
    assert local.cluster is None
    assert Context(local).ports() == {"kafka_connect": (30183,)}
    cluster = plan(role, "kind").cluster
    assert cluster is not None
    assert (cluster.access, cluster.namespace) == ("host_ports", "data-ingestion")
    assert cluster.declared["postgresql"]["ports"]["sql"]["node_port"] == 30432


@pytest.mark.parametrize(
    ("given", "image"),
    [
        ({}, "docker.io/library/python:3.12-slim"),
        ({"images_references": {"archive": {"name": ARCHIVE}}}, ARCHIVE),
        ({"cdc_images": {"archive": ARCHIVE}}, ARCHIVE),
        ({"archive_image": {"name": ARCHIVE}}, ARCHIVE),
    ],
)
def test_probe_pods_run_the_archives_image_where_there_is_one(given, image):
    """Where no public registry is reached, it is there."""
    cluster = plan("verify", "kind", **given).cluster
    assert cluster is not None and cluster.probe_image == image


@pytest.mark.parametrize(("inventory", "runtime"), [("kind", "containerd"), ("kubernetes", ""), ("openshift", "")])
def test_only_of_kinds_nodes_it_is_known_what_runs_containers(inventory, runtime):
    assert value("__cluster_expected", "cluster", inventory)["container_runtime"] == runtime


@pytest.mark.parametrize(("inventory", "make"), [("local", "make"), ("kind", "make INVENTORY=kind")])
def test_commands_that_are_printed_lead_to_the_inventory_in_use(inventory, make):
    assert plan("verify", inventory).command == f"{make} {{}}"
    summary = value("cdc_summary", "verify", inventory, **SUMMARY)
    assert f"Next             {make} verify · {make} load-test" in summary
    assert """sudo /home/bin/cdc sql 'SELECT * FROM public."Order Items" LIMIT 5'\n""" in summary
    assert "port-forward" not in summary
    unwatched = value("cdc_summary", "verify", inventory, **SUMMARY, monitoring_enabled=False)
    assert "Monitoring       https://h:30099, as reader\n" in summary and "Monitoring" not in unwatched


def test_commands_for_an_inventory_of_no_checkout_run_the_playbooks_by_their_full_names(tmp_path):
    sources = {"ansible_inventory_sources": ["/etc/cdc/hosts.yml", f"{tmp_path}/inventories/my own"]}
    command = f"ansible-playbook -i /etc/cdc/hosts.yml -i '{tmp_path}/inventories/my own' cdc.pipeline."
    assert plan("verify", "local", **sources).command == f"{command}{{}}"
    summary = value("cdc_summary", "verify", "local", **SUMMARY, **sources)
    assert f"Next             {command}verify · load_test · stop · destroy" in summary


def test_addresses_that_end_with_the_play_are_called_so():
    summary = value("cdc_summary", "verify", "kubernetes", **SUMMARY)
    assert "port-forward svc/postgresql 1:5432\n" in summary
    assert "port-forward pod/kafka-0 1:9192\n" in summary
