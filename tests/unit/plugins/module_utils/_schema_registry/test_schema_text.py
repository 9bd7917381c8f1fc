# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError
from ansible_collections.cdc.pipeline.plugins.module_utils._schema_registry.schema_text import same_meaning, to_text

RECORD = {"type": "record", "name": "R", "namespace": "n", "fields": [{"name": "a", "type": "int"}]}


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ({"type": "string"}, "string", "AVRO"),
        (RECORD, {**RECORD, "name": "n.R", "namespace": ""}, "AVRO"),
        (RECORD, {**RECORD, "fields": [{"type": {"type": "int"}, "name": "a"}]}, "AVRO"),
        ({"required": ["a", "b"]}, {"required": ["b", "a"]}, "JSON"),
    ],
)
def test_the_same_said_otherwise(one, other, kind):
    assert same_meaning(json.dumps(one), json.dumps(other), kind)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("int", "long", "AVRO"),
        (RECORD, {**RECORD, "doc": "what it is"}, "AVRO"),
        (RECORD, {**RECORD, "namespace": "m"}, "AVRO"),
        (RECORD, {**RECORD, "fields": [{"name": "a", "type": "int", "default": 0}]}, "AVRO"),
        (["null", "int"], ["int", "null"], "AVRO"),
        ({"items": [1, 2]}, {"items": [2, 1]}, "JSON"),
    ],
)
def test_what_is_a_difference(one, other, kind):
    assert not same_meaning(json.dumps(one), json.dumps(other), kind)


def test_protobuf_ignores_comments_and_spaces_but_not_strings():
    assert same_meaning("message M { int32 a = 1; } // x", "message M{\n  int32 a=1; /* y */\n}", "PROTOBUF")
    assert not same_meaning('option a = "x // y";', 'option a = "x";', "PROTOBUF")
    assert not same_meaning("int32 a = 1;", "int64 a = 1;", "PROTOBUF")


def test_text_of_a_structure():
    assert json.loads(to_text(RECORD, "AVRO")) == RECORD
    assert to_text("syntax = 'proto3';", "PROTOBUF") == "syntax = 'proto3';"
    with pytest.raises(InvalidError, match="not an Avro schema"):
        to_text({"type": "record", "fields": []}, "AVRO")
    with pytest.raises(InvalidError, match="not a JSON schema"):
        to_text("{", "JSON")
