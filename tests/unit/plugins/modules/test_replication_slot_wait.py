# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Decisions alone; tests/integration/modules has the module on a real server."""

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql import slot_wait
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

NOWHERE = {"login_host": "127.0.0.1", "login_port": 1, "login_db": "d"}


@pytest.mark.parametrize(
    ("version", "new", "must"),
    [
        (150012, False, True),
        (150013, False, False),
        (140017, False, True),
        (180000, False, False),
        (150013, True, True),
    ],
)
def test_when_the_slot_has_to_be_past_the_change(version, new, must):
    assert slot_wait.must_pass(version, new) is must


OPEN = {"xid": "7", "pid": 1, "gid": None, "user": "app", "database": "shop", "application": "psql"}


def test_transactions_that_began_since_are_not_waited_for():
    running = [OPEN, {**OPEN, "xid": "9", "pid": 2}]
    assert slot_wait.left(["7", "8"], running) == [OPEN]
    assert slot_wait.left([], running) == []


def test_one_with_subtransactions_is_named_once():
    assert slot_wait.left(["7", "8"], [OPEN, {**OPEN, "xid": "8"}]) == [OPEN]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"age": 7260.0, "query_age": 61.0},
            "process 1 of app (psql) in shop, open for 2 h, its last statement began 61 s ago; SELECT"
            " pg_terminate_backend(1) ends it",
        ),
        (
            {"age": None, "query_age": None, "application": ""},
            "process 1 of app in shop, since when, members of pg_monitor see; SELECT pg_terminate_backend(1) ends it",
        ),
        (
            {"pid": None, "gid": "x", "age": 600.0, "query_age": None},
            "prepared transaction x of app in shop, open for 10 min; COMMIT PREPARED or ROLLBACK PREPARED it there",
        ),
    ],
)
def test_who_has_it_open(changed, expected):
    assert slot_wait.named({**OPEN, **changed}) == expected


def test_check_mode_does_not_wait(run_module):
    assert run_module("replication_slot_wait", check=True, **NOWHERE, slot="s")["changed"] is False


def test_a_server_that_is_not_there_is_named(run_module):
    with pytest.raises(ModuleFailed, match="refuses the pipeline's login"):
        run_module("replication_slot_wait", **NOWHERE, slot="s")
