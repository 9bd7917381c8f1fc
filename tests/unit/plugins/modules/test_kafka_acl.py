# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

SERVERS = {"bootstrap_servers": "fake:9092", "wait_timeout": 1}
READ = {"principal": "User:reports", "resource_type": "topic", "name": "shop.", "pattern": "prefixed"}
READING = {**READ, "operations": ["read", "describe_configs"]}
GROUP = {"principal": "User:reports", "resource_type": "group", "name": "reports", "operations": ["read"]}


def test_adds_once_and_check_mode_only_says_so(run_module, kafka):
    checked = run_module("kafka_acl", check=True, **SERVERS, acls=[READING, GROUP])
    assert (checked["changed"], kafka.bindings) == (True, set())
    added = run_module("kafka_acl", **SERVERS, acls=[READING, GROUP])
    assert added["diff"] == checked["diff"]
    assert added["diff"]["before"] == {}
    assert added["diff"]["after"] == {
        "User:reports": [
            "allow read on group reports",
            "allow describe_configs on topic shop.*",
            "allow read on topic shop.*",
        ]
    }
    assert len(kafka.bindings) == 3
    again = run_module("kafka_acl", **SERVERS, acls=[READING, GROUP])
    assert (again["changed"], kafka.writes) == (False, ["add"])


def test_removes_what_is_no_longer_stated_of_principals_that_are_named(run_module, kafka):
    other = {**GROUP, "principal": "User:other"}
    run_module("kafka_acl", **SERVERS, acls=[READING, GROUP, other])
    assert not run_module("kafka_acl", **SERVERS, acls=[GROUP])["changed"]
    exact = {"acls": [GROUP], "exact_principals": ["User:reports"]}
    checked = run_module("kafka_acl", check=True, **SERVERS, **exact)
    assert len(kafka.bindings) == 4
    removed = run_module("kafka_acl", **SERVERS, **exact)
    assert removed["removed"] == checked["removed"]
    assert removed["removed"] == [
        "User:reports: allow describe_configs on topic shop.*",
        "User:reports: allow read on topic shop.*",
    ]
    assert {each.principal for each in kafka.bindings} == {"User:reports", "User:other"}
    assert not run_module("kafka_acl", **SERVERS, **exact)["changed"]


def test_takes_stated_rules_away(run_module, kafka):
    run_module("kafka_acl", **SERVERS, acls=[READING, GROUP])
    absent = {"acls": [{**READ, "operations": ["read"]}], "state": "absent"}
    assert run_module("kafka_acl", **SERVERS, **absent)["removed"] == ["User:reports: allow read on topic shop.*"]
    assert len(kafka.bindings) == 2
    assert not run_module("kafka_acl", **SERVERS, **absent)["changed"]


def test_the_cluster_has_one_name(run_module, kafka):
    rule = {"principal": "User:a", "resource_type": "cluster", "operations": ["describe"]}
    run_module("kafka_acl", **SERVERS, acls=[rule])
    assert [(each.restype.name, each.name) for each in kafka.bindings] == [("BROKER", "kafka-cluster")]
    assert not run_module("kafka_acl", **SERVERS, acls=[rule])["changed"]


@pytest.mark.parametrize(
    ("rule", "said"), [({**GROUP, "name": ""}, "names no resource"), ({**GROUP, "principal": "a"}, "write User:a")]
)
def test_what_is_stated_wrongly_changes_nothing(run_module, kafka, rule, said):
    with pytest.raises(ModuleFailed, match=said):
        run_module("kafka_acl", **SERVERS, acls=[rule])
    assert not kafka.writes


def test_says_that_the_brokers_ask_nobody(run_module, kafka):
    kafka.bindings = None
    with pytest.raises(ModuleFailed, match=r"authorizer\.class\.name"):
        run_module("kafka_acl", **SERVERS, acls=[GROUP])


@pytest.mark.parametrize("module", ["kafka_acl", "kafka_user"])
def test_says_that_its_user_may_not(run_module, kafka, module):
    kafka.allowed = None
    options = {
        "kafka_acl": {"acls": [GROUP]},
        "kafka_user": {"name": "a", "password": "b", "update_password": "on_create"},
    }
    with pytest.raises(ModuleFailed, match="missing on the cluster: ALTER, DESCRIBE"):
        run_module(module, **SERVERS, **options[module])
    assert not kafka.writes
