# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._connect import debezium_offsets as offsets

TABLES = ["public.users", "public.Users", "public.users_old", "other.users"]
PROGRESS = {
    "incremental_snapshot_primary_key": "aced",
    "incremental_snapshot_maximum_key": "acee",
    "incremental_snapshot_total_rows": "9",
}


def asked(*tables):
    name = "incremental_snapshot_collections"
    return {
        name: json.dumps(
            [
                {f"{name}_id": table, f"{name}_additional_condition": None, f"{name}_surrogate_key": None}
                for table in tables
            ]
        )
    }


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (r"public\.users", ["public.users", "public.Users"]),
        (r"(?-i)public\.users", ["public.users"]),
        (r" (?-i)public\.Users , other\.users", ["public.Users", "other.users"]),
        (r"public\..*", ["public.users", "public.Users", "public.users_old"]),
        ("(?!)", []),
        ("", []),
        (None, TABLES),
    ],
)
def test_what_a_configuration_captures(patterns, found):
    config = {} if patterns is None else {"table.include.list": patterns}
    assert offsets.captured(config, TABLES) == found


@pytest.mark.parametrize(
    ("offset", "begins"),
    [
        (None, True),
        ({"lsn": 1}, False),
        ({"lsn": 1, "snapshot": "INITIAL"}, True),
        ({"lsn": 1, "snapshot": "INITIAL", "last_snapshot_record": False}, True),
        ({"lsn": 1, "snapshot": "INITIAL", "last_snapshot_record": True}, False),
    ],
)
def test_when_the_initial_snapshot_is_still_to_come(offset, begins):
    assert offsets.begins_with_snapshot(offset) is begins


def test_the_offset_of_one_server_among_others():
    own = {"partition": {"server": "t"}, "offset": {"lsn": 1}}
    other = {"partition": {"server": "u"}, "offset": {"lsn": 2}}
    assert offsets.offset_of([other, own], "t") == {"lsn": 1}
    assert offsets.offset_of([other], "t") is None
    assert offsets.offset_of([{**own, "offset": None}], "t") is None


def test_snapshots_are_added_to_the_offset():
    assert offsets.with_pending({"lsn": 1}, ["a.b", "a.c"]) == {"lsn": 1, **asked("a.b", "a.c")}


def test_what_is_in_progress_keeps_its_place():
    offset = {"lsn": 1, **asked("a.x", "a.y"), **PROGRESS}
    assert offsets.with_pending(offset, ["a.b"]) == {"lsn": 1, **asked("a.x", "a.y", "a.b"), **PROGRESS}
    assert offsets.with_pending(offset, ["a.y"]) == {"lsn": 1, **asked("a.x", "a.y"), **PROGRESS}


def test_a_table_that_comes_back_begins_at_its_first_row():
    offset = {"lsn": 1, **asked("a.x", "a.y"), **PROGRESS}
    assert offsets.with_pending(offset, ["a.x"]) == {"lsn": 1, **asked("a.y", "a.x")}


def test_what_is_pending():
    assert offsets.pending(None) == offsets.pending({"lsn": 1}) == []
    assert offsets.pending({"lsn": 1, **asked("a.x", "a.y")}) == ["a.x", "a.y"]
