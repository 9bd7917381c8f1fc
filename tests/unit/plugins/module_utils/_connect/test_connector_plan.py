# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._connect.client import Connector, Task
from ansible_collections.cdc.pipeline.plugins.module_utils._connect.connector import root_cause
from ansible_collections.cdc.pipeline.plugins.module_utils._connect.connector_plan import (
    Step,
    Verdict,
    Wanted,
    judge,
    plan,
)


def connector(state="RUNNING", *tasks, config=None):
    return Connector("c", config or {"a": "1"}, state, tasks=tuple(Task(n, s) for n, s in enumerate(tasks)))


@pytest.mark.parametrize(
    ("current", "wanted", "steps"),
    [
        (None, Wanted("c", "absent"), []),
        (connector(), Wanted("c", "absent"), [Step.DELETE]),
        (None, Wanted("c", "running", {"a": "1"}), [Step.CREATE]),
        (connector(), Wanted("c", "running", {"a": "1"}), []),
        (connector(), Wanted("c", "running", {}), [Step.UPDATE]),
        (connector("PAUSED"), Wanted("c", "running", {"a": "2"}), [Step.UPDATE, Step.RESUME]),
        (connector("UNASSIGNED"), Wanted("c", "running"), []),
        (connector("FAILED"), Wanted("c", "running"), [Step.RESTART_FAILED]),
        (connector("FAILED"), Wanted("c", "running", restart_failed=False), []),
        (connector("RUNNING", "FAILED", "RUNNING"), Wanted("c", "running"), [Step.RESTART_FAILED]),
        (connector("RUNNING", "FAILED"), Wanted("c", "stopped"), [Step.STOP]),
    ],
)
def test_steps(current, wanted, steps):
    assert plan(current, wanted) == steps


@pytest.mark.parametrize(
    ("current", "state", "verdict"),
    [
        (None, "absent", Verdict.REACHED),
        (connector(), "absent", Verdict.PENDING),
        (None, "running", Verdict.PENDING),
        (connector("RUNNING", "RUNNING"), "running", Verdict.REACHED),
        (connector("RUNNING", "RUNNING", "UNASSIGNED"), "running", Verdict.PENDING),
        (connector("RUNNING"), "running", Verdict.IDLE),
        (connector("RUNNING", "FAILED", "UNASSIGNED"), "running", Verdict.FAILED),
        (connector("FAILED"), "running", Verdict.FAILED),
        (connector("PAUSED", "RUNNING"), "paused", Verdict.PENDING),
        (connector("PAUSED", "PAUSED", "FAILED"), "paused", Verdict.REACHED),
        (connector("STOPPED", "RUNNING"), "stopped", Verdict.PENDING),
        (connector("STOPPED"), "stopped", Verdict.REACHED),
    ],
)
def test_verdicts(current, state, verdict):
    assert judge(current, state) is verdict


def test_root_cause_is_the_innermost():
    assert root_cause("A: a\n\tat x\nCaused by: B: b\n\tat y\nCaused by: C: c\n\t... 3 more") == "C: c"
    assert root_cause("A: a\n\tat x") == "A: a"
    assert root_cause("") == ""
