# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.cdc.pipeline.plugins.lookup import kafka_acls

# It keeps what it has read of the collection's many files.
LOADER = DataLoader()
# With everything that has a user.
VARIABLES = {"cdc_security": True, "cdc_tables": ["public.users"], "monitoring_enabled": True}
USERS = {
    "kafka_worker",
    "kafka_registry",
    "kafka_archive",
    "kafka_watchdog",
    "kafka_load",
    "kafka_reader",
    "kafka_monitor",
}


@pytest.fixture
def look(monkeypatch):
    def call(*terms: str, proofs: bool = False, **variables: Any) -> list[Mapping[str, Any]]:
        given = {**VARIABLES, **variables}
        plugin = kafka_acls.LookupModule(loader=LOADER, templar=Templar(loader=DataLoader(), variables=given))
        # Options come from the plugin's documentation, which only the plugin loader attaches.
        monkeypatch.setattr(plugin, "set_options", lambda **known: None)
        monkeypatch.setattr(plugin, "get_option", {"proofs": proofs}.get)
        return plugin.run(list(terms), given)

    return call


def test_every_user_but_the_administrator_has_rights_and_a_proof_of_them(look):
    assert {rule["principal"] for rule in look()} == {f"User:{name}" for name in USERS}
    proofs = look(proofs=True)
    assert {proof["principal"] for proof in proofs} == {f"User:{name}" for name in USERS}
    for proof in proofs:
        assert proof["allowed"] != proof["refused"]
        assert set(proof) == {"role", "principal", "resource_type", "allowed", "refused"}


def test_rules_name_the_captured_topics_and_nobody_writes_to_another_ones(look):
    writers = {}
    for rule in look():
        if rule["resource_type"] == "topic" and {"write", "all"} & set(rule["operations"]):
            writers.setdefault(rule["name"], set()).add(rule["principal"])
    assert writers["postgres.public.users"] == {"User:kafka_worker"}
    assert writers["postgres.public.users.dlq"] == {"User:kafka_archive"}
    assert writers["_schemas"] == {"User:kafka_registry"}
    assert all(len(names) == 1 for names in writers.values())


def test_the_sink_connector_signs_in_as_its_worker(look):
    rules = look("archive", archive_engine="connect")
    assert {rule["principal"] for rule in rules} == {"User:kafka_worker"}
    assert {rule["name"] for rule in rules if rule["resource_type"] == "topic"} >= {
        "postgres.public.users",
        "control-iceberg",
    }
    watched = {
        rule["name"] for rule in look("connectors", archive_engine="connect") if rule["resource_type"] == "group"
    }
    assert watched == {"cdc-disk", "connect-archive-iceberg", "connect-archive-iceberg-coord"}


def test_rules_of_the_user_come_last(look):
    mine = {"principal": "User:me", "resource_type": "group", "name": "mine", "operations": ["read"]}
    assert look(kafka_acls_extra=[mine])[-1] == mine
