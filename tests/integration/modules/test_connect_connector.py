# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
from pathlib import Path

import pytest
from signed_in import debezium_client, java_client, options_of

HEARTBEAT = "org.apache.kafka.connect.mirror.MirrorHeartbeatConnector"
DEBEZIUM = "io.debezium.connector.postgresql.PostgresConnector"
BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
SECRET = "hunter2-hunter2"


@pytest.fixture
def connector(connect, kafka, name):
    """The name of a connector, deleted in the end together with the topic that it writes."""
    before = set(kafka.list_topics(timeout=30).topics)
    yield name
    connect(f"connectors/{name}", "DELETE")
    if "heartbeats" in set(kafka.list_topics(timeout=30).topics) - before:
        kafka.delete_topics(["heartbeats"])["heartbeats"].result()


@pytest.fixture
def reconcile(run_module, endpoints, connector):
    """Run the module on the test's connector."""
    where = options_of(endpoints["kafka_connect"], "writer")
    return lambda **options: run_module("connect_connector", **{**where, "name": connector, **options})


@pytest.fixture
def config(endpoints):
    """The configuration of a connector that needs nothing but Kafka."""
    servers, client = endpoints["kafka"]["bootstrap_servers"], java_client(endpoints["kafka"])
    logins = {f"{of}.cluster.{key}": value for of in ("source", "target") for key, value in client.items()}
    if client:
        # The worker's own login may write the pipeline's topics alone.
        logins["producer.override.sasl.jaas.config"] = client["sasl.jaas.config"]
    return {
        **logins,
        "connector.class": HEARTBEAT,
        "tasks.max": 1,
        "source.cluster.alias": "a",
        "target.cluster.alias": "b",
        "source.cluster.bootstrap.servers": servers,
        "target.cluster.bootstrap.servers": servers,
        "heartbeats.topic.replication.factor": 1,
        "emit.heartbeats.enabled": True,
        "emit.heartbeats.interval.seconds": 5,
        "key.converter": BYTES,
        "value.converter": BYTES,
    }


def test_creates_once(reconcile, connect, connector, config):
    checked = reconcile(check=True, config=config)
    assert checked["changed"]
    assert connect(f"connectors/{connector}") is None
    created = reconcile(config=config)
    assert created["changed"]
    assert created["diff"] == checked["diff"]
    assert connect(f"connectors/{connector}/config")["emit.heartbeats.enabled"] == "true"
    status = connect(f"connectors/{connector}/status")
    assert [status["connector"]["state"], status["tasks"][0]["state"]] == ["RUNNING", "RUNNING"]
    again = reconcile(config=config)
    assert (again["changed"], again["steps"]) == (False, [])


def test_reconciles_the_whole_configuration(reconcile, connect, connector, config):
    reconcile(config={**config, "source.cluster.sasl.jaas.config": SECRET})
    del config["emit.heartbeats.interval.seconds"]
    checked = reconcile(check=True, config=config)
    assert checked["steps"] == ["update"]
    assert "emit.heartbeats.interval.seconds" in connect(f"connectors/{connector}/config")
    changed = reconcile(config=config)
    assert changed["steps"] == ["update"]
    assert SECRET not in checked["stdout"] + changed["stdout"]
    assert connect(f"connectors/{connector}/config").keys() == {*config, "name"}
    assert not reconcile(config=config)["changed"]


