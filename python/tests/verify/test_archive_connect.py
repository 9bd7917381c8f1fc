"""How the tables of the engine connect are read and judged, without servers."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from types import SimpleNamespace

import fastavro
import pytest
from cdc_pipeline.verify.avro_events import Event
from cdc_pipeline.verify.checks.archive_connect import fewer, judge_dead_letter, judge_layout, judge_values, same
from cdc_pipeline.verify.iceberg import DataFile, data_files, key_in, table_folder, table_of_topic

FOLDER = "iceberg/postgres/public/users"
PARTITION = {"year": "2026", "month": "01", "day": "02", "hour": "03"}
KEY = f"{FOLDER}/data/year=2026/month=01/day=02/hour=03/a.parquet"
MANIFEST_LIST = {
    "type": "record",
    "name": "manifest_file",
    "fields": [{"name": "manifest_path", "type": "string"}],
}
MANIFEST = {
    "type": "record",
    "name": "manifest_entry",
    "fields": [
        {"name": "status", "type": "int"},
        {
            "name": "data_file",
            "type": {
                "type": "record",
                "name": "r2",
                "fields": [
                    {"name": "content", "type": "int"},
                    {"name": "file_path", "type": "string"},
                    {
                        "name": "partition",
                        "type": {"type": "record", "name": "r102", "fields": [{"name": "hour", "type": "string"}]},
                    },
                    {"name": "record_count", "type": "long"},
                ],
            },
        },
    ],
}


def avro(schema, records):
    body = io.BytesIO()
    fastavro.writer(body, fastavro.parse_schema(schema), records)
    return body.getvalue()


def entry(path, status=1, content=0):
    return {
        "status": status,
        "data_file": {"content": content, "file_path": path, "partition": {"hour": "03"}, "record_count": 7},
    }


def test_a_table_that_is_not_wholly_archived_is_named_with_what_it_has():
    there = {"postgres.public.users": 7, "postgres.public.orders": 1, "postgres.public.empty": 0}
    files = {"postgres.public.users": [DataFile("a", 3, {}), DataFile("b", 4, {})], "postgres.public.orders": []}
    assert fewer(there, files) == {"public.orders": "1 rows, 0 archived"}
    assert fewer(there | {"postgres.public.users": 8}, files)["public.users"] == "8 rows, 7 archived"


def test_only_data_files_of_the_current_snapshot_count():
    objects = {
        "meta": json.dumps(
            {
                "current-snapshot-id": 2,
                "snapshots": [
                    {"snapshot-id": 1, "manifest-list": "former"},
                    {"snapshot-id": 2, "manifest-list": "current"},
                ],
            }
        ).encode(),
        "current": avro(MANIFEST_LIST, [{"manifest_path": "m"}]),
        "m": avro(MANIFEST, [entry("added"), entry("kept", 0), entry("removed", 2), entry("deletes", 1, 1)]),
    }
    found = list(data_files("meta", objects.__getitem__))
    assert [file.location for file in found] == ["added", "kept"]
    assert found[0] == DataFile("added", 7, {"hour": "03"})


def test_a_table_without_a_commit_has_no_files():
    assert list(data_files("meta", lambda _: b'{"current-snapshot-id": -1}')) == []


def test_names_of_tables_and_keys():
    assert table_of_topic("postgres.public.Users") == ("postgres.public", "users")
    assert table_folder("iceberg", "postgres.public.users") == FOLDER
    assert key_in("s3://bucket/a/b", "bucket") == "a/b"
    for elsewhere in ("s3://other/a", "file:///bucket/a", "s3://bucket/"):
        with pytest.raises(ValueError, match="is not in the bucket"):
            key_in(elsewhere, "bucket")


@pytest.mark.parametrize(
    ("key", "partition", "good"),
    [
        (KEY, PARTITION, True),
        (KEY, PARTITION | {"hour": "04"}, False),
        (KEY.replace("users", "orders"), PARTITION, False),
        (f"{FOLDER}/data/a.parquet", {}, False),
        (KEY.replace("month=01", "month=1"), PARTITION | {"month": "1"}, False),
    ],
)
def test_a_data_file_lies_in_the_folder_of_its_hour(key, partition, good):
    files = {"postgres.public.users": [DataFile(f"s3://b/{key}", 1, partition)]}
    assert judge_layout(files, "b", "iceberg").ok is good


def test_no_data_file_at_all_is_no_layout():
    assert not judge_layout({"postgres.public.users": []}, "b", "iceberg").ok


@pytest.mark.parametrize(
    ("event", "row", "good"),
    [
        (Decimal("1E+2"), "100.00", True),
        (Decimal("1.50"), Decimal("1.5"), True),
        (float("nan"), float("nan"), True),
        (float("nan"), 0.0, False),
        ({"scale": 2, "value": b"\x01"}, {"scale": 2, "value": b"\x01"}, True),
        ({"scale": 2, "value": b"\x01"}, {"scale": 3, "value": b"\x01"}, False),
        ([1, None], [1, None], True),
        ({"a": "NaN", "b": None}, [{"key": "b", "value": None}, {"key": "a", "value": "NaN"}], True),
        ({"a": {"bytes": 9}}, [{"key": "a", "value": {"bytes": 8}}], False),
        ({"a": "x", "b": "y"}, [{"key": "a", "value": "x"}, {"key": "a", "value": "x"}], False),
        ({}, [], True),
        ([1], [1, 2], False),
        (None, None, True),
        (None, "", False),
        (1, True, False),
        ("a", "a", True),
    ],
)
def test_values_of_an_event_and_a_row(event, row, good):
    assert same(event, row) is good


def test_every_field_of_every_event_is_compared():
    event = Event("t", 0, 5, 0, {"id": 1, "name": "a"})
    row = {"__partition": 0, "__offset": 5, "id": 1, "name": "a"}
    assert judge_values([event], [row]).ok
    assert "name: Kafka has 'a', Iceberg 'b'" in judge_values([event], [row | {"name": "b"}]).found
    assert "name: no such column" in judge_values([event], [{"__partition": 0, "__offset": 5, "id": 1}]).found
    assert not judge_values([event], []).ok


def test_a_dead_letter_says_whence_and_why():
    headers = [
        ("__connect.errors.topic", b"t"),
        ("__connect.errors.connector.name", b"c"),
        ("__connect.errors.exception.class.name", b"SerializationException"),
    ]
    assert judge_dead_letter(SimpleNamespace(headers=lambda: headers), "t", "c").ok
    assert not judge_dead_letter(SimpleNamespace(headers=lambda: headers[:2]), "t", "c").ok
    assert not judge_dead_letter(SimpleNamespace(headers=lambda: None), "t", "c").ok
    assert not judge_dead_letter(None, "t", "c").ok
