# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest

OLD = {"type": "record", "name": "U", "namespace": "n", "fields": [{"name": "id", "type": "long"}]}
NOTE = {"name": "note", "type": ["null", "string"], "default": None}
MAIL = {"name": "mail", "type": "string"}


def with_fields(*fields):
    return {**OLD, "fields": [*OLD["fields"], *fields]}


@pytest.fixture
def reconcile(run_module, registry):
    """Run the module on the subject `s` of the fake."""
    return lambda **options: run_module("schema_registry_subject", url=registry.url, subject="s", **options)


def registrations(registry):
    return [path for method, path in registry.writes() if path == "subjects/s/versions" or method != "POST"]


def test_registers_the_first_version(reconcile, registry):
    checked = reconcile(check=True, schema=OLD)
    assert checked["changed"]
    assert registry.subjects == {}
    result = reconcile(schema=OLD)
    assert result["subject"] == {"subject": "s", "state": "present", "schema_type": "AVRO", "version": 1, "id": 1}
    assert result["diff"] == checked["diff"]
    assert result["diff"]["after"]["schema"] == OLD


@pytest.mark.parametrize(
    "spelling",
    [
        json.dumps(OLD, indent=4),
        {"fields": [{"type": {"type": "long"}, "name": "id"}], "name": "n.U", "type": "record"},
    ],
)
def test_another_spelling_is_no_change(reconcile, registry, spelling):
    registry.add("s", OLD)
    result = reconcile(schema=spelling)
    assert (result["changed"], registrations(registry)) == (False, [])
    assert result["diff"]["before"] == result["diff"]["after"]


def test_a_compatible_change_is_a_new_version(reconcile, registry):
    registry.add("s", OLD)
    assert reconcile(check=True, schema=with_fields(NOTE))["changed"]
    assert registrations(registry) == []
    assert reconcile(schema=with_fields(NOTE))["subject"]["version"] == 2
    assert not reconcile(schema=with_fields(NOTE))["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_an_incompatible_change_names_field_and_remedy(reconcile, registry, check):
    registry.add("s", OLD)
    with pytest.raises(Exception, match=r"breaks the compatibility BACKWARD of the subject s") as failure:
        reconcile(check=check, schema=with_fields(MAIL))
    (broken,) = failure.value.result["breaks"]
    assert (broken["field"], broken["version"]) == ("mail", 1)
    assert '"default": null' in broken["remedy"]
    assert registrations(registry) == []


def test_the_registrys_own_words_are_kept(reconcile, registry):
    registry.explains = True
    registry.add("s", OLD)
    with pytest.raises(Exception, match="breaks the compatibility") as failure:
        reconcile(schema=with_fields(MAIL))
    assert failure.value.result["messages"] == ["mail lacks a default"]


def test_transitive_levels_look_at_every_version(reconcile, registry):
    registry.levels["s"] = "BACKWARD_TRANSITIVE"
    registry.add("s", with_fields(NOTE))
    registry.add("s", with_fields(NOTE, MAIL))
    with pytest.raises(Exception, match=r"mail: .*against version 1"):
        reconcile(schema=with_fields(MAIL, {**NOTE, "doc": "new"}))


def test_an_old_version_is_not_registered_again(reconcile, registry):
    registry.add("s", OLD)
    registry.add("s", with_fields(NOTE))
    result = reconcile(schema=OLD)
    assert (result["changed"], result["subject"]["version"]) == (False, 1)
    assert "the latest is version 2" in str(result["warnings"])


def test_the_level_is_set_before_the_schema(reconcile, registry):
    registry.add("s", OLD)
    result = reconcile(schema=with_fields(MAIL), compatibility="NONE")
    assert result["changed"]
    assert registrations(registry) == ["config/s", "subjects/s/versions"]
    assert result["diff"]["after"]["compatibility"] == "NONE"
    assert not reconcile(schema=with_fields(MAIL), compatibility="NONE")["changed"]


def test_a_stricter_level_is_tested_before_it_is_set(reconcile, registry):
    registry.add("s", with_fields(MAIL))
    with pytest.raises(Exception, match=r"compatibility FULL(.|\n)*mail: field removed"):
        reconcile(schema=OLD, compatibility="FULL")
    assert registrations(registry) == []


def test_the_level_is_put_back_when_the_schema_is_refused(reconcile, registry):
    registry.add("s", '{"type": "object"}', schemaType="JSON")
    registry.levels["s"] = "FULL"
    with pytest.raises(Exception, match="does not accept the schema"):
        reconcile(schema={"title": "rcord"}, schema_type="JSON", compatibility="BACKWARD")
    assert registry.levels["s"] == "FULL"


def test_the_level_of_a_new_subject(reconcile, registry):
    assert reconcile(schema=OLD, compatibility="FULL")["changed"]
    assert registry.levels["s"] == "FULL"


def test_what_is_no_schema_is_refused_without_asking(reconcile, registry):
    for schema in ("{", {"type": "record", "name": "U"}, {"fields": []}):
        with pytest.raises(Exception, match="not an Avro schema"):
            reconcile(schema=schema)
    assert registrations(registry) == []


def test_other_types_and_references(reconcile, registry):
    reference = {"name": "base.proto", "subject": "base", "version": 1}
    proto = 'syntax = "proto3"; // comment\nmessage M { string a = 1; }'
    result = reconcile(schema=proto, schema_type="PROTOBUF", references=[reference])
    assert result["subject"]["schema_type"] == "PROTOBUF"
    assert registry.subjects["s"][0]["references"] == [reference]
    again = 'syntax = "proto3";\n\nmessage M {\n  string a = 1; /* other */\n}'
    assert not reconcile(schema=again, schema_type="PROTOBUF", references=[reference])["changed"]


def test_deletes_only_when_asked_to_and_softly(reconcile, registry):
    registry.add("s", OLD)
    registry.add("other", OLD)
    assert reconcile(check=True, state="absent")["changed"]
    assert "s" in registry.subjects
    assert reconcile(state="absent")["changed"]
    assert (list(registry.subjects), registry.deleted) == (["other"], {"s"})
    assert not reconcile(state="absent")["changed"]


def test_deletes_for_good(reconcile, registry):
    registry.add("s", OLD)
    reconcile(state="absent")
    assert reconcile(state="absent", permanent=True)["changed"]
    assert registry.deleted == set()
    assert not reconcile(state="absent", permanent=True)["changed"]
    registry.add("s", OLD)
    reconcile(state="absent", permanent=True)
    assert (registry.subjects, registry.deleted) == ({}, set())


def test_the_password_goes_out_and_never_shows(run_module, registry):
    result = run_module(
        "schema_registry_subject", url=registry.url, subject="s", schema=OLD, username="w", password="hunter2-hunter2"
    )
    assert registry.calls[0].headers["Authorization"].startswith("Basic ")
    assert "hunter2" not in result["stdout"]
