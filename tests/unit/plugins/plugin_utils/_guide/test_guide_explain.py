# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import FailedError
from ansible_collections.cdc.pipeline.plugins.module_utils._problem import PreflightError, Problem
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.commands import Commands
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.explain import explain


def test_an_error_of_the_collection():
    error = FailedError(
        "kafka-0 keeps ending", where="/log", why="its last lines are\n  one\n  two", remedy="make room"
    )
    result = {"msg": error.message, "invocation": {"module_args": {"workload": {"name": "kafka"}}}}
    found = explain(result, "workload")
    assert found.cause == "kafka-0 keeps ending"
    assert found.evidence == ["at /log", "its last lines are", "one", "two"]
    assert (found.next, found.component) == ("make room", "kafka")


def test_a_list_of_problems_is_not_printed_twice():
    error = PreflightError("this host", [Problem("port", "Port 1 is taken", "pid 7", "kill 7")])
    found = explain({"msg": error.message}, "preflight")
    assert found.cause == "1 problem with this host; nothing has been changed"
    assert found.evidence == []
    assert found.next.startswith("fix what is listed above")


def test_a_command_that_failed_shows_its_last_words():
    result = {
        "msg": "non-zero return code",
        "stderr": "\n".join(f"line {number}" for number in range(100)),
        "stdout": "x",
    }
    found = explain(result, "kafka_connect")
    assert found.evidence[0] == "line 0"
    assert found.evidence[-1] == "line 99"
    assert len(found.evidence) == 8
    assert found.next.startswith("make logs COMPONENT=kafka-connect")


def test_the_connectors_run_in_kafka_connect():
    assert explain({"msg": "x"}, "connectors").component == "kafka-connect"


def test_a_loop_shows_its_first_failed_item():
    result = {"msg": "One or more items failed", "results": [{"msg": "fine"}, {"failed": True, "msg": "broken"}]}
    assert explain(result, "").cause == "broken"


def test_what_was_censored_stays_so():
    found = explain({"censored": "the output has been hidden"}, "postgresql")
    assert found.cause == "the output has been hidden"


@pytest.mark.parametrize(
    "said",
    ["Missing sudo password", "error occurred on host vm: sudo password is required", "sudo password is incorrect"],
)
def test_a_missing_sudo_password(said):
    assert "ARGS=-K" in explain({"msg": f"Task failed: {said}"}, "preflight").next


def test_long_lines_are_cut():
    assert len(explain({"msg": "x", "stderr": "y" * 1000}, "").evidence[0]) == 160


def test_a_result_without_anything():
    assert explain({}, "").cause == "the task failed without a message"


def test_the_next_command_leads_to_the_inventory_in_use():
    """`make destroy`, typed as it stands, would otherwise remove the local instance."""
    kind = Commands("make INVENTORY=kind {}")
    assert explain({"msg": "x"}, "verify", commands=kind).next == (
        "make INVENTORY=kind status; fix what the failed checks name, then make INVENTORY=kind verify"
    )
    error = FailedError("x", remedy="see the logs, such as `make logs`, make room and run again")
    assert explain({"msg": error.message}, "kafka", commands=kind).next == (
        "see the logs, such as `make INVENTORY=kind logs`, make room and run again"
    )


def test_without_a_makefile_the_next_command_is_a_playbook_or_cdc():
    installed = Commands("ansible-playbook -i hosts.yml cdc.pipeline.{}", "/home/bin/cdc")
    assert explain({"msg": "x"}, "verify", commands=installed).next == (
        "/home/bin/cdc status; fix what the failed checks name, then ansible-playbook -i hosts.yml cdc.pipeline.verify"
    )
    assert "/home/bin/cdc logs kafka, and /home/bin/cdc status;" in explain({}, "kafka", commands=installed).next
    assert explain({"msg": "Missing sudo password"}, "", commands=installed).next == (
        "sudo asks for a password: ansible-playbook -i hosts.yml cdc.pipeline.site -K"
    )
    assert installed.spoken("`make load-test`, make room") == (
        "`ansible-playbook -i hosts.yml cdc.pipeline.load_test`, make room"
    )
