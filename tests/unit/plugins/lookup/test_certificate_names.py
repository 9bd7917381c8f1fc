# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The names of each certificate are all under which anybody reaches the server."""

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.access import NODE_PORTS, ROUTES
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.endpoints import (
    Place,
    certificate_names,
    endpoint,
    listeners,
    reached_hosts,
)

CATALOGUE = {
    "kafka": {"protocol": "kafka", "replicas": 3, "ports": {"client": {"port": 9092, "step": 1, "node_port": 30092}}},
    "schema_registry": {
        "routable": True,
        "ports": {"http": {"port": 30081, "node_port": 30081}, "management": {"port": 30082}},
    },
    "postgresql": {
        "protocol": "postgresql",
        "managed": False,
        "external": {"host": "db"},
        "ports": {"sql": {"port": 1}},
    },
}
PLACES = [
    Place("local", external_host="cdc.example.com"),
    Place("kubernetes", access=NODE_PORTS, external_host="10.0.0.7", namespace="shop", domain="corp.local"),
    Place("kubernetes", access=ROUTES, routes={"schema-registry-http": "registry.apps.example.com"}),
]


def fits(host, names):
    _first, _dot, rest = host.partition(".")
    return host in names or f"*.{rest}" in names


@pytest.mark.parametrize("place", PLACES, ids=["local", "node_ports", "routes"])
@pytest.mark.parametrize(("component", "port"), [("kafka", "client"), ("schema_registry", "http")])
def test_every_address_is_among_them(place, component, port):
    names = certificate_names(CATALOGUE, component, place)
    assert len(names) == len(set(names)) and {"localhost", "127.0.0.1", "::1"} <= set(names)
    for view in ("workload", "controller"):
        found = endpoint(CATALOGUE, component, port, view, None, place)
        hosts = [found["host"], *(each.rpartition(":")[0] for each in found["hosts"].split(","))]
        assert all(fits(host, names) for host in hosts), (hosts, names)


def test_a_cluster_s_short_names(component="kafka"):
    names = certificate_names(CATALOGUE, component, PLACES[1])
    assert {"kafka", "*.kafka-headless", "kafka.shop.svc", "*.kafka-headless.shop.svc.corp.local"} <= set(names)
    assert not any("kafka-headless" in name for name in certificate_names(CATALOGUE, component, PLACES[0]))


def test_a_server_of_the_user_s_own_gets_none():
    assert certificate_names(CATALOGUE, "postgresql", PLACES[0]) == []


def test_a_route_that_is_not_there_yet():
    assert "registry.apps.example.com" in certificate_names(CATALOGUE, "schema_registry", PLACES[2])
    assert certificate_names(CATALOGUE, "schema_registry", Place("kubernetes", access=ROUTES))


@pytest.mark.parametrize("place", PLACES, ids=["local", "node_ports", "routes"])
@pytest.mark.parametrize("component", ["kafka", "schema_registry"])
def test_what_clients_verify_by_is_covered(place, component):
    hosts = reached_hosts(CATALOGUE, component, place)
    names = certificate_names(CATALOGUE, component, place)
    assert hosts and all(fits(host, names) for host in hosts)


def test_a_router_s_host_is_not_asked_of_the_user_s_certificate():
    assert "registry.apps.example.com" not in reached_hosts(CATALOGUE, "schema_registry", PLACES[2])
    assert reached_hosts(CATALOGUE, "postgresql", PLACES[0]) == []
    assert set(reached_hosts(CATALOGUE, "kafka", PLACES[0])) == {"127.0.0.1", "cdc.example.com"}


def test_what_listens_is_every_port_of_every_replica_that_encrypts():
    tls = {"enabled": True, "ca": "…", "certificate": "…", "key": "…"}
    catalogue = {name: {**entry, "tls": tls} for name, entry in CATALOGUE.items()}
    place = Place("local", trust="/home/trust")
    found = listeners(catalogue, "kafka", place)
    assert [each["address"] for each in found] == ["127.0.0.1:9092", "127.0.0.1:9093", "127.0.0.1:9094"]
    assert {each["ca"] for each in found} == {"/home/trust/kafka.pem"}
    assert (
        len(
            listeners(
                {"schema_registry": {**CATALOGUE["schema_registry"], "routable": False}}, "schema_registry", place
            )
        )
        == 0
    )
    assert listeners(CATALOGUE, "kafka", place) == listeners(CATALOGUE, "postgresql", place) == []
