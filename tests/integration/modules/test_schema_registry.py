# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._schema_registry.avro_compatibility import breaks
from signed_in import options_of

ID = {"name": "id", "type": "long"}
MAIL = {"name": "mail", "type": "string"}
ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}


def record(*fields, **more):
    return {"type": "record", "name": "R", "namespace": "test", "fields": list(fields), **more}


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


@pytest.fixture
def subject(registry, name):
    """The name of a subject, deleted in the end."""
    yield name
    registry(f"subjects/{name}", "DELETE")
    registry(f"subjects/{name}?permanent=true", "DELETE")


@pytest.fixture
def run(run_module, endpoints):
    """Run a module on the registry."""
    where = options_of(endpoints["schema_registry"], "writer")
    return lambda module, **options: run_module(module, **where, **options)


@pytest.fixture
def reconcile(run, subject):
    return lambda **options: run("schema_registry_subject", subject=subject, **options)


def test_registers_once(reconcile, registry, subject):
    checked = reconcile(check=True, schema=record(ID))
    assert checked["changed"]
    assert registry(f"subjects/{subject}/versions") is None
    created = reconcile(schema=record(ID))
    assert created["changed"]
    assert created["diff"] == checked["diff"]
    latest = registry(f"subjects/{subject}/versions/latest")
    assert json.loads(latest["schema"]) == record(ID)
    assert created["subject"]["id"] == latest["id"]
    assert not reconcile(schema=json.dumps(record(ID), indent=3))["changed"]


def test_new_versions_and_the_mending_of_a_break(reconcile, registry, subject):
    reconcile(schema=record(ID, MAIL), compatibility="BACKWARD")
    renamed = record(ID, field("email", "string"), field("age", "int"))
    for check in (True, False):
        refused = reconcile(check=check, schema=renamed)
        assert refused["failed"]
        assert [item["field"] for item in refused["breaks"]] == ["email", "age"]
    assert registry(f"subjects/{subject}/versions") == [1]
    # as the remedies say
    mended = record(ID, field("email", "string", aliases=["mail"]), field("age", ["null", "int"], default=None))
    assert reconcile(check=True, schema=mended)["changed"]
    assert registry(f"subjects/{subject}/versions") == [1]
    assert reconcile(schema=mended)["subject"]["version"] == 2
    assert not reconcile(schema=mended)["changed"]
    assert not reconcile(schema=record(ID, MAIL))["changed"]


def test_the_level_and_the_schema_together(reconcile, registry, subject):
    reconcile(schema=record(ID, MAIL), compatibility="FULL")
    assert registry(f"config/{subject}")["compatibilityLevel"] == "FULL"
    assert reconcile(schema=record(field("id", "string")), compatibility="NONE")["changed"]
    assert registry(f"config/{subject}")["compatibilityLevel"] == "NONE"
    assert not reconcile(schema=record(field("id", "string")), compatibility="NONE")["changed"]


def test_deletes_once(reconcile, registry, subject):
    reconcile(schema=record(ID))
    assert reconcile(check=True, state="absent")["changed"]
    assert registry(f"subjects/{subject}/versions") == [1]
    assert reconcile(state="absent")["changed"]
    assert registry(f"subjects/{subject}/versions") is None
    assert subject in registry("subjects?deleted=true")
    assert not reconcile(state="absent")["changed"]
    assert reconcile(state="absent", permanent=True)["changed"]
    assert subject not in registry("subjects?deleted=true")
    assert not reconcile(state="absent", permanent=True)["changed"]


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        (
            "PROTOBUF",
            'syntax = "proto3"; message M { string a = 1; }',
            'syntax = "proto3";\n// more\nmessage M { string a = 1; string b = 2; }',
        ),
        ("JSON", {"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {}}),
    ],
)
def test_other_types(reconcile, subject, registry, kind, first, second):
    assert reconcile(schema=first, schema_type=kind, compatibility="NONE")["changed"]
    assert registry(f"subjects/{subject}/versions/latest")["schemaType"] == kind
    assert not reconcile(schema=first, schema_type=kind)["changed"]
    assert reconcile(schema=second, schema_type=kind)["subject"]["version"] == 2


