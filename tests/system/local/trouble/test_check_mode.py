# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What check mode says is what is true: nothing on a pipeline as it should be, and each change made behind its back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from cdc_pipeline.clients import kafka, postgresql
from cdc_pipeline.endpoints import KafkaEndpoint, PostgresqlEndpoint
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from signed_in import signed_in
from site_runs import Run, Site


def changes(run: Run) -> list[str]:
    """Names of the tasks that changed something, or would, without their roles."""
    tasks = re.split(r"^TASK \[", run.output, flags=re.MULTILINE)[1:]
    return [task.partition("]")[0].rpartition(" : ")[2] for task in tasks if "\nchanged: " in task]


def alter_topic(endpoints: dict[str, Any]) -> None:
    client = kafka.admin(KafkaEndpoint(**endpoints["kafka"]))
    # One that is stated, and one that is not, by which records would go.
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in (("retention.ms", "1000000"), ("retention.bytes", "1000000000000"))
    ]
    resource = ConfigResource(ResourceType.TOPIC, "postgres.public.users", incremental_configs=entries)
    for future in client.incremental_alter_configs([resource]).values():
        future.result()


def alter_connector(endpoints: dict[str, Any]) -> None:
    path = "/connectors/postgres-cdc/config"
    with signed_in(endpoints["kafka_connect"], "writer") as worker:
        config = worker.get(path).raise_for_status().json()
        worker.put(path, json={**config, "max.batch.size": "4096"}).raise_for_status()


def alter_grants(endpoints: dict[str, Any]) -> None:
    with postgresql.connect(PostgresqlEndpoint(**endpoints["postgresql"])) as connection:
        connection.execute("REVOKE SELECT ON public.products FROM debezium")


def alter_compatibility(endpoints: dict[str, Any]) -> None:
    with signed_in(endpoints["schema_registry"], "writer") as registry:
        registry.put("/config", json={"compatibility": "NONE"}).raise_for_status()


SEEDED: list[tuple[Callable[[dict[str, Any]], None], str, str]] = [
    (alter_grants, "postgresql", "Postgresql | Grant the CDC role access to the captured tables"),
    (alter_topic, "kafka", "Kafka | Reconcile the topics"),
    (alter_compatibility, "schema_registry", "Schema registry | Set the global compatibility"),
    (alter_connector, "connectors", "Connectors | Capture"),
]


@pytest.mark.full
def test_a_second_run_changes_nothing(running: Site):
    # The first run after another checkout's may renew the services; the one after it finds all as it left it.
    running.run().must_succeed()
    assert changes(running.run().must_succeed()) == []


def test_check_mode_finds_exactly_what_was_changed_behind_its_back_and_nothing_when_it_is_mended(running: Site):
    endpoints = running.endpoints()
    for alter, _tag, _task in SEEDED:
        alter(endpoints)
    config = running.home / "archive-0/config/archive.yml"
    config.write_text(config.read_text() + "# by hand\n")
    expected = [task for _alter, _tag, task in SEEDED] + ["Workload | Run and wait until ready: archive"]

    found = running.run("--check", "--diff", "--skip-tags", "verify")
    mended = running.run()
    found.must_succeed()
    mended.must_succeed()
    assert [any(name.startswith(task) for name in changes(found)) for task in expected] == [True] * len(expected)
    assert len(changes(found)) == len(expected), changes(found)
    by_hand = ("by hand", "retention.ms: '1000000'", "retention.bytes: '1000000000000'", "max.batch.size: '4096'")
    for text in by_hand:
        assert text in found.output, text
    assert "# by hand" not in config.read_text()
    assert sorted(changes(mended)) == sorted(changes(found))
    paths = running.home / "verify-report.json", running.reports / "verify.json"
    reports = [path.read_text() for path in paths]
    assert changes(running.run("--check", "--diff").must_succeed()) == []
    # Its verification looks at less, which must not take the place of the whole.
    assert [path.read_text() for path in paths] == reports


@pytest.mark.full
@pytest.mark.parametrize(("alter", "tag", "task"), SEEDED, ids=[tag for _alter, tag, _task in SEEDED])
def test_a_component_alone_mends_its_own(running: Site, alter, tag: str, task: str):
    alter(running.endpoints())
    found = changes(running.run("--tags", tag).must_succeed())
    assert len(found) == 1
    assert found[0].startswith(task)


def test_on_a_bare_host_check_mode_says_what_would_be_made_and_makes_nothing(fresh: Site):
    found = fresh.run("--check", "--diff").must_succeed()
    assert not fresh.home.exists()
    assert not fresh.reports.exists()
    expected = [
        *(f"Workload | Run and wait until ready: {name}" for name in ("object-store", "postgresql", "kafka")),
        "Object store | Create the bucket and check conditional writes",
        "Postgresql | Show what would be created",
        "Postgresql | Publish the captured tables",
        "Kafka | Create the users",
        "Kafka | Reconcile the topics",
        "Kafka | Set the access rights",
        "Schema registry | Set the global compatibility",
        "Connectors | Capture public.users",
        "Workload | Run and wait until ready: archive",
    ]
    assert [name for name in expected if not any(each.startswith(name) for each in changes(found))] == []
    # Of the diffs: a file, a topic, a connector.
    for text in ("server.properties", "postgres.public.users:", "table.include.list:"):
        assert text in found.output, text
    flat = re.sub(r"\s+", " ", found.output)
    assert "kafka does not run and has no data yet, so it is not queried" in flat
    assert "Nothing is verified, because these do not run as stated yet: archive, connectors, kafka" in flat


@pytest.mark.full
def test_what_a_stopped_pipeline_keeps_is_not_said_to_be_made(fresh: Site):
    fresh.run("--skip-tags", "verify").must_succeed()
    fresh.run(playbook="playbooks/stop.yml").must_succeed()
    found = fresh.run("--check", "--diff").must_succeed()
    assert "kafka does not run, so it is not queried" in re.sub(r"\s+", " ", found.output)
    # Caches of Java are made in the background, when they are.
    assert {name.partition(":")[0] for name in changes(found) if not name.startswith("Java caches")} == {
        "Services | Set up and start the supervisor",
        "Workload | Run and wait until ready",
    }


@pytest.mark.full
def test_check_mode_looks_past_a_switch_of_security_in_both_directions(fresh: Site):
    fresh.run("--skip-tags", "verify", cdc_security=False).must_succeed()
    on = fresh.run("--check", "--diff", cdc_security=True).must_succeed()
    assert {"Kafka | Create the users", "Connectors | Capture"} <= {
        each.partition(" public.")[0] for each in changes(on)
    }
    # What does not change is asked, and found to be there.
    kept = ("Kafka | Reconcile", "Postgresql |", "Schema registry |")
    assert not [name for name in changes(on) if name.startswith(kept)]
    fresh.run("--skip-tags", "verify", cdc_security=True).must_succeed()
    off = fresh.run("--check", "--diff", cdc_security=False).must_succeed()
    assert not [name for name in changes(off) if name.startswith(("Kafka |", "Postgresql |", "Schema registry |"))]
    for run in (on, off):
        assert "Nothing is verified, because these do not run as stated yet: archive" in run.output
    assert changes(fresh.run("--check", "--diff", cdc_security=True).must_succeed()) == []
