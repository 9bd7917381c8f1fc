# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sentences alone; tests/integration/modules has the module on real servers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.slot_info import Slot, told
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

MIB = 1024**2
LEFT = Slot(False, "reserved", 3 * MIB, 1021 * MIB, 1024 * MIB, None)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {},
            "it retains 3 MiB of WAL there. max_slot_wal_keep_size is 1024 MiB: after 1021 MiB more of WAL",
        ),
        ({"limit_bytes": None, "safe_bytes": None}, "max_slot_wal_keep_size has no bound, so that WAL grows until"),
        ({"active": True}, "The slot s on db:5432 is read; it retains 3 MiB of WAL there"),
        ({"wal_status": "lost"}, "has lost its WAL"),
        ({"idle_timeout": "1d"}, "idle_replication_slot_timeout is 1d: after that it is also lost"),
        ({"safe_bytes": -5 * MIB}, "after 0 MiB more of WAL the slot is lost"),
    ],
)
def test_what_is_told_of_it(changed, expected):
    assert expected in told(replace(LEFT, **changed), "s", "db:5432")


def test_a_server_that_is_not_there_is_named(run_module):
    with pytest.raises(ModuleFailed, match="refuses the pipeline's login"):
        run_module("replication_slot_info", login_host="127.0.0.1", login_port=1, login_db="d", slot="s")
