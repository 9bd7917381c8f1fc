# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

SCHEMA = {"type": "record", "name": "U", "fields": []}


def test_all_subjects(run_module, registry):
    registry.add("b", SCHEMA)
    registry.add("b", {**SCHEMA, "doc": "2"})
    registry.add("a", 'syntax = "proto3";', schemaType="PROTOBUF")
    registry.levels["a"] = "NONE"
    result = run_module("schema_registry_subject_info", url=registry.url)
    assert not result["changed"]
    assert result["global_compatibility"] == "BACKWARD"
    first, second = result["subjects"]
    assert (first["subject"], first["schema"], first["compatibility"]) == ("a", 'syntax = "proto3";', "NONE")
    assert (second["version"], second["versions"], second["schema"]["doc"]) == (2, [1, 2], "2")
    assert "compatibility" not in second
    assert registry.writes() == []


def test_one_subject_with_history(run_module, registry):
    registry.add("a", SCHEMA)
    registry.add("a", {**SCHEMA, "doc": "2"})
    result = run_module("schema_registry_subject_info", url=registry.url, subject="a", all_versions=True)
    assert [old["version"] for old in result["subjects"][0]["history"]] == [1, 2]


def test_no_such_subject_is_an_empty_list(run_module, registry):
    assert run_module("schema_registry_subject_info", url=registry.url, subject="nope")["subjects"] == []
