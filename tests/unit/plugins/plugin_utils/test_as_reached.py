# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.plugin_utils._awaited import as_reached

# As endpoints.json has them while nothing encrypts, and while everything does.
OPEN = {
    "kafka": {"bootstrap_servers": "h:9092", "client": {}},
    "kafka_connect": {"url": "http://h:30083", "urls": ["http://h:30083"], "ca": ""},
    "schema_registry": {
        "url": "http://h:30081/v7",
        "ca": "",
        "reader": {"username": "r", "password": "rp"},
        "writer": {"username": "w", "password": "wp"},
    },
    "object_store": {"endpoint_url": "http://h:8333", "ca": "", "access_key_id": "a", "secret_access_key": "s"},
    "postgresql": {"host": "h", "port": 5432, "dbname": "shop", "user": "u", "password": "p", "cdc": {"username": "c"}},
}
SECURE = {
    "kafka": {"bootstrap_servers": "h:9092", "client": {"security.protocol": "SASL_SSL"}, "users": {"a": "p"}},
    "kafka_connect": {"url": "https://h:30083", "ca": "/trust/c.pem", "writer": {"username": "w", "password": "wp"}},
    "postgresql": {**OPEN["postgresql"], "sslmode": "verify-full", "ca": "/trust/p.pem"},
}


def changing(entries, *names):
    return {name: {"state": "changing", "reached": entries[name]} for name in names or entries}


def test_a_server_that_runs_as_stated_is_asked_as_stated():
    options = {"bootstrap_servers": "h:9092", "name": "a"}
    assert as_reached("kafka_topic", options, {}) == options
    assert as_reached("kafka_topic", options, {"object_store": {"state": "new"}}) == options


@pytest.mark.parametrize("state", ["new", "stopped"])
def test_one_that_does_not_run_is_not_looked_for_elsewhere(state):
    options = {"bootstrap_servers": "h:9092", "name": "a"}
    assert as_reached("kafka_topic", options, {"kafka": {"state": state}}) == {**options, "awaited": state}


def test_one_that_will_encrypt_is_asked_without():
    awaited = changing(OPEN)
    stated = {"bootstrap_servers": "h:9092", "client_config": {"security.protocol": "SASL_SSL"}, "name": "a"}
    assert as_reached("kafka_topic", stated, awaited) == {
        "bootstrap_servers": "h:9092",
        "client_config": {},
        "name": "a",
        "awaited": "changing",
    }
    login = {"username": "w", "password": "wp"}
    stated = {"url": "https://h:30083", "ca_path": "/trust/c.pem", **login, "name": "c"}
    assert as_reached("connect_connector_info", stated, awaited) == {
        "url": "http://h:30083",
        "name": "c",
        "awaited": "changing",
    }
    # Its writer signs in at all times.
    stated = {"url": "https://h:30081/v7", "ca_path": "/trust/s.pem", **login}
    assert as_reached("schema_registry_compatibility", stated, awaited) == {
        "url": "http://h:30081/v7",
        **login,
        "awaited": "changing",
    }
    stated = {"login_host": "h", "login_port": 5432, "ssl_mode": "verify-full", "ca_cert": "/trust/p.pem", "name": "p"}
    assert as_reached("capture_publication", stated, awaited) == {
        "login_host": "h",
        "login_port": 5432,
        "login_user": "u",
        "login_password": "p",
        "name": "p",
        "awaited": "changing",
    }
    stated = {"endpoint_url": "https://h:8333", "ca_path": "/trust/o.pem", "name": "b"}
    assert as_reached("object_store_bucket", stated, awaited) == {
        "endpoint_url": "http://h:8333",
        "access_key_id": "a",
        "secret_access_key": "s",
        "name": "b",
        "awaited": "changing",
    }


def test_one_that_encrypts_and_will_not_is_asked_with_tls():
    awaited = changing(SECURE)
    found = as_reached("kafka_acl", {"bootstrap_servers": "h:9092", "client_config": {}}, awaited)
    assert found["client_config"] == {"security.protocol": "SASL_SSL"}
    found = as_reached("debezium_connector", {"url": "http://h:30083"}, awaited)
    assert found == {
        "url": "https://h:30083",
        "ca_path": "/trust/c.pem",
        "username": "w",
        "password": "wp",
        "awaited": "changing",
    }
    found = as_reached("replication_slot_wait", {"login_host": "h"}, awaited)
    assert (found["ssl_mode"], found["ca_cert"]) == ("verify-full", "/trust/p.pem")


def test_the_audit_is_told_all_of_how_postgresql_is_reached():
    found = as_reached("capture_audit", {"tool": "t", "postgresql": {"host": "elsewhere"}}, changing(SECURE))
    reached = {name: value for name, value in SECURE["postgresql"].items() if name != "cdc"}
    assert found == {"tool": "t", "postgresql": reached}


def test_plugins_are_not_asked_while_a_server_is_awaited():
    options = {"url": "http://h:30083", "name": "c"}
    assert as_reached("debezium_connector", options, {"archive": {"state": "new"}}) == options
    found = as_reached("debezium_connector", options, changing(OPEN, "postgresql"))
    assert found == {**options, "awaited": "changing"}
    new = {name: {"state": "new"} for name in ("postgresql", "kafka_connect")}
    found = as_reached("debezium_connector", options, new)
    assert found == {**options, "awaited": "new"}
