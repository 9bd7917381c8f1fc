# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where components are reached, on both runtimes and from both sides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.endpoints import Place, endpoint

CATALOGUE = {
    "kafka": {
        "scheme": "kafka",
        "replicas": 3,
        "ports": {"client": {"port": 9092, "step": 1, "node_port": 30092}, "controller": {"port": 19092, "step": 1}},
    },
    "kafka_connect": {
        "scheme": "http",
        "credentials": "connect",
        "ports": {"http": {"port": 30083, "node_port": 30083}},
    },
}
LOCAL = Place("local", port_offset=500)
CLUSTER = Place("kubernetes", port_offset=500, external_host="10.0.0.1")


def found(component="kafka", port="client", view="workload", replica=None, place=LOCAL):
    return endpoint(CATALOGUE, component, port, view, replica, place)


def test_local():
    assert found() == {
        "scheme": "kafka",
        "host": "127.0.0.1",
        "port": 9592,
        "url": "kafka://127.0.0.1:9592",
        "hosts": "127.0.0.1:9592,127.0.0.1:9593,127.0.0.1:9594",
        "ca": None,
        "credentials": None,
    }
    assert found(replica=2)["port"] == 9594
    assert found("kafka_connect", None, "controller")["url"] == "http://127.0.0.1:30583"
    assert found("kafka_connect", None)["credentials"] == "connect"


def test_cluster_from_a_workload():
    assert found(place=CLUSTER)["hosts"].split(",")[1] == "kafka-1.kafka-headless.data-ingestion.svc.cluster.local:9092"
    assert found("kafka_connect", place=CLUSTER, port=None)["host"] == (
        "kafka-connect.data-ingestion.svc.cluster.local"
    )


@pytest.mark.parametrize(
    ("access", "hosts"),
    [
        ("host_ports", "10.0.0.1:9592,10.0.0.1:9593,10.0.0.1:9594"),
        ("port_forward", "10.0.0.1:9592,10.0.0.1:9593,10.0.0.1:9594"),
        # What is no HTTP has no route.
        ("routes", "10.0.0.1:9592,10.0.0.1:9593,10.0.0.1:9594"),
        ("node_ports", "10.0.0.1:30092,10.0.0.1:30093,10.0.0.1:30094"),
    ],
)
def test_cluster_from_the_controller(access, hosts):
    assert found(view="controller", place=replace(CLUSTER, access=access))["hosts"] == hosts


def test_a_route_has_one_address_for_all_replicas():
    place = replace(CLUSTER, access="routes", routes={"kafka-connect-http": "connect.apps.example.com"})
    connect = found("kafka_connect", None, "controller", place=place)
    assert connect["url"] == "https://connect.apps.example.com"
    assert (connect["port"], connect["hosts"]) == (443, "connect.apps.example.com:443")
    with pytest.raises(InvalidError, match="has no host yet"):
        found("kafka_connect", None, "controller", place=replace(place, routes={}))


def test_a_port_of_the_cluster_alone():
    with pytest.raises(InvalidError, match="not reachable from outside of the cluster on its port controller"):
        found(port="controller", view="controller", place=CLUSTER)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"component": "kafak"}, 'cdc_endpoints has no component kafak; did you mean "kafka"?'),
        ({"port": "clients"}, 'kafka has no port clients; did you mean "client"?'),
        ({"port": None}, "kafka has the ports client, controller: say which with port="),
        ({"replica": 3}, "kafka has no replica 3: there are 3, counted from 0"),
        ({"view": "outside"}, "The view 'outside' is not one of workload, controller"),
    ],
)
def test_mistakes_are_named(options, message):
    with pytest.raises(InvalidError) as caught:
        found(**options)
    assert caught.value.what == message


def test_a_wrong_catalogue_is_named():
    with pytest.raises(InvalidError) as caught:
        endpoint({"x": {"ports": {"a": {"prt": 1}}, "schema": "http"}}, "x", "a", "workload", None, LOCAL)
    assert "cdc_endpoints.x.ports.a.port: is missing" in caught.value.message
    assert 'cdc_endpoints.x.schema: unknown key; did you mean "scheme"?' in caught.value.message
