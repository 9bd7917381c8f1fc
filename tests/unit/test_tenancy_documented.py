# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The document, the role tenancy and the workloads say the same of rights, accounts and flows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.plugin_utils._needs import _cluster

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/rbac.md").read_text()
RIGHTS = yaml.safe_load((ROOT / "roles/tenancy/files/operator.yml").read_text())
TENANCY = yaml.safe_load((ROOT / "roles/tenancy/vars/main.yml").read_text())
WORKLOADS = ("object_store", "postgresql", "kafka", "schema_registry", "kafka_connect", "connectors", "archive")


def variables(role: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / f"roles/{role}/vars/main.yml").read_text())


def workload(role: str) -> dict[str, Any]:
    return variables(role)[f"__{role}_workload"]


def stated_flows(role: str) -> dict[str, list[str]]:
    """Ports by workload. Kafka Connect's are two variables, of which the second is that of an engine."""
    stated = workload(role).get("talks_to", [])
    if isinstance(stated, str):
        stated = variables(role)[f"__{role}_talks_to"]
    return {peer["name"]: peer["ports"] for peer in stated}


def row(item: dict[str, Any]) -> str:
    rule = item["rule"]
    (group,) = rule["apiGroups"]
    resources = ", ".join(f"`{name}.{group}`" if group else f"`{name}`" for name in rule["resources"])
    end = "; useful, not needed" if item.get("useful") else ""
    return f"| {resources} | {', '.join(rule['verbs'])} | {item['why']}{end} |"


@pytest.mark.parametrize("part", ["namespaced", "cluster"])
def test_the_operators_rights_are_documented_and_no_others(part):
    tables = re.findall(r"(?<=\|---\|---\|---\|\n)(?:\|.*\n)+", DOCUMENT)
    table = tables[["namespaced", "cluster"].index(part)]
    assert table.splitlines() == [row(item) for item in RIGHTS[part]]


def test_nothing_in_the_whole_cluster_is_written():
    assert {verb for item in RIGHTS["cluster"] for verb in item["rule"]["verbs"]} <= {"get", "list"}
    assert "*" not in str(RIGHTS)


@pytest.mark.parametrize("role", WORKLOADS)
def test_accounts_and_flows_are_those_of_the_workloads(role):
    name, spec = role.replace("_", "-"), workload(role)
    assert TENANCY["__tenancy_accounts"][name] == spec["service_account"]
    assert f"`{spec['service_account']}`" in DOCUMENT
    flows = TENANCY["__tenancy_flows"][name]
    if isinstance(flows, str):
        flows = TENANCY["__tenancy_connect_flows"]
    assert stated_flows(role) == flows
    for peer, ports in flows.items():
        (line,) = re.findall(rf"^\| `{name}` \| (.*) \|$", DOCUMENT, re.MULTILINE)
        assert f"`{peer}` ({', '.join(ports)})" in line


def test_what_only_some_clusters_need_is_known_to_the_preflight():
    """`only` names what the role tenancy and the preflight look for."""
    known = {"openshift", "route_hosts", "bounds"}
    assert {item["only"] for item in RIGHTS["namespaced"] if "only" in item} == known
    assert all(f"'{name}'" in TENANCY["__tenancy_only"] for name in known)
    of = {"tenancy_quota": {"pods": 30}, "cluster_provider": "openshift", "cdc_route_domain": "apps.example.com"}
    assert set(_cluster(of.get)["only"]) == known
    assert _cluster({"cluster_provider": "kind"}.get)["only"] == []
