# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The document, the role tenancy and the workloads say the same of rights, accounts and flows."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.model import Workload
from ansible_collections.cdc.pipeline.plugins.plugin_utils._catalogue import catalogue
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.declared import read_declared
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.needs import _cluster
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.settings import Settings
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.stated import state

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/rbac.md").read_text()
RIGHTS = yaml.safe_load((ROOT / "roles/tenancy/files/operator.yml").read_text())
TENANCY = yaml.safe_load((ROOT / "roles/tenancy/vars/main.yml").read_text())


@functools.cache
def workloads(engine: str) -> dict[str, Workload]:
    """What the roles state, by name."""
    given = {"cdc_runtime": "kubernetes", "archive_engine": engine, "cdc_security": True, "monitoring_enabled": True}
    settings = Settings(read_declared(DataLoader()), given, Templar(loader=DataLoader()))
    found = state(settings, [entry["role"] for entry in catalogue()])
    assert found.problems == []
    return {workload.name: workload for workload in found.all()}


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


@pytest.mark.parametrize("engine", ["service", "connect"])
def test_accounts_and_flows_are_those_of_the_workloads(engine):
    for name, workload in workloads(engine).items():
        assert f"`{workload.service_account}`" in DOCUMENT
        # What probes every component is not named for each.
        for peer in workload.talks_to if name != "blackbox-exporter" else ():
            (line,) = re.findall(rf"^\| `{name}` \| (.*) \|$", DOCUMENT, re.MULTILINE)
            assert f"`{peer.name}` ({', '.join(peer.ports)})" in line


def test_the_catalogue_names_what_the_roles_state():
    # A cluster watches its nodes itself.
    named = [name for entry in catalogue() for name in entry["workloads"] if name != "node-exporter"]
    assert list(workloads("service")) == named


def test_what_only_some_clusters_need_is_known_to_the_preflight():
    """`only` names what the role tenancy and the preflight look for."""
    known = {"openshift", "route_hosts", "bounds", "issuer"}
    assert {item["only"] for item in RIGHTS["namespaced"] if "only" in item} == known
    assert {item["only"] for item in RIGHTS["cluster"] if "only" in item} <= known
    assert all(f"'{name}'" in TENANCY["__tenancy_only"] for name in known)
    of = {
        "cdc_security": True,
        "certificates_issuer": {"name": "x"},
        "tenancy_quota": {"pods": 30},
        "cluster_provider": "openshift",
        "cdc_route_domain": "apps.example.com",
    }
    assert set(_cluster(of.get)["only"]) == known
    unset = {"cdc_security": True, "certificates_issuer": {"kind": None, "name": None}}
    assert _cluster({"cluster_provider": "kind", **unset}.get)["only"] == []
