# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What modules say in check mode of a server that does not run as stated yet. Nothing listens at these addresses."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.plugin_utils._awaited import MODULES
from ansible_collections.cdc.pipeline.tests.unit.fakes.connect import PLUGIN
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

ROOT = Path(__file__).resolve().parents[4]
NOWHERE = "127.0.0.1:1"
KAFKA = {"bootstrap_servers": NOWHERE, "retry_timeout": 0}
REST = {"url": f"http://{NOWHERE}", "retry_timeout": 0}
POSTGRESQL = {"login_host": "127.0.0.1", "login_port": 1, "login_db": "shop"}
CONFIG = {"connector.class": PLUGIN, "topic.prefix": "t", "table.include.list": "public.a"}
RULE = {"principal": "User:a", "resource_type": "topic", "name": "a", "operations": ["read"]}
SECRET = "correct-horse-battery"

# What makes something, and whether it would in a server that has nothing.
MAKES = {
    "kafka_topic": ({**KAFKA, "name": "a", "partitions": 6}, "'a': {'state': 'absent'}"),
    "kafka_acl": ({**KAFKA, "acls": [RULE]}, "{}"),
    "kafka_user": (
        {**KAFKA, "name": "a", "password": SECRET, "client_config": {"security.protocol": "SASL_SSL"}},
        "'a': {'state': 'absent'}",
    ),
    "connect_connector": ({**REST, "name": "c", "config": CONFIG}, "'state': 'absent'"),
    "debezium_connector": ({**REST, "name": "c", "config": CONFIG, "tables": ["public.a"]}, "'state': 'absent'"),
    "schema_registry_compatibility": ({**REST, "level": "BACKWARD"}, "'level': None"),
    "schema_registry_subject": ({**REST, "subject": "s", "schema": '"string"'}, "'state': 'absent'"),
    "capture_publication": (
        {**POSTGRESQL, "name": "p", "slot": "s", "tables": [{"schema": "public", "table": "a"}]},
        "'publications': []",
    ),
    "object_store_bucket": ({"name": "b", "endpoint_url": f"http://{NOWHERE}"}, "'state': 'absent'"),
}
LOOKS = {
    "kafka_topic_info": ({**KAFKA, "topics": ["a"]}, {"ends": {}}),
    "connect_connector_info": ({**REST, "name": "c", "offsets": True}, {"connectors": []}),
    "schema_registry_subject_info": (REST, {"subjects": [], "global_compatibility": None}),
    "replication_slot_wait": ({**POSTGRESQL, "slot": "s"}, {}),
}


@pytest.mark.parametrize("module", MAKES)
def test_a_new_server_would_get_all_that_is_stated(run_module, module):
    options, before = MAKES[module]
    result = run_module(module, check=True, awaited="new", **options)
    assert result["changed"]
    assert before in str(result["diff"]["before"])
    assert result["diff"]["before"] != result["diff"]["after"]
    assert SECRET not in result["stdout"]


@pytest.mark.parametrize("module", MAKES)
def test_of_a_stopped_server_nothing_counts_as_changed(run_module, module):
    result = run_module(module, check=True, awaited="stopped", **MAKES[module][0])
    assert not result["changed"]
    assert "diff" not in result


@pytest.mark.parametrize("state", ["new", "stopped"])
@pytest.mark.parametrize("module", LOOKS)
def test_who_only_looks_finds_nothing(run_module, module, state):
    options, facts = LOOKS[module]
    result = run_module(module, check=True, awaited=state, **options)
    assert not result["changed"]
    assert {name: result[name] for name in facts} == facts


@pytest.mark.parametrize("module", ["kafka_topic", "connect_connector", "object_store_bucket"])
def test_what_acts_refuses_a_server_that_is_awaited(run_module, module):
    with pytest.raises(ModuleFailed, match="awaited cannot be changed"):
        run_module(module, awaited="new", **MAKES[module][0])


def test_from_a_publication_that_is_not_there_yet_nothing_is_taken_out(run_module):
    options = {**MAKES["capture_publication"][0], "captured": True}
    assert not run_module("capture_publication", check=True, awaited="new", **options)["changed"]


def test_no_library_is_needed_to_say_so(run_module, monkeypatch):
    package = "ansible_collections.cdc.pipeline.plugins.module_utils"
    for module, name in (("_kafka.connection", "IMPORT_TRACE"), ("_postgresql.connection", "IMPORT_ERROR")):
        monkeypatch.setattr(importlib.import_module(f"{package}.{module}"), name, "no such library")
    monkeypatch.setattr(importlib.import_module(f"{package}._object_store"), "IMPORT_ERROR", "no such library")
    for module, (options, _before) in MAKES.items():
        assert run_module(module, check=True, awaited="new", **options)["changed"], module


def test_a_plugin_is_not_asked_before_all_servers_are_as_stated(run_module, connect):
    options = {"url": connect.url, "name": "c", "config": {**CONFIG, "no.such": "1"}}
    with pytest.raises(ModuleFailed, match=r"no\.such"):
        run_module("connect_connector", check=True, **options)
    connect.calls.clear()
    result = run_module("connect_connector", check=True, awaited="changing", **options)
    assert (result["changed"], connect.writes()) == (True, [])
    assert "asked about its configuration when all servers run as stated" in str(result["warnings"])


def test_brokers_without_an_authorizer_do_not_say_which_rules_they_keep(run_module, kafka):
    kafka.bindings = None
    options = {"bootstrap_servers": "fake:9092", "acls": [RULE]}
    with pytest.raises(ModuleFailed, match="authorizer"):
        run_module("kafka_acl", check=True, **options)
    result = run_module("kafka_acl", check=True, awaited="changing", **options)
    assert not result["changed"]
    assert "not known which of those stated they keep" in str(result["warnings"])


def test_nobody_signs_in_where_brokers_do_not_ask_who_is_there_yet(run_module, kafka):
    options = {"bootstrap_servers": "fake:9092", "name": "a", "password": SECRET}
    with pytest.raises(ModuleFailed, match="cannot be checked"):
        run_module("kafka_user", check=True, **options)
    assert run_module("kafka_user", check=True, awaited="changing", **options)["changed_users"] == ["a"]


def test_every_module_that_asks_a_server_is_run_by_the_plugin_that_knows_of_them():
    routes = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["plugin_routing"]["modules"]
    assert {route["action_plugin"] for route in routes.values()} == {"cdc.pipeline.connect_connector"}
    fragment = "  - cdc.pipeline.awaited\n"
    asking = {path.stem for path in (ROOT / "plugins/modules").glob("*.py") if fragment in path.read_text()}
    # The audit has no option, since it need not reach the server.
    assert sorted(routes) == sorted(MODULES) == sorted(asking | {"capture_audit"})