def test_info(run, reconcile, subject):
    reconcile(schema=record(ID))
    reconcile(schema=record(ID, field("a", "int", default=1)))
    shown = run("schema_registry_subject_info", subject=subject, all_versions=True)
    assert [old["version"] for old in shown["subjects"][0]["history"]] == [1, 2]
    assert subject in [item["subject"] for item in run("schema_registry_subject_info")["subjects"]]
    assert run("schema_registry_subject_info", subject=subject + "x")["subjects"] == []


# Apicurio leaves NONE where it is when it is asked to take a subject's level away.
@pytest.mark.parametrize("other", ["FULL", "NONE"])
def test_levels(run, reconcile, registry, subject, other):
    reconcile(schema=record(ID))
    whole = registry("config")["compatibilityLevel"]
    module = "schema_registry_compatibility"
    own = registry(f"config/{subject}")
    assert not run(module, level=whole)["changed"]
    assert run(module, check=True, level=other)["changed"]
    assert run(module, check=True, subject=subject, level=other)["changed"]
    assert registry("config")["compatibilityLevel"] == whole
    assert registry(f"config/{subject}") == own
    assert run(module, subject=subject, level=other)["changed"]
    assert registry(f"config/{subject}")["compatibilityLevel"] == other
    assert not run(module, subject=subject, level=other)["changed"]
    assert run(module, subject=subject, state="absent")["changed"]
    assert registry(f"config/{subject}?defaultToGlobal=true")["compatibilityLevel"] == whole
    assert not run(module, subject=subject, state="absent")["changed"]


def test_rights(run_module, endpoints, subject):
    reader = options_of(endpoints["schema_registry"], "reader")
    refused = run_module("schema_registry_subject", **reader, subject=subject, schema=record())
    assert "lacks the right" in refused["msg"]
    refused = run_module("schema_registry_subject_info", **{**reader, "password": "hunter2-hunter2"})
    assert "check the options username and password" in refused["msg"]
    assert "hunter2" not in refused["stdout"]


@pytest.mark.parametrize("level", ["BACKWARD", "FORWARD", "FULL"])
@pytest.mark.parametrize(
    ("new", "old"),
    [
        (record(ID), record(ID, MAIL)),
        (record(ID, MAIL), record(ID)),
        (record(ID, field("a", "int", default=0)), record(ID)),
        (record(field("id", "int")), record(ID)),
        (record(ID), record(field("id", "int"))),
        (record(field("id", "string")), record(ID)),
        (record(field("id", ["null", "long"])), record(ID)),
        (record(ID), record(field("id", ["null", "long"]))),
        (record(field("e", ENUM)), record(field("e", {**ENUM, "symbols": ["A"]}))),
        (record(field("e", {**ENUM, "symbols": ["A"]})), record(field("e", ENUM))),
        (record(field("e", {**ENUM, "symbols": ["A"], "default": "A"})), record(field("e", ENUM))),
        (record(field("email", "string", aliases=["mail"])), record(MAIL)),
        (record(field("m", {"type": "map", "values": "int"})), record(field("m", {"type": "map", "values": "long"}))),
        (record(field("l", {"type": "array", "items": "long"})), record(field("l", {"type": "array", "items": "int"}))),
        (record(field("b", "bytes")), record(field("b", "string"))),
    ],
)
def test_the_diagnosis_agrees_with_the_registry(registry, subject, new, old, level):
    """What the module calls a break is what the registry refuses, and nothing else."""
    registry(f"subjects/{subject}/versions", "POST", {"schema": json.dumps(old)})
    registry(f"config/{subject}", "PUT", {"compatibility": level})
    path = f"compatibility/subjects/{subject}/versions/latest"
    accepted = registry(path, "POST", {"schema": json.dumps(new)})["is_compatible"]
    found = breaks(json.dumps(new), json.dumps(old), level)
    assert accepted == (not found), [str(item) for item in found]
