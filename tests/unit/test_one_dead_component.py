# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whichever component is dead, people are told of it alone: Alertmanager's rules, applied to what is active then."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.endpoints import Place
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.monitored import monitored
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.receivers import configuration
from jinja2.nativetypes import NativeEnvironment

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = yaml.safe_load((ROOT / "roles/monitoring/files/alerts.yml").read_text())
SEVERITIES = {alert["alert"]: alert["severity"] for group in DEFINITION.values() for alert in group}
STATED = yaml.safe_load((ROOT / "roles/common/defaults/main/endpoints.yml").read_text())
ENDPOINTS: dict[str, Any] = {
    name: entry
    for group in ("__cdc_endpoints", "__cdc_endpoints_of_monitoring", "__cdc_endpoints_of_host")
    for name, entry in STATED[group].items()
}
BROKERS = ("kafka-0", "kafka-1", "kafka-2")
# Of these the metrics are scraped by themselves.
SCRAPED = [name for name, entry in ENDPOINTS.items() if entry.get("metrics")]
Alert = dict[str, str]
# Of what a connector does not bring any more.
NO_CHANGES = (
    "ChangesSlow",
    "ChangesLate",
    "ConnectorFailed",
    "ConnectorStuck",
    "ConnectorRestartsOften",
    "SlotInactive",
    "CaptureBudgetBurns",
    "FreshnessBudgetBurns",
)
# What is active, sooner or later, while a component is dead, besides what is active of each: its being down and gone,
# and of its metrics. Too many here are no harm.
FOLLOWS: dict[str, tuple[str, ...]] = {
    "postgresql": (*NO_CHANGES, "PostgresqlDown", "MeasurementAbsent"),
    "kafka": (
        *NO_CHANGES,
        "ArchiveLate",
        "BrokersMissing",
        "PartitionsOffline",
        "PartitionsUnderMinIsr",
        "PartitionsUnderReplicated",
        "ControllerNotOne",
        "MeasurementAbsent",
    ),
    "schema_registry": (*NO_CHANGES, "ArchiveLate"),
    "kafka_connect": NO_CHANGES,
    "connectors": ("MeasurementAbsent",),
    "archive": ("ArchiveLate", "FreshnessBudgetBurns"),
    "object_store": ("ArchiveLate", "FreshnessBudgetBurns", "ObjectStoreDown", "ObjectStoreSlow"),
    "monitor": ("MeasurementAbsent", "ChangesSlow", "ChangesLate", "CaptureBudgetBurns", "FreshnessBudgetBurns"),
    "postgresql_exporter": ("MeasurementAbsent",),
    "blackbox_exporter": ("MeasurementAbsent",),
    "node_exporter": (),
    "alertmanager": (),
    "prometheus": (),
}
# Of which the dead man's switch tells alone.
SILENT = ("alertmanager", "prometheus")


def depends_on(name: str) -> list[str]:
    stated = ENDPOINTS[name].get("depends_on", [])
    if isinstance(stated, list):
        return stated
    return NativeEnvironment().from_string(stated).render(archive_engine="service")


DEPENDS = monitored({name: {"depends_on": depends_on(name)} for name in ENDPOINTS}, Place("local"), ENDPOINTS)[
    "depends_on"
]
RULES = configuration([], DEFINITION, "", 1, "", DEPENDS)[0]["inhibit_rules"]


def alert(name: str, **labels: str) -> Alert:
    return {"alertname": name, "severity": SEVERITIES[name], "instance_name": "local", **labels}


def down(component: str, *replicas: str) -> list[Alert]:
    """What is active of a component of which these replicas are dead, by default its one."""
    dead = replicas or (component.replace("_", "-") + "-0",)
    found = [alert("ComponentDown", component=component, replica=replica) for replica in dead]
    if component in SCRAPED:
        found += [alert("TargetDown", component=component, replica=replica, job=component) for replica in dead]
    return found


def gone(component: str) -> list[Alert]:
    return [*down(component, *(BROKERS if component == "kafka" else ())), alert("ComponentGone", component=component)]


