"""The plan: defaults, and every problem named at once."""

from __future__ import annotations

import json

import pytest
from cdc_pipeline.instance.plan import Plan, parse_plan, read_plan
from cdc_pipeline.shape import ShapeError

ENDPOINTS = {
    "postgresql": {"host": "127.0.0.1", "port": 5432, "dbname": "shop", "user": "postgres", "password": "p"},
    "kafka": {"bootstrap_servers": "127.0.0.1:9092,127.0.0.1:9093"},
    "schema_registry": {
        "url": "http://127.0.0.1:30081/apis/ccompat/v7",
        "reader": {"username": "reader", "password": "r"},
        "writer": {"username": "writer", "password": "w"},
    },
    "kafka_connect": {"url": "http://127.0.0.1:30083"},
    "object_store": {"bucket": "b", "access_key_id": "k", "secret_access_key": "s"},
    "archive": {"url": "http://127.0.0.1:30095"},
}


def plan(**expected: object) -> Plan:
    return parse_plan({"endpoints": ENDPOINTS, "expected": expected})


def problems(data: object) -> list[str]:
    with pytest.raises(ShapeError) as caught:
        parse_plan(data)
    return caught.value.problems


def test_endpoints_are_enough() -> None:
    found = plan()
    assert found.expected.kafka.brokers == 3
    assert found.archived_topics[0] == "postgres.public.users"
    assert found.endpoints.kafka_connect.workers == ("http://127.0.0.1:30083",)


def test_settings_may_be_numbers_and_truth_values() -> None:
    found = plan(kafka={"settings": {"num.partitions": 6, "controlled.shutdown.enable": True}, "brokers": "3"})
    assert found.expected.kafka.settings == {"num.partitions": "6", "controlled.shutdown.enable": "true"}
    assert found.expected.kafka.brokers == 3


def test_every_problem_is_listed_with_its_place() -> None:
    found = problems(
        {
            "endpoints": {**ENDPOINTS, "archive": {}},
            "expected": {
                "kafka": {"broker": 3, "topics": [{"name": "t", "partitions": "many"}]},
                "connectors": {"tables": "users"},
            },
        }
    )
    assert "endpoints.archive.url is missing" in found
    assert "expected.kafka.broker is unknown; did you mean brokers?" in found
    assert "expected.kafka.topics[0].partitions must be an integer, not a string" in found
    assert "expected.connectors.tables must be a list, not a string" in found


def test_other_things_than_a_plan_are_refused() -> None:
    assert problems([]) == ["the document must be an object, not a list"]
    assert problems({"endpoints": ENDPOINTS, "runtime": "cloud"}) == ["runtime must be local or kubernetes, not cloud"]
    assert "public.users" in problems({"endpoints": ENDPOINTS, "expected": {"connectors": {"tables": ["users"]}}})[0]


def test_a_file_that_is_not_json_is_refused(tmp_path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("{")
    with pytest.raises(ShapeError, match="not JSON"):
        read_plan(path)
    path.write_text(json.dumps({"endpoints": ENDPOINTS}))
    assert read_plan(path).runtime == "local"


def test_the_topic_of_a_table_is_found_whatever_the_prefix() -> None:
    found = plan(archive={"topics": ["eu.shop.public.users", "eu.shop.public.pipeline_probe"]})
    assert found.topic("public.pipeline_probe") == "eu.shop.public.pipeline_probe"
    assert found.topic("public.other") == "postgres.public.other"


def test_secrets_are_not_shown() -> None:
    assert "password='p'" not in repr(plan().endpoints)
    assert "'s'" not in repr(plan().endpoints.object_store)
