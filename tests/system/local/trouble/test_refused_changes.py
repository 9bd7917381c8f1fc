# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Changes that a component refuses: everything wrong is named, and what was there stays."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from signed_in import options_of, signed_in
from site_runs import Site


def get(where: dict[str, Any], path: str) -> Any:
    """The JSON at an endpoint's path."""
    with signed_in(where) as client:
        return client.get(path).raise_for_status().json()


def test_connector_settings_that_do_not_exist_or_fit(running: Site):
    where, path = running.endpoints()["kafka_connect"], "/connectors/postgres-cdc/config"
    before = get(where, path)
    run = running.run(
        "--tags",
        "connectors",
        connectors_settings_extra={
            "snapshot.mode": "sometimes",
            "decimal.handling.mode": "guess",
            "tasks.max": "many",
            "slot.nam": "other",
        },
    )
    run.must_fail_with("snapshot.mode", "decimal.handling.mode", "tasks.max", "slot.nam", "slot.name")
    assert get(where, path) == before


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"shared_buffers": "banana"}, 'invalid value for parameter "shared_buffers": "banana"'),
        pytest.param(
            {"shard_buffers": "16MB"}, 'unrecognized configuration parameter "shard_buffers"', marks=pytest.mark.full
        ),
    ],
)
def test_settings_that_postgresql_does_not_take(running: Site, setting: dict[str, str], words: str):
    file = running.home / "postgresql-0/config/postgresql.conf"
    before, text = running.processes()["postgresql-0"], file.read_text()
    for arguments in (["--check"], []):
        run = running.run("--tags", "postgresql", *arguments, postgresql_settings_extra=setting)
        run.must_fail_with(words, "nothing has been changed")
    assert running.processes()["postgresql-0"] == before and file.read_text() == text


def test_a_schema_that_breaks_backward(running: Site, tmp_path):
    registry = running.endpoints()["schema_registry"]
    subject = f"trouble-{uuid.uuid4().hex[:6]}"
    first = {"type": "record", "name": "User", "fields": [{"name": "id", "type": "long"}]}
    second = {**first, "fields": [*first["fields"], {"name": "country", "type": "string"}]}
    task = {**options_of(registry, "writer"), "subject": subject}
    play = tmp_path / "schemas.yml"

    def register(schema: dict[str, Any] | None) -> str:
        stated = {"state": "absent", "permanent": True} if schema is None else {"schema": schema}
        play.write_text(
            json.dumps(
                [
                    {
                        "hosts": "cdc",
                        "gather_facts": False,
                        "tasks": [{"name": "Schema", "cdc.pipeline.schema_registry_subject": {**task, **stated}}],
                    }
                ]
            )
        )
        return str(play)

    running.run(playbook=register(first)).must_succeed()
    try:
        run = running.run(playbook=register(second))
        run.must_fail_with("country", "default")
        versions = get(registry, f"/subjects/{subject}/versions")
        assert len(versions) == 1
        assert registry["writer"]["password"] not in run.output
    finally:
        running.run(playbook=register(None))
