# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where components are reached, on both runtimes and from both sides."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError
from ansible_collections.cdc.pipeline.plugins.module_utils._trust_store import key_store, trust_store
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.clients import Login
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.endpoints import Place, endpoint
from ansible_collections.cdc.pipeline.tests.unit.fakes.certificates import authority

CATALOGUE = {
    "kafka": {
        "protocol": "kafka",
        "replicas": 3,
        "ports": {"client": {"port": 9092, "step": 1, "node_port": 30092}, "controller": {"port": 19092, "step": 1}},
    },
    "kafka_connect": {
        "protocol": "http",
        "routable": True,
        "paths": {"plugins": "/connector-plugins"},
        "ports": {"http": {"port": 30083, "node_port": 30083}},
    },
}
LOCAL = Place("local", port_offset=500)
CLUSTER = Place("kubernetes", port_offset=500, external_host="10.0.0.1")


def found(component="kafka", port="client", view="workload", replica=None, place=LOCAL, login=None):
    return endpoint(CATALOGUE, component, port, view, replica, place, login)


def test_local():
    expected = {
        "protocol": "kafka",
        "scheme": "kafka",
        "tls": False,
        "managed": True,
        "host": "127.0.0.1",
        "port": 9592,
        "url": "kafka://127.0.0.1:9592",
        "hosts": "127.0.0.1:9592,127.0.0.1:9593,127.0.0.1:9594",
        "ca": "",
    }
    assert {key: found()[key] for key in expected} == expected
    assert found(replica=2)["port"] == 9594
    assert found("kafka_connect", None, "controller")["url"] == "http://127.0.0.1:30583"
    assert found("kafka_connect", None)["apis"] == {"plugins": "http://127.0.0.1:30583/connector-plugins"}


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
        # What is not routable has no route.
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
        endpoint(
            {"x": {"ports": {"a": {"prt": 1}}, "protcol": "http", "tls": {"enabled": True}}},
            "x",
            "a",
            "workload",
            None,
            LOCAL,
        )
    assert "cdc_endpoints.x.ports.a.port: is missing" in caught.value.message
    assert 'cdc_endpoints.x.protcol: unknown key; did you mean "protocol"?' in caught.value.message
    assert "cdc_endpoints.x.tls: needs certificate and key" in caught.value.message


TLS = {"enabled": True, "ca": authority("authority"), "certificate": "-----CERT", "key": "-----KEY"}


def encrypted(component="kafka", view="workload", login=None, **changed):
    entry = {**CATALOGUE.get(component, {}), "tls": TLS, **changed}
    place = replace(LOCAL, trust="/home/trust")
    return endpoint({component: entry}, component, next(iter(entry["ports"])), view, None, place, login)


def test_only_the_declaration_makes_kafka_encrypt():
    plain, tls = found(), encrypted()
    assert (plain["librdkafka"], plain["java"], plain["client_files"]) == ({}, {}, {})
    pem = "@{config}/trust/kafka.pem"
    assert tls["librdkafka"] == {"security.protocol": "SSL", "ssl.ca.location": pem}
    assert tls["java"] == {
        "security.protocol": "SSL",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": pem,
    }
    assert tls["client_files"] == {"trust/kafka.pem": TLS["ca"]}
    assert encrypted(view="controller")["ca"] == "/home/trust/kafka.pem"


def test_who_signs_in_to_brokers_that_encrypt_gives_the_password_to_secret_files_alone():
    me = Login("me", 'a"b\\c')
    tls, plain = encrypted(login=me), found(login=me)
    assert (plain["librdkafka"], plain["librdkafka_secret"], plain["java"], plain["java_secret"]) == ({}, {}, {}, {})
    assert tls["librdkafka"] == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "me",
        "ssl.ca.location": "@{config}/trust/kafka.pem",
    }
    assert tls["librdkafka_secret"] == {"sasl.password": 'a"b\\c'}
    assert tls["java"]["security.protocol"] == "SASL_SSL"
    login = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="me" password="a\\"b\\\\c";'
    assert tls["java_secret"] == {"sasl.jaas.config": login}
    unknown = encrypted(login=Login("me"))
    assert (unknown["librdkafka_secret"], unknown["java_secret"]) == ({}, {})


def test_brokers_have_key_and_certificate_in_one_file():
    tls = encrypted()
    assert tls["server_secrets"] == {"tls/keystore.pem": "-----KEY\n-----CERT"}
    assert tls["server_java"]["ssl.keystore.location"] == "@{secrets}/tls/keystore.pem"
    assert found()["server_java"] == {}


