# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Decisions alone; tests/integration/modules has the module on a real server."""

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils import _slot_wait
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
    assert _slot_wait.must_pass(version, new) is must


def test_transactions_that_began_since_are_not_waited_for():
    running = [{"xid": "7", "who": "process 1"}, {"xid": "9", "who": "process 2"}]
    assert _slot_wait.left(["7", "8"], running) == ["process 1"]
    assert _slot_wait.left([], running) == []


def test_check_mode_does_not_wait(run_module):
    assert run_module("replication_slot_wait", check=True, **NOWHERE, slot="s")["changed"] is False


def test_a_server_that_is_not_there_is_named(run_module):
    with pytest.raises(ModuleFailed, match="does not let the pipeline in"):
        run_module("replication_slot_wait", **NOWHERE, slot="s")
