"""What Prometheus' operator is told, against the fields that it documents, and against what there is to refer to.

The schemas hold the fields of monitoring.coreos.com/v1 that are used, as its reference has them. No bundle has any.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from conftest import read

jsonschema = pytest.importorskip("jsonschema")

TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "array", "items": TEXT, "minItems": 1}
MAP = {"type": "object", "additionalProperties": {"type": "string"}}
DURATION = {"type": "string", "pattern": r"^(0|\d+(ms|[smhdwy]))$"}


def fields(required: str, **properties: Any) -> dict[str, Any]:
    """An object with these fields and no others."""
    found = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**found, "required": required.split()}


KEY = fields("name key", name=TEXT, key={"type": "string", "pattern": r"^[-._a-zA-Z0-9]+$"})
RELABELINGS = {
    "type": "array",
    "items": fields(
        "action",
        action={"enum": ["replace", "keep", "drop"]},
        sourceLabels=TEXTS,
        regex=TEXT,
        targetLabel=TEXT,
        replacement=TEXT,
    ),
}
# Of a scrape, whatever is scraped.
SCRAPED = {
    "interval": DURATION,
    "scrapeTimeout": DURATION,
    "basicAuth": fields("username password", username=KEY, password=KEY),
    "tlsConfig": fields("ca", ca=fields("configMap", configMap=KEY)),
    "metricRelabelings": RELABELINGS,
}
SCHEME = {"enum": ["http", "https"]}
LIMIT = {"type": "integer", "minimum": 1}
SPECS = {
    "PodMonitor": fields(
        "selector podMetricsEndpoints",
        selector=fields("matchLabels", matchLabels=MAP),
        sampleLimit=LIMIT,
        podMetricsEndpoints={
            "type": "array",
            "minItems": 1,
            "items": fields("port", port=TEXT, path=TEXT, scheme=SCHEME, relabelings=RELABELINGS, **SCRAPED),
        },
    ),
    "Probe": fields(
        "jobName prober module targets",
        jobName=TEXT,
        prober=fields("url", url={"type": "string", "pattern": r"^[^/]+:\d+$"}, scheme=SCHEME, path=TEXT),
        module=TEXT,
        targets=fields(
            "staticConfig", staticConfig=fields("static", static=TEXTS, labels=MAP, relabelingConfigs=RELABELINGS)
        ),
        sampleLimit=LIMIT,
        **SCRAPED,
    ),
    "PrometheusRule": fields(
        "groups",
        groups={
            "type": "array",
            "items": fields(
                "name rules",
                name=TEXT,
                interval=DURATION,
                rules={
                    "type": "array",
                    "items": fields(
                        "expr",
                        alert=TEXT,
                        record=TEXT,
                        expr=TEXT,
                        **{"for": DURATION},
                        keep_firing_for=DURATION,
                        labels=MAP,
                        annotations=MAP,
                    ),
                },
            ),
        },
    ),
}


@pytest.fixture(scope="module")
def operated(rendered):
    return read(rendered("operated"))


def of_kind(manifests, kind):
    return {item["metadata"]["name"]: item for item in manifests.values() if item["kind"] == kind}


def settings(manifests, name="prometheus.yml"):
    return yaml.safe_load(of_kind(manifests, "ConfigMap")["prometheus-config"]["data"][name])


def found_in(value, name):
    """Every value of that name, at any depth."""
    if isinstance(value, dict):
        yield from (inner for key, inner in value.items() if key == name)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from found_in(inner, name)


@pytest.mark.parametrize("kind", SPECS)
def test_the_operator_knows_every_field(operated, kind):
    found = of_kind(operated, kind)
    assert found
    for item in found.values():
        assert item["apiVersion"] == "monitoring.coreos.com/v1"
        assert item["metadata"]["labels"]["release"] == "prometheus"
        jsonschema.validate(item["spec"], SPECS[kind])


def test_there_is_one_for_each_job_of_prometheus(operated):
    jobs = {job["job_name"] for job in settings(operated)["scrape_configs"]}
    found = {item["spec"]["jobName"] for item in of_kind(operated, "Probe").values()}
    for item in of_kind(operated, "PodMonitor").values():
        rules = item["spec"]["podMetricsEndpoints"][0]["relabelings"]
        found |= {rule["replacement"] for rule in rules if rule["targetLabel"] == "job"}
    assert found == jobs


def test_what_is_chosen_and_referred_to_is_there(operated):
    pods = {}
    for kind in ("StatefulSet", "Deployment"):
        for item in of_kind(operated, kind).values():
            template = item["spec"]["template"]
            labels = frozenset(template["metadata"]["labels"].items())
            pods[labels] = {port["name"] for port in template["spec"]["containers"][0]["ports"] if "name" in port}
    for name, item in of_kind(operated, "PodMonitor").items():
        wanted = item["spec"]["selector"]["matchLabels"].items()
        (ports,) = [ports for labels, ports in pods.items() if wanted <= labels]
        assert item["spec"]["podMetricsEndpoints"][0]["port"] in ports, name
    configuration = of_kind(operated, "ConfigMap")["prometheus-config"]["data"]
    # Placeholders, with the names of what they stand for.
    secrets = of_kind(operated, "Secret")["prometheus-secrets"]["stringData"]
    for item in [*of_kind(operated, "PodMonitor").values(), *of_kind(operated, "Probe").values()]:
        for reference in found_in(item["spec"], "configMap"):
            assert reference["name"] == "prometheus-config" and reference["key"] in configuration
        for login in found_in(item["spec"], "basicAuth"):
            for reference in login.values():
                assert reference["name"] == "prometheus-secrets" and reference["key"] in secrets


def test_alerts_are_those_of_prometheus_within_the_namespace(operated):
    (rule,) = of_kind(operated, "PrometheusRule").values()
    told = [each for group in rule["spec"]["groups"] for each in group["rules"]]
    own = [each for group in settings(operated, "rules.yml")["groups"] for each in group["rules"]]
    assert [_name(each) for each in told] == [_name(each) for each in own]
    for one, other in zip(told, own, strict=True):
        narrowed = one["expr"].replace('{namespace="data-ingestion"}', "").replace('namespace="data-ingestion",', "")
        assert narrowed == other["expr"]
        assert one["labels"] == {**other["labels"], "namespace": "data-ingestion"}
        assert one.get("for") == other.get("for")


def _name(rule):
    return rule.get("alert") or rule["record"]


def test_clients_are_let_in_to_what_the_operator_scrapes(operated):
    found = of_kind(operated, "NetworkPolicy")
    policies = {name: item["spec"] for name, item in found.items() if name.startswith("monitoring-clients-to-")}
    monitors = of_kind(operated, "PodMonitor")
    assert set(policies) == {f"monitoring-clients-to-{name}" for name in monitors}
    for name, item in monitors.items():
        spec = policies[f"monitoring-clients-to-{name}"]
        assert spec["podSelector"] == item["spec"]["selector"]
        (rule,) = spec["ingress"]
        assert rule["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}


def test_without_a_cluster_to_ask_an_operator_is_told_only_where_there_is_one(rendered):
    found = {item["kind"] for item in read(rendered("kind")).values()}
    assert not found & set(SPECS)