def test_only_the_declaration_makes_http_encrypt():
    plain, tls = found("kafka_connect", None), encrypted("kafka_connect")
    assert (plain["rest"], plain["java_trust"]) == ({"url": "http://127.0.0.1:30583"}, {})
    assert (plain["probe"], plain["server_files"], plain["server_secrets"]) == ({}, {}, {})
    assert tls["url"] == "https://127.0.0.1:30583"
    assert tls["rest"]["ca_path"] == "@{config}/trust/kafka_connect.pem"
    assert tls["java_trust"]["location"] == "@{config}/trust/kafka_connect.jks"
    assert set(tls["client_files"]) == {"trust/kafka_connect.pem", "trust/kafka_connect.jks"}
    assert tls["server_files"] == {"tls/certificate.pem": "-----CERT", "tls/ca.pem": TLS["ca"]}
    assert tls["server_secrets"] == {"tls/key.pem": "-----KEY"}
    assert tls["probe"] == {"scheme": "https", "ca": "@{config}/tls/ca.pem"}


def test_a_postgresql_of_the_users_own():
    own = {
        "protocol": "postgresql",
        "managed": False,
        "external": {"host": "db.example.com", "port": 5433},
        "ports": {"sql": {"port": 5432}},
    }
    plain = endpoint({"db": own}, "db", None, "workload", None, CLUSTER)
    assert plain["login"] == {"login_host": "db.example.com", "login_port": 5433}
    assert plain["jdbc"] % "shop" == "jdbc:postgresql://db.example.com:5433/shop"
    tls = endpoint({"db": {**own, "tls": {**TLS, "certificate": "", "key": ""}}}, "db", None, "workload", None, LOCAL)
    assert tls["login"]["ssl_mode"] == "verify-full"
    assert tls["debezium"] == {
        "database.hostname": "db.example.com",
        "database.port": 5433,
        "database.sslmode": "verify-full",
        "database.sslrootcert": "@{config}/trust/db.pem",
    }
    assert tls["jdbc"] % "shop" == (
        "jdbc:postgresql://db.example.com:5433/shop?sslmode=verify-full&sslrootcert=@{config}/trust/db.pem"
    )
    assert tls["server_files"] == {}, "its certificate is its own matter"


@pytest.mark.parametrize(
    ("url", "scheme", "s3"),
    [
        ("", "http", {}),
        ("https://s3.example.com/", "https", {"endpoint_url": "https://s3.example.com"}),
        ("http://10.0.0.1:9000", "http", {"endpoint_url": "http://10.0.0.1:9000"}),
    ],
)
def test_an_s3_store_of_the_users_own(url, scheme, s3):
    own = {"protocol": "s3", "managed": False, "external": {"url": url}, "ports": {"s3": {"port": 8333}}}
    store = endpoint({"store": own}, "store", None, "controller", None, LOCAL)
    assert (store["scheme"], store["s3"], store["url"]) == (scheme, s3, url.rstrip("/"))


def test_java_trusts_the_authority_of_an_encrypted_store():
    store = {"protocol": "s3", "ports": {"s3": {"port": 8333}}}
    assert encrypted("store", **store, tls={})["java_trust"] == {}
    tls = encrypted("store", **store)
    assert tls["java_trust"]["location"] == "@{config}/trust/store.jks"
    assert "trust/store.jks" in tls["client_files"]


def test_an_authority_that_is_none_is_named():
    with pytest.raises(InvalidError, match="are not certificates in PEM"):
        encrypted("kafka_connect", tls={**TLS, "ca": "/etc/ssl/ca.pem"})


def test_a_trust_store_is_the_same_each_time_and_java_reads_its_format():
    first = trust_store(TLS["ca"])
    trust_store.cache_clear()
    assert trust_store(TLS["ca"]) == first
    content = base64.b64decode(first)
    assert content[:12] == bytes.fromhex("feedfeed0000000200000001")
    digest = hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + content[:-20]).digest()
    assert content[-20:] == digest


def test_a_key_store_is_the_same_each_time_and_never_shown():
    pem = "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n"
    first = key_store(TLS["ca"], pem)
    key_store.cache_clear()
    assert key_store(TLS["ca"], pem) == first
    content = base64.b64decode(first)
    assert content[:16] == bytes.fromhex("feedfeed000000020000000100000001")
    assert b"hunter2" not in content
    tls = encrypted("kafka_connect", tls={**TLS, "certificate": TLS["ca"], "key": pem})
    assert tls["java_key"]["location"] == "@{secrets}/tls/key.jks"
    assert tls["java_key_secrets"] == {"tls/key.jks": {"base64": first}}
    # Until there is a key, a text stands in its place.
    assert encrypted("kafka_connect")["java_key_secrets"] == {}
    assert found("kafka_connect", None)["java_key"] == {}


@pytest.mark.parametrize("kind", ["RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"])
def test_a_key_of_another_kind_is_refused_and_not_shown(kind):
    key = f"-----BEGIN {kind}-----hunter2"
    with pytest.raises(InvalidError, match="cannot be put into a key store") as caught:
        key_store(TLS["ca"], key)
    assert "openssl pkcs8" in caught.value.message and "hunter2" not in caught.value.message
