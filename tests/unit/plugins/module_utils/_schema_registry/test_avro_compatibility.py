# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._schema_registry.avro_compatibility import breaks


def record(*fields, name="R", **more):
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


def found(new, old, level="BACKWARD"):
    return breaks(json.dumps(new), json.dumps(old), level)


ID = field("id", "long")
ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
LESS = {**ENUM, "symbols": ["A"]}


@pytest.mark.parametrize(
    ("new", "old", "level"),
    [
        (record(ID), record(ID), "FULL"),
        (record(ID, field("a", "int", default=0)), record(ID), "FULL"),
        (record(ID), record(ID, field("a", "int")), "BACKWARD"),
        (record(ID, field("a", "int")), record(ID), "FORWARD"),
        (record(ID, field("a", "int")), record(ID), "NONE"),
        (record(field("id", "long")), record(field("id", "int")), "BACKWARD"),
        (record(field("id", "double")), record(field("id", "float")), "BACKWARD"),
        (record(field("id", ["null", "long"])), record(field("id", "long")), "BACKWARD"),
        (record(field("id", ["null", "string", "long"])), record(field("id", ["long", "null"])), "BACKWARD"),
        (record(field("id", ["null", "double"])), record(field("id", "int")), "BACKWARD"),
        (record(field("b", "string", aliases=["a"])), record(field("a", "string")), "BACKWARD"),
        (record(name="S", aliases=["R"]), record(), "BACKWARD"),
        (record(name="other.R"), record(name="some.R"), "BACKWARD"),
        (record(field("e", ENUM)), record(field("e", LESS)), "BACKWARD"),
        (record(field("e", {**LESS, "default": "A"})), record(field("e", ENUM)), "BACKWARD"),
        (record(field("e", "bytes")), record(field("e", "string")), "FULL"),
        (
            record(field("t", {"type": "long", "logicalType": "timestamp-micros"})),
            record(field("t", {"type": "long", "connect.name": "x"})),
            "FULL",
        ),
        # a record that holds itself
        (
            record(field("next", ["null", "R"], default=None)),
            record(field("next", ["null", "R"], default=None)),
            "FULL_TRANSITIVE",
        ),
    ],
)
def test_compatible_changes(new, old, level):
    assert found(new, old, level) == []


@pytest.mark.parametrize(
    ("new", "old", "level", "name", "change", "remedy"),
    [
        (record(ID, field("a", "int")), record(ID), "BACKWARD", "a", "added without a default", '"null", "int"'),
        (record(ID), record(ID, field("a", "int")), "FORWARD", "a", "field removed", "Keep it"),
        (record(field("id", "int")), record(ID), "BACKWARD", "id", "narrowed from long to int", "Keep long"),
        (record(field("id", "string")), record(ID), "BACKWARD", "id", "changed from long to string", "another name"),
        (record(ID), record(field("id", "int")), "FORWARD", "id", "changed from int to long", "Keep int"),
        (record(ID), record(field("id", ["null", "long"])), "BACKWARD", "id", "null to long", '"null", "long"'),
        (
            record(field("b", "string")),
            record(field("a", "string")),
            "BACKWARD",
            "b",
            "looks renamed",
            '"aliases": ["a"]',
        ),
        (record(field("e", LESS)), record(field("e", ENUM)), "BACKWARD", "e", "symbol B removed", "default"),
        (record(field("e", ENUM)), record(field("e", LESS)), "FORWARD", "e", "symbol B added", "default"),
        (record(name="S"), record(), "BACKWARD", "(schema)", "renamed from R to S", "aliases"),
        ("string", "long", "BACKWARD", "(schema)", "changed from long to string", "Keep long"),
        (
            record(field("f", {"type": "fixed", "name": "F", "size": 8})),
            record(field("f", {"type": "fixed", "name": "F", "size": 4})),
            "BACKWARD",
            "f",
            "F of 4 bytes to F of 8 bytes",
            "Keep",
        ),
        (
            record(field("l", {"type": "array", "items": record(field("x", "int"), name="I")})),
            record(field("l", {"type": "array", "items": record(name="I")})),
            "BACKWARD",
            "l[].x",
            "added without a default",
            "default",
        ),
        (
            record(field("m", {"type": "map", "values": "int"})),
            record(field("m", {"type": "map", "values": "string"})),
            "BACKWARD",
            "m{}",
            "changed from string to int",
            "Keep string",
        ),
        (
            record(field("u", ["null", record(field("x", "int"), name="I")])),
            record(field("u", ["null", record(name="I")])),
            "BACKWARD",
            "u.x",
            "added without a default",
            "default",
        ),
        (
            record(field("u", ["null", "string"])),
            record(field("u", ["null", "long"])),
            "BACKWARD",
            "u",
            "changed from long to [null, string]",
            "Keep long",
        ),
    ],
)
def test_each_break_names_its_field_and_remedy(new, old, level, name, change, remedy):
    (item,) = found(new, old, level)
    assert item.field == name
    assert change in item.change
    assert remedy in item.remedy


def test_all_breaks_are_listed():
    old = record(ID, field("a", "string"))
    new = record(field("id", "int"), field("b", "int"))
    assert [item.field for item in found(new, old, "FULL")] == ["id", "b", "a"]


def test_types_defined_in_an_enclosing_namespace_are_found():
    inner = record(ID, name="I")
    old = record(field("i", inner), field("j", "I"), namespace="n")
    new = record(field("i", {**inner, "namespace": "n"}), field("j", "n.I"), namespace="n")
    assert found(new, old, "FULL") == []
