# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Alerts come to their receivers, one for each fault, and end there; a silence keeps them from it."""

from __future__ import annotations

import time

import pytest
from cdc_pipeline.cli import silence
from cdc_pipeline.cli.errors import CdcError
from conftest import TOKEN, Watched
from sinks import alerts_of
from waiting import until

SECONDS = 60
# More than what any alert here waits for, at the scale of these tests.
QUIET = 12
BROKER = 'probe_success{component="kafka",replica="kafka-1",instance="k:1"}'
OTHER_BROKER = 'probe_success{component="kafka",replica="kafka-0",instance="k:0"}'
STORE = 'probe_success{component="object_store",replica="object-store-0",instance="s:1"}'


def all_well() -> dict[str, float]:
    return {
        OTHER_BROKER: 1,
        BROKER: 1,
        STORE: 1,
        'up{component="kafka",replica="kafka-1",instance="k:2",job="kafka"}': 1,
        "cdc_kafka_brokers": 3,
        "cdc_kafka_brokers_expected": 3,
        "cdc_kafka_under_replicated_partitions": 0,
        "cdc_archive_object_store_up": 1,
    }


def replicas(watched: Watched) -> set[str]:
    """Of all that the webhook was told of."""
    alerts = [alert["labels"] for sent in watched.hooks for alert in sent["alerts"]]
    return {labels["replica"] for labels in alerts if "replica" in labels}


def test_one_dead_broker_is_one_alert_and_its_end(watched: Watched):
    watched.samples.values = all_well()
    until(lambda: [each for each in watched.hooks if each["path"] == "/dead-man"], bool, SECONDS, "the dead man's call")
    watched.samples.values |= {
        BROKER: 0,
        "cdc_kafka_brokers": 2,
        "cdc_kafka_under_replicated_partitions": 40,
    }
    until(watched.told, bool, SECONDS, "the webhook is told")
    follow = {"ComponentDown", "BrokersMissing", "PartitionsUnderReplicated"}
    until(watched.firing, lambda found: follow <= found, SECONDS, f"{follow} are active")
    time.sleep(QUIET)
    assert set(watched.told()) == {("ComponentDown", "firing")}
    assert set(watched.told("/pager")) == {("ComponentDown", "firing")}
    (mail,) = watched.mailed()
    assert mail["To"] == "team@example.org"
    assert "ComponentDown" in mail["Subject"]
    (alert,) = alerts_of(mail)
    assert (alert["status"], alert["labels"]) == ("firing", watched.hooks_of("/hook")[0]["labels"])
    assert {each["authorization"] for each in watched.hooks if each["path"] == "/hook"} == {f"Bearer {TOKEN}"}

    watched.samples.values = all_well()
    ended = ("ComponentDown", "resolved")
    until(watched.told, lambda told: ended in told, SECONDS, "the webhook is told of the end")
    time.sleep(QUIET)
    assert set(watched.told()) == {("ComponentDown", "firing"), ended}, "what it held back ended before it"
    (alert,) = alerts_of(watched.mailed()[-1])
    assert (alert["status"], alert["labels"]) == ("resolved", watched.hooks_of("/hook")[-1]["labels"])


def test_brokers_that_are_all_dead_are_all_that_is_told(watched: Watched):
    """What depends on them is down, failed and late with them."""
    broken = dict.fromkeys((OTHER_BROKER, BROKER, BROKER.replace("kafka-1", "kafka-2")), 1)
    worker = 'probe_success{component="kafka_connect",replica="kafka-connect-0",instance="c:1"}'
    well = all_well() | broken | {worker: 1, "cdc_connectors_failed": 0, 'cdc_consumer_lag_seconds{group="g"}': 0}
    watched.samples.values = dict(well)
    until(lambda: [each for each in watched.hooks if each["path"] == "/dead-man"], bool, SECONDS, "the dead man's call")
    watched.samples.values |= dict.fromkeys(broken, 0) | {worker: 0, "cdc_connectors_failed": 1, "cdc_kafka_brokers": 0}
    until(watched.told, bool, SECONDS, "the webhook is told")
    follow = {"ComponentGone", "ComponentDown", "ConnectorFailed", "BrokersMissing"}
    until(watched.firing, lambda found: follow <= found, SECONDS, f"{follow} are active")
    time.sleep(QUIET)
    assert set(watched.told()) == {("ComponentDown", "firing")}
    assert replicas(watched) == {"kafka-0", "kafka-1", "kafka-2"}

    watched.samples.values = well
    ended = ("ComponentDown", "resolved")
    until(watched.told, lambda told: ended in told, SECONDS, "the webhook is told of the end")
    time.sleep(QUIET)
    assert set(watched.told()) == {("ComponentDown", "firing"), ended}, "what it held back ended before it"
    assert replicas(watched) == {"kafka-0", "kafka-1", "kafka-2"}


def test_a_warning_does_not_page(watched: Watched):
    watched.samples.values = all_well() | {"cdc_kafka_under_replicated_partitions": 40}
    until(watched.told, bool, SECONDS, "the webhook is told")
    assert set(watched.told()) == {("PartitionsUnderReplicated", "firing")}
    time.sleep(QUIET / 2)
    assert watched.told("/pager") == []


def test_a_receiver_that_refuses_is_told_to_the_others(watched: Watched):
    watched.mails.refuses = "554 no"
    watched.samples.values = all_well() | {STORE: 0, 'alertmanager_notifications_failed_total{integration="email"}': 0}
    until(watched.told, bool, SECONDS, "the webhook is told")
    # As Prometheus scrapes it of Alertmanager.
    watched.samples.values['alertmanager_notifications_failed_total{integration="email"}'] = 3
    failed = ("NotificationsFail", "firing")
    until(watched.told, lambda told: failed in told, SECONDS, "the webhook is told of it")


def test_a_silence_keeps_them_from_it_until_it_ends(watched: Watched):
    with pytest.raises(CdcError, match="Did you mean ComponentDown"):
        silence._know(watched.plan, "ComponentDwon")
    silence._know(watched.plan, "ComponentDown")
    now = silence.dt.datetime.now(silence.dt.UTC)
    matchers = [{"name": "alertname", "value": "ComponentDown"}, {"name": "replica", "value": "kafka-1"}]
    number = silence._begin(watched.plan, matchers, now, now + silence.dt.timedelta(hours=1), "")
    (found,) = silence._active(watched.plan)
    assert silence._row(found)[:2] == (number, "ComponentDown replica=kafka-1")
    watched.samples.values = all_well() | {BROKER: 0}
    until(watched.firing, lambda found: "ComponentDown" in found, SECONDS, "it is active")
    time.sleep(QUIET / 2)
    assert watched.told() == []
    # Another component is none of it.
    watched.samples.values[STORE] = 0
    until(watched.told, bool, SECONDS, "the webhook is told of the store")
    assert replicas(watched) == {"object-store-0"}
    silence._end(watched.plan, number)
    with pytest.raises(CdcError, match="There is no silence"):
        silence._end(watched.plan, number)
    until(lambda: replicas(watched), lambda found: "kafka-1" in found, SECONDS, "the webhook is told of the broker")
