# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How every module leaves: its result, its failure, and no secret of a workload in either."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.cdc.pipeline.plugins.module_utils._disk import Difference
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import FailedError
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.secrecy import without_secrets, workload_masker

WORKLOAD = {
    "name": "web",
    "command": ["serve", "--password", "secret-in-use"],
    "secrets": {"password": "secret-in-use"},
    "overrides": {"local": {"secrets": {"token": "secret-of-hosts"}}, "kubernetes": {"secrets": ["secret-misplaced"]}},
}


@pytest.fixture
def leave(capsys, monkeypatch):
    """What a module with the option `workload` leaves with, as text and as a map."""
    monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)

    def call(perform):
        options = {"workload": WORKLOAD, "_ansible_diff": True, "_ansible_no_log": False}
        with patch_module_args(options), pytest.raises(SystemExit):
            run({"workload": {"type": "dict"}}, perform, show=without_secrets, mask=workload_masker)
        text = capsys.readouterr().out
        return text, json.loads(text)

    return call


def test_a_result_has_the_differences_and_no_secret(leave):
    difference = Difference(Path("/x"), "password = secret-in-use\n", "password = secret-of-hosts\n")
    text, result = leave(lambda params, check: Outcome(True, facts={"a": 1}, differences=[difference]))
    assert result["changed"] and result["a"] == 1
    assert result["diff"][0]["before"] == "password = ********\n"
    assert result["invocation"]["module_args"]["workload"]["secrets"] == {"password": "********"}
    assert "secret-" not in text


def test_without_differences_there_is_no_diff(leave):
    assert "diff" not in leave(lambda params, check: Outcome(False))[1]


def test_a_failure_has_no_secret(leave):
    def perform(params, check):
        raise FailedError("It said secret-in-use", why="secret-misplaced", lines=["secret-of-hosts", {"more": "x"}])

    text, result = leave(perform)
    assert result["failed"] and result["msg"] == "It said ********\nWhy: ********"
    assert result["lines"] == ["********", {"more": "x"}]
    assert "secret-" not in text


def test_the_log_of_the_system_has_nothing(leave, monkeypatch):
    """Whatever a task says of no_log, which Ansible hands to each module."""
    logged = []
    monkeypatch.setattr("ansible.module_utils.basic.has_journal", False)
    monkeypatch.setattr("ansible.module_utils.basic.syslog.syslog", lambda *words: logged.append(words))
    leave(lambda params, check: Outcome(False))
    assert logged == []
