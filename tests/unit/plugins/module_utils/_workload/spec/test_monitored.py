# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is scraped and probed follows from the declaration of the endpoints."""

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.endpoints import Place
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.errors import SpecError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.monitored import monitored
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.scrape import (
    Bounds,
    probe_modules,
    scrape_configs,
)

# As texts stand in the place of certificates until these are made.
TLS = {"enabled": True, "certificate": "<to be made>", "key": "<to be made>"}
CATALOGUE = {
    "archive": {
        "ports": {"http": {"port": 30095}},
        "metrics": {"port": "http", "login": "archive_reader"},
        "status": "/health/live",
    },
    "kafka": {"protocol": "kafka", "replicas": 2, "ports": {"client": {"port": 9092, "step": 1}}},
    "node_exporter": {"ports": {"http": {"port": 30102}}, "metrics": {"port": "http", "runtime": "local"}},
    "store": {"protocol": "s3", "managed": False, "external": {"url": "https://s3.example.org"}},
    "blackbox_exporter": {"ports": {"http": {"port": 30101}}, "metrics": {"port": "http"}},
}
LOCAL = Place("local", port_offset=10)


def components(found: list[dict]) -> list[str]:
    return [each["component"] for each in found]


def test_what_has_metrics_is_scraped_and_everything_is_probed():
    found = monitored(CATALOGUE, LOCAL, CATALOGUE)
    assert components(found["scraped"]) == ["archive", "node_exporter", "blackbox_exporter"]
    assert components(found["probed"]) == ["archive", "kafka", "node_exporter", "blackbox_exporter"]
    assert found["scraped"][0]["targets"] == [{"address": "127.0.0.1:30105", "replica": "archive-0"}]
    assert found["probed"][0]["targets"][0]["address"] == "http://127.0.0.1:30105/health/live"
    assert [target["replica"] for target in found["probed"][1]["targets"]] == ["kafka-0", "kafka-1"]


def test_a_host_is_watched_only_where_it_is_the_pipeline_s():
    found = monitored(CATALOGUE, Place("kubernetes"), CATALOGUE)
    assert "node_exporter" not in components(found["scraped"])
    assert found["scraped"][0]["targets"][0]["address"].startswith("archive-0.archive-headless.data-ingestion.svc")


def test_what_depends_on_others_does_so_by_way_of_all_of_them():
    depends = {"kafka": [], "registry": ["kafka"], "connect": ["registry", "connect"]}
    found = monitored({name: {"depends_on": names} for name, names in depends.items()}, LOCAL, depends)
    assert found["depends_on"] == {"kafka": [], "registry": ["kafka"], "connect": ["kafka", "registry"]}


def test_a_component_that_is_not_there_is_nothing_to_depend_on():
    with pytest.raises(InvalidError, match='no component kafak; did you mean "kafka"'):
        monitored({"kafka": {}, "registry": {"depends_on": ["kafak"]}}, LOCAL, ["registry"])


def test_metrics_at_a_port_that_is_not_there_are_refused():
    with pytest.raises(SpecError) as refused:
        monitored({"archive": {**CATALOGUE["archive"], "metrics": {"port": "other"}}}, LOCAL, ["archive"])
    assert refused.value.problems == ["cdc_endpoints.archive.metrics.port: it has no port other"]


def test_a_job_signs_in_only_where_there_is_a_login():
    found = monitored(CATALOGUE, LOCAL, CATALOGUE)
    bounds = Bounds(7, "go_.*", {"probes": ["probe_success", "up"]})
    jobs = {
        job["job_name"]: job
        for job in scrape_configs(found, {"archive_reader": "r"}, "/p", "blackbox_exporter", bounds)
    }
    assert jobs["archive"]["basic_auth"] == {"username": "r", "password_file": "/p/archive_reader"}
    assert "basic_auth" not in jobs["node_exporter"]
    nobody = scrape_configs(found, {}, "/p", "blackbox_exporter", bounds)
    assert not any("basic_auth" in job for job in nobody)
    assert jobs["archive"]["static_configs"] == [
        {"targets": ["127.0.0.1:30105"], "labels": {"component": "archive", "replica": "archive-0"}}
    ]
    assert jobs["archive"]["sample_limit"] == 7
    assert [rule["action"] for rule in jobs["archive"]["metric_relabel_configs"]] == ["drop"]
    assert [rule["action"] for rule in jobs["probe-kafka"]["metric_relabel_configs"]] == ["drop", "keep"]
    assert jobs["probe-kafka"]["relabel_configs"][-1]["replacement"] == "127.0.0.1:30111"


def test_a_probe_speaks_as_its_server_does():
    modules = probe_modules(monitored(CATALOGUE, LOCAL, ["archive", "kafka", "store"]), 5)
    assert modules["archive"]["prober"] == "http" and "tls_config" not in modules["archive"]["http"]
    assert modules["kafka"] == {"timeout": "5s", "prober": "tcp", "tcp": {"preferred_ip_protocol": "ip4"}}
    encrypted = {"kafka": {**CATALOGUE["kafka"], "tls": {**TLS, "ca": "ca"}}}
    tcp = probe_modules(monitored(encrypted, LOCAL, ["kafka"]), 5)["kafka"]["tcp"]
    assert tcp["tls"] is True and tcp["tls_config"] == {"ca_file": "@{config}/trust/kafka.pem"}
