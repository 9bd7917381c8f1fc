# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.ports import needed_ports
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.rules import rule_problems
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.stated import Stated
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.units import millicores

GOOD: dict[str, Any] = {
    "cdc_runtime": "kubernetes",
    "cluster_provider": "kind",
    "cdc_namespace": "data-ingestion",
    "cdc_cluster_domain": "cluster.local",
    "cdc_access": "host_ports",
    "cdc_external_host": "127.0.0.1",
    "cdc_network_clients": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.244.0.0/16"]}}],
    "cdc_port_offset": 0,
    "cdc_storage_classes": {"kafka": "cdc-kafka"},
    "cdc_endpoints": {
        "kafka": {
            "replicas": 3,
            "ports": {
                "client": {"port": 9092, "step": 1, "node_port": 30092},
                "controller": {"port": 19092, "step": 1},
            },
        },
        "archive": {"ports": {"http": {"port": 30095, "node_port": 30095}}},
        "schema_registry": {"replicas": 2, "ports": {"http": {"port": 8080, "node_port": 30081}}},
    },
}


CATALOGUE = [{"role": "kafka", "workloads": ["kafka"]}, {"role": "archive", "workloads": ["archive"]}]


def stated(brokers: int = 3, node_port: int = 30095) -> Stated:
    ports = {"client": {"port": 9092, "step": 1, "node_port": 30092}, "controller": {"port": 19092, "step": 1}}
    storage = {"size": "1Gi", "class": "kafka"}
    http = {"http": {"port": 30095, "node_port": node_port}}
    kafka = {"name": "kafka", "command": ["k"], "replicas": brokers, "ports": ports, "image": "i", "storage": storage}
    archive = {"name": "archive", "command": ["a"], "ports": http, "image": "i"}
    specs = {"kafka": [kafka], "archive": [archive]}
    return Stated(specs, {role: [parse_workload(spec) for spec in group] for role, group in specs.items()})


def whats(specs: Stated | None = None, **changed: Any) -> list[str]:
    given = {**GOOD, "cdc_catalogue": CATALOGUE, **changed}
    return [problem.what for problem in rule_problems(given.get, given, specs or stated())]


def test_the_defaults_are_right():
    assert whats() == []
    assert whats(cdc_access="port_forward", cluster_provider="existing", cdc_network_clients=[]) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("cdc_namespace", "Data_Ingestion", "cdc_namespace must be 1 to 63"),
        ("cdc_namespace", "kube-system", "a namespace of the pipeline's own"),
        ("cdc_cluster_domain", "Cluster Local", "must be a domain"),
        ("cluster_provider", "existing", "cdc_access host_ports needs cluster_provider kind"),
        ("cdc_access", "routes", "cdc_access routes needs cluster_provider openshift"),
        ("cdc_access", "node_ports", "cdc_external_host is not the address of a node"),
        ("cdc_network_clients", [], "cdc_network_clients names no permitted clients"),
        ("cdc_storage_classes", {"kafak": "x"}, "no workload names a class kafak"),
        ("cdc_storage_classes", {"kafka": "My Class"}, "must be the name of a storage class"),
        ("cdc_account_annotations", {"archiv": {"a": "b"}}, "there is no workload archiv"),
    ],
)
def test_one_thing_is_wrong(name, value, expected):
    (what,) = whats(**{name: value})
    assert expected in what


def test_node_ports_of_more_brokers_meet_those_of_others():
    assert whats(stated(brokers=5)) == ["The node port 30095 is used twice"]


def test_node_ports_lie_in_the_clusters_range():
    (what,) = whats(stated(node_port=80))
    assert "30000 to 32767" in what
    assert whats(stated(node_port=80), cdc_access="port_forward") == []


def test_a_server_elsewhere_may_have_its_class_named():
    classes = {"kafka": "", "postgresql": "cdc-postgresql"}
    assert whats(cdc_storage_classes=classes) == ["cdc_storage_classes: no workload names a class postgresql"]
    own = [*CATALOGUE, {"role": "postgresql", "workloads": ["postgresql"], "external": True}]
    assert whats(cdc_storage_classes=classes, cdc_catalogue=own) == []


def test_what_is_off_may_have_its_class_named():
    classes = {"kafka": "", "prometheus": "fast"}
    catalogue = [*CATALOGUE, {"role": "monitoring", "workloads": ["monitor", "prometheus"]}]
    given = {"cdc_storage_classes": classes, "cdc_catalogue": catalogue}
    assert whats(**given, monitoring_enabled=False) == []
    assert whats(**given, monitoring_enabled=True) == ["cdc_storage_classes: no workload names a class prometheus"]


def test_the_rules_hold_for_this_runtime_alone():
    assert whats(cdc_runtime="local", cdc_namespace="Data_Ingestion") == []


def test_only_what_kind_maps_is_a_port_of_this_host():
    off = {"prometheus": {"ports": {"http": {"port": 30090, "node_port": 30090}}}}
    given = {**GOOD, "cdc_endpoints_possible": {**GOOD["cdc_endpoints"], **off}}
    ports = needed_ports({**given, "cdc_port_offset": 100}.get, ())
    used = {item["port"]: item["listener"] for item in ports if not item["spare"]}
    assert list(used) == [9192, 9193, 9194, 30195, 8180]
    assert used[8180] == "schema-registry (the node port 30081)"
    assert [item["port"] for item in ports if item["spare"]] == [30190]
    assert needed_ports({**given, "cdc_access": "port_forward"}.get, ()) == []
    more = needed_ports({**given, "cluster_mapped_replicas": 5}.get, ())
    assert [item["port"] for item in more if item["spare"]] == [9095, 9096, 30090]


@pytest.mark.parametrize(("amount", "expected"), [("250m", 250), ("0.5", 500), (2, 2000), ("x", None), (None, None)])
def test_amounts_of_processor(amount, expected):
    assert millicores(amount) == expected
