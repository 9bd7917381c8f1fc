# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._connect.connector_validation import problems

DEBEZIUM = "io.debezium.connector.postgresql.PostgresConnector"


def answer(*names, errors=None):
    errors = errors or {}
    return {
        "configs": [
            {"definition": {"name": name}, "value": {"name": name, "errors": errors.get(name, [])}}
            for name in dict.fromkeys([*names, *errors])
        ]
    }


def fields(config, *names, plugin=DEBEZIUM, errors=None, allow=()):
    return [item["field"] for item in problems(answer(*names, errors=errors), config, plugin, allow)]


@pytest.mark.parametrize(
    "name",
    [
        "producer.override.acks",
        "key.converter.schemas.enable",
        "driver.socketTimeout",
        "signal.kafka.topic",
        "read.only",
        "snapshot.select.statement.overrides.public.users",
        "column.mask.with.5.chars",
        "topic.creation.default.partitions",
    ],
)
def test_what_debezium_and_connect_read_without_defining_it(name):
    assert fields({name: "x"}, "column.mask.with.(d+).chars") == []


@pytest.mark.parametrize("name", ["signal.kafka.topc", "database.hostnme", "drivers.x", "producer.acks", "tasksmax"])
def test_what_nobody_reads(name):
    assert fields({name: "x"}, "database.hostname") == [name]


def test_prefixes_of_one_plugin_are_not_those_of_another():
    assert fields({"driver.x": "1"}, plugin="org.example.Source") == ["driver.x"]
    assert fields({"iceberg.catalog.uri": "1"}, plugin="org.apache.iceberg.connect.IcebergSinkConnector") == []


def test_a_transform_that_is_not_found_hides_its_settings():
    config = {"transforms": "a", "transforms.a.type": "Nope", "transforms.a.x": "1"}
    names = ["transforms", "transforms.a.type"]
    assert fields(config, *names, errors={"transforms.a.type": ["Class Nope could not be found"]}) == [
        "transforms.a.type"
    ]


def test_a_transform_that_defines_nothing_may_have_anything():
    config = {"transforms": "a", "transforms.a.type": "T", "transforms.a.x": "1"}
    assert fields(config, "transforms", "transforms.a.type", "transforms.a.negate") == []


def test_custom_converters_and_creation_groups_have_aliases():
    config = {"converters": "isbn", "isbn.type": "C", "isbn.x": "1", "topic.creation.groups": "big"}
    config["topic.creation.big.partitions"] = "9"
    assert fields(config, "converters", "topic.creation.groups") == []


def test_missing_settings_and_patterns_to_allow():
    assert fields({"my.x": "1"}, errors={"topic.prefix": ["A value is required"]}, allow=["my.*"]) == ["topic.prefix"]


@pytest.mark.parametrize(("name", "value"), [("database.password", "x"), ("tasks.max", "1${file:/a/b:c}")])
def test_what_a_secret_or_a_reference_stands_for_is_not_told(name, value):
    errors = {name: ["Invalid value hunter2secret for configuration x: Not a number"]}
    (found,) = problems(answer(errors=errors), {name: value}, DEBEZIUM)
    assert found["problem"] == "Invalid value for configuration x: Not a number"