def test_every_state_and_deletion(reconcile, connect, connector, config):
    reconcile(config=config, state="stopped")
    for state in ("running", "paused", "stopped"):
        before = connect(f"connectors/{connector}/status")["connector"]["state"]
        assert reconcile(check=True, state=state)["changed"]
        assert connect(f"connectors/{connector}/status")["connector"]["state"] == before
        assert reconcile(state=state)["changed"]
        assert connect(f"connectors/{connector}/status")["connector"]["state"] == state.upper()
        assert not reconcile(state=state)["changed"]
    assert reconcile(check=True, state="absent")["changed"]
    assert connect(f"connectors/{connector}") is not None
    assert reconcile(state="absent")["changed"]
    assert connect(f"connectors/{connector}") is None
    assert not reconcile(state="absent")["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_every_wrong_setting_is_listed_and_nothing_written(reconcile, connect, connector, config, check):
    wrong = {
        "tasks.max": "many",
        "emit.heartbeats.intervall.seconds": 5,
        "transforms": "route",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": ".*",
        "transforms.route.replacment": "x",
    }
    result = reconcile(check=check, config={**config, **wrong})
    assert result["failed"]
    assert [item["field"] for item in result["problems"]] == [
        "emit.heartbeats.intervall.seconds",
        "tasks.max",
        "transforms.route.replacement",
        "transforms.route.replacment",
    ]
    assert connect(f"connectors/{connector}") is None


def test_an_unknown_plugin_is_told(reconcile, config):
    result = reconcile(config={**config, "connector.class": "MirrorHartbeatConnector"})
    assert 'did you mean "MirrorHeartbeatConnector"' in result["msg"]


def test_a_failing_task_is_told_and_its_mending_seen(reconcile, connect, connector, endpoints):
    if not any(plugin["class"] == DEBEZIUM for plugin in connect("connector-plugins")):
        pytest.skip("the worker has no Debezium plugin for PostgreSQL")
    database = endpoints["postgresql"]
    config = {
        "connector.class": DEBEZIUM,
        **debezium_client(database, Path(os.environ["CDC_ENDPOINTS"]).parent),
        "topic.prefix": connector,
        "plugin.name": "pgoutput",
        "publication.name": "no_such_publication",
        "publication.autocreate.mode": "disabled",
        "slot.name": connector.replace("-", "_"),
        "slot.drop.on.stop": True,
    }
    wrong = reconcile(check=True, config={**config, "database.password": SECRET})
    assert "password authentication failed" in wrong["msg"]
    assert SECRET not in wrong["stdout"]

    result = reconcile(config=config)
    assert result["failed"]
    assert "Publication autocreation is disabled" in result["msg"]
    assert "PostgresConnectorTask" in result["failed_tasks"][0]["trace"]
    assert database["password"] not in result["stdout"].replace(database["user"], "")
    assert connect(f"connectors/{connector}/status")["tasks"][0]["state"] == "FAILED"
    again = reconcile(config=config)
    assert again["failed"]


def test_info(run_module, reconcile, endpoints, connector, config):
    where = options_of(endpoints["kafka_connect"], "reader")
    reconcile(config={**config, "source.cluster.sasl.jaas.config": SECRET})
    one = run_module("connect_connector_info", **where, name=connector, offsets=True)
    (shown,) = one["connectors"]
    assert (shown["state"], shown["tasks"][0]["state"]) == ("running", "running")
    assert isinstance(shown["offsets"], list)
    assert SECRET not in one["stdout"]
    assert connector in [item["name"] for item in run_module("connect_connector_info", **where)["connectors"]]
    assert run_module("connect_connector_info", **where, name=connector + "x")["connectors"] == []


def test_who_may_not_change_and_who_is_not_known(reconcile, endpoints, connector, config, connect):
    """Only where the pipeline asks for logins; the message says which one it takes."""
    where = endpoints["kafka_connect"]
    if "reader" not in where:
        pytest.skip("the pipeline asks nobody for a login (cdc_security is false)")
    reading = reconcile(config=config, **options_of(where, "reader"))
    assert reading["failed"] and "HTTP 403" in reading["msg"] and "kafka_connect_writer" in reading["msg"]
    wrong = reconcile(config=config, password=SECRET)
    assert wrong["failed"] and "HTTP 401" in wrong["msg"] and "username and password" in wrong["msg"]
    assert SECRET not in wrong["stdout"]
    assert connect(f"connectors/{connector}") is None
    strange = reconcile(config=config, ca_path=endpoints["schema_registry"]["ca"] + ".none")
    assert strange["failed"] and "cannot be read" in strange["msg"] and ".pem.none" in strange["msg"]
    plain = reconcile(config=config, url=where["url"].replace("https:", "http:"), retry_timeout=1)
    assert plain["failed"] and "url begins with https://" in plain["msg"]
