# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Prometheus' operator is told leads to the very targets that Prometheus has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.endpoints import Place
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.monitored import monitored
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.operator import Told, monitors, policies
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.scrape import Bounds, scrape_configs

AUTHORITY = (Path(__file__).resolve().parents[5] / "tests/golden/authority.pem").read_text()
TLS = {"enabled": True, "certificate": AUTHORITY, "key": "not-a-secret", "ca": AUTHORITY}
CATALOGUE = {
    "archive": {
        "ports": {"http": {"port": 30095}},
        "metrics": {"port": "http", "login": "archive_reader"},
        "status": "/health/live?all=1",
        "tls": TLS,
    },
    "kafka": {
        "protocol": "kafka",
        "replicas": 3,
        "ports": {"client": {"port": 9092, "step": 1}, "jmx_metrics": {"port": 30110, "step": 1}},
        "metrics": {"port": "jmx_metrics"},
    },
    "blackbox_exporter": {
        "ports": {"http": {"port": 30101}},
        "metrics": {"port": "http", "login": "reader"},
        "tls": TLS,
    },
}
WATCHED = monitored(CATALOGUE, Place("kubernetes"), CATALOGUE)
BOUNDS = Bounds(7, "go_.*", {"kafka": ["kafka_.*"], "probes": ["probe_success"]})
JOBS = scrape_configs(WATCHED, {"archive_reader": "a", "reader": "r"}, "@{secrets}/logins", "blackbox_exporter", BOUNDS)
MADE = monitors(WATCHED, JOBS, Told({"release": "x"}, 30, 10))
BY_KIND = {(item["kind"], item["metadata"]["name"]): item["spec"] for item in MADE}


def relabeled(labels: dict[str, str], rules: list[dict[str, Any]]) -> dict[str, str]:
    """As Prometheus does it, with the action replace."""
    found = dict(labels)
    for rule in rules:
        assert rule["action"] == "replace"
        value = ";".join(found.get(name, "") for name in rule.get("sourceLabels", ()))
        if re.fullmatch(rule.get("regex", ".*"), value):
            found[rule["targetLabel"]] = rule["replacement"]
    return found


def told(job: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"__address__": address, "job": job["job_name"], **each["labels"]}
        for each in job["static_configs"]
        for address in each["targets"]
    ]


def test_there_is_one_for_each_job():
    assert list(BY_KIND) == [
        *(("PodMonitor", name) for name in ("archive", "kafka", "blackbox-exporter")),
        *(("Probe", name) for name in ("archive", "kafka", "blackbox-exporter")),
    ]
    assert {item["metadata"]["labels"]["release"] for item in MADE} == {"x"}


@pytest.mark.parametrize(
    ("component", "pods"), [("archive", ["archive-5d9f7-x2x4"]), ("kafka", ["kafka-0", "kafka-1", "kafka-2"])]
)
def test_pods_become_the_targets_that_prometheus_has(component: str, pods: list[str]):
    (endpoint,) = BY_KIND["PodMonitor", component]["podMetricsEndpoints"]
    found = [
        relabeled({"__address__": f"10.0.0.{number}:1", "__meta_kubernetes_pod_name": pod}, endpoint["relabelings"])
        for number, pod in enumerate(pods)
    ]
    (job,) = [job for job in JOBS if job["job_name"] == component]
    kept = ("__address__", "job", "component", "replica")
    assert [{name: labels[name] for name in kept} for labels in found] == told(job)


def test_each_port_is_named_as_in_its_pod():
    assert BY_KIND["PodMonitor", "kafka"]["podMetricsEndpoints"][0]["port"] == "jmx-metrics"


def test_probed_addresses_get_the_labels_that_prometheus_gives():
    for component in ("archive", "kafka"):
        spec = BY_KIND["Probe", component]
        (job,) = [job for job in JOBS if job["job_name"] == f"probe-{component}"]
        static = spec["targets"]["staticConfig"]
        found = [
            relabeled({"instance": address, **static["labels"]}, static["relabelingConfigs"])
            for address in static["static"]
        ]
        wanted = [{"instance": each.pop("__address__"), **each} for each in told(job)]
        assert [{**labels, "job": spec["jobName"]} for labels in found] == wanted
        assert spec["module"] == component
        assert spec["prober"] == {
            "url": "blackbox-exporter-0.blackbox-exporter-headless.data-ingestion.svc.cluster.local:30101",
            "scheme": "https",
            "path": "/probe",
        }


def test_who_asks_signs_in_and_trusts_by_references():
    (endpoint,) = BY_KIND["PodMonitor", "archive"]["podMetricsEndpoints"]
    assert endpoint["scheme"] == "https"
    assert endpoint["tlsConfig"] == {"ca": {"configMap": {"name": "prometheus-config", "key": "trust__archive.pem"}}}
    secret = "prometheus-secrets"
    assert endpoint["basicAuth"] == {
        "username": {"name": secret, "key": "logins__archive_reader.username"},
        "password": {"name": secret, "key": "logins__archive_reader"},
    }
    assert BY_KIND["Probe", "kafka"]["basicAuth"]["password"]["key"] == "logins__reader"
    (plain,) = BY_KIND["PodMonitor", "kafka"]["podMetricsEndpoints"]
    assert plain["scheme"] == "http" and not {"tlsConfig", "basicAuth"} & set(plain)


def test_samples_are_bounded_as_prometheus_bounds_them():
    spec = BY_KIND["PodMonitor", "kafka"]
    assert spec["sampleLimit"] == BY_KIND["Probe", "kafka"]["sampleLimit"] == 7
    assert spec["podMetricsEndpoints"][0]["metricRelabelings"] == [
        {"action": "drop", "sourceLabels": ["__name__"], "regex": "go_.*"},
        {"action": "keep", "sourceLabels": ["__name__"], "regex": "kafka_.*"},
    ]
    assert BY_KIND["Probe", "kafka"]["metricRelabelings"][1]["regex"] == "probe_success"
    unbounded = monitors(WATCHED, scrape_configs(WATCHED, {}, "", "blackbox_exporter", Bounds()), Told({}, 30, 10))
    assert not [item for item in unbounded if "sampleLimit" in item["spec"] or "metricRelabelings" in item["spec"]]


def test_clients_are_let_in_where_there_are_metrics_and_nowhere_else():
    client = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    found = {item["metadata"]["name"]: item["spec"] for item in policies(WATCHED, [client], {})}
    assert list(found) == [f"monitoring-clients-to-{name}" for name in ("archive", "kafka", "blackbox-exporter")]
    assert found["monitoring-clients-to-kafka"] == {
        "podSelector": {
            "matchLabels": {"app.kubernetes.io/name": "kafka", "app.kubernetes.io/part-of": "cdc-pipeline"}
        },
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [client], "ports": [{"protocol": "TCP", "port": 30110}]}],
    }
    # A rule that names nobody would let in everybody.
    assert policies(WATCHED, [], {}) == []
