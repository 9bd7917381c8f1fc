# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waiting for a whole instance."""

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import DeadlineError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.layout import parse_instance
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.settle import wait_all_ready


@pytest.fixture
def instance(tmp_path):
    return parse_instance({"name": "local", "home": str(tmp_path), "user": "nobody"})


def row(name: str, ready: bool) -> dict:
    return {
        "name": name,
        "ready": ready,
        "state": "RUNNING",
        "detail": "" if ready else "refused",
        "log": f"/{name}.log",
    }


def test_it_ends_when_the_last_one_is_ready(instance):
    looks = [[row("a-0", False), row("b-0", True)], [row("a-0", True), row("b-0", True)]]
    wait_all_ready(instance, 10, look=lambda _: (True, looks.pop(0)))
    assert looks == []


def test_without_replicas_there_is_nothing_to_wait_for(instance):
    wait_all_ready(instance, 10, look=lambda _: (True, []))


def test_it_names_what_is_late_and_why(instance):
    with pytest.raises(DeadlineError) as caught:
        wait_all_ready(instance, 0.2, look=lambda _: (True, [row("a-0", False), row("b-0", True)]))
    assert "a-0 of the instance local not ready" in str(caught.value)
    assert caught.value.why == "a-0 (RUNNING): refused"


def test_a_job_is_not_waited_for(instance):
    wait_all_ready(instance, 10, look=lambda _: (True, [{**row("a-0", False), "kind": "job"}]))