def sent(active: Iterable[Alert]) -> list[tuple[str, str]]:
    """Name and replica of each alert that somebody is told of."""
    every = list(active)
    told = [each for each in every if each["severity"] != "none" and not any(held(each, rule, every) for rule in RULES)]
    return sorted((each["alertname"], each.get("replica", "")) for each in told)


def held(target: Alert, rule: Mapping[str, Any], active: Iterable[Alert]) -> bool:
    """As Alertmanager has it: an alert does not hold back itself."""
    return matches(target, rule["target_matchers"]) and any(
        matches(source, rule["source_matchers"])
        and source is not target
        and all(source.get(name) == target.get(name) for name in rule["equal"])
        for source in active
    )


def matches(labels: Alert, matchers: Iterable[str]) -> bool:
    for matcher in matchers:
        name, operator, value = re.fullmatch(r'(\w+)(=~?)"(.*)"', matcher).groups()
        if not re.fullmatch(value if operator == "=~" else re.escape(value), labels.get(name, "")):
            return False
    return True


def test_every_component_is_looked_at():
    assert set(FOLLOWS) == set(ENDPOINTS)


@pytest.mark.parametrize("component", sorted(set(FOLLOWS) - set(SILENT)))
def test_one_dead_component_is_all_that_people_are_told_of(component: str):
    # What depends on it may be down with it.
    below = [name for name, needed in DEPENDS.items() if component in needed]
    active = [*gone(component), *(each for name in below for each in gone(name))]
    if component == "blackbox_exporter":
        active += [alert("TargetDown", component=name, replica=name, job=f"probe-{name}") for name in ENDPOINTS]
    active += [alert(name) for name in FOLLOWS[component]]
    # What these ask it for, they cannot say.
    active += [
        alert("MetricsMissing", component=name, replica=name.replace("_", "-") + "-0")
        for name in ("monitor", "postgresql_exporter")
        if component in DEPENDS[name]
    ]
    dead = BROKERS if component == "kafka" else (component.replace("_", "-") + "-0",)
    assert sent(active) == [("ComponentDown", replica) for replica in dead]


def test_one_dead_broker_is_all_that_people_are_told_of():
    follow = ("BrokersMissing", "PartitionsUnderReplicated", "ControllerNotOne")
    active = [*down("kafka", "kafka-1"), *map(alert, follow)]
    assert sent(active) == [("ComponentDown", "kafka-1")]


def test_another_fault_is_told_while_a_broker_is_dead():
    other = ("ChangesLate", "ArchiveLate", "PartitionsUnderMinIsr", "SlotLost")
    active = [*down("kafka", "kafka-1"), *gone("kafka_connect"), *map(alert, ("ArchiveLate", "SlotLost", "DiskFull"))]
    assert sent(active) == [
        ("ArchiveLate", ""),
        ("ComponentDown", "kafka-1"),
        ("ComponentDown", "kafka-connect-0"),
        ("DiskFull", ""),
        ("SlotLost", ""),
    ]
    assert sent([*down("kafka", "kafka-1"), *map(alert, other)]) == [
        ("ComponentDown", "kafka-1"),
        ("PartitionsUnderMinIsr", ""),
        ("SlotLost", ""),
    ]


@pytest.mark.parametrize(
    ("component", "name"),
    [
        ("object_store", "ChangesLate"),
        ("archive", "ConnectorFailed"),
        ("kafka_connect", "ArchiveLate"),
        ("postgresql", "ArchiveLate"),
        ("schema_registry", "ObjectStoreDown"),
        ("monitor", "SlotInactive"),
        ("node_exporter", "TransactionOld"),
    ],
)
def test_what_does_not_follow_is_told_besides(component: str, name: str):
    assert (name, "") in sent([*gone(component), alert(name)])


def test_two_dead_components_that_do_not_need_each_other_are_both_told():
    told = sent([*gone("object_store"), *gone("postgresql")])
    assert told == [("ComponentDown", "object-store-0"), ("ComponentDown", "postgresql-0")]
