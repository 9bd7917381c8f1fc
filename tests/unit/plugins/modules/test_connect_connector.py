# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.connect import PLUGIN, REBALANCING, STARTING
from ansible_collections.cdc.pipeline.tests.unit.fakes.http import Reply

CONFIG = {"connector.class": PLUGIN, "topic.prefix": "t", "tasks.max": 1}
SECRET = "hunter2-hunter2"


@pytest.fixture
def reconcile(run_module, connect):
    """Run the module on the connector `c` of the fake, without waits that a fake does not need."""

    def run(**options):
        defaults = {"url": connect.url, "name": "c", "settle_seconds": 0.0, "wait_timeout": 10}
        return run_module("connect_connector", **{**defaults, **options})

    return run


def config_writes(connect):
    return [path for method, path in connect.writes() if not path.endswith("validate")]


def test_creates_and_waits_until_the_task_runs(reconcile, connect):
    connect.slow = 3
    result = reconcile(config=CONFIG)
    assert result["steps"] == ["create"]
    assert result["connector"]["state"] == "running"
    assert [task["state"] for task in result["connector"]["tasks"]] == ["running"]
    assert connect.connectors["c"]["config"]["tasks.max"] == "1"


def test_check_mode_validates_and_writes_nothing(reconcile, connect):
    checked = reconcile(check=True, config=CONFIG)
    assert checked["changed"]
    assert config_writes(connect) == []
    assert connect.connectors == {}
    assert ("PUT", f"connector-plugins/{PLUGIN}/config/validate") in connect.writes()
    assert reconcile(config=CONFIG)["diff"] == checked["diff"]


def test_second_run_changes_nothing(reconcile, connect):
    reconcile(config=CONFIG)
    connect.calls.clear()
    result = reconcile(config=CONFIG)
    assert (result["changed"], result["steps"], connect.writes()) == (False, [], [])
    assert result["diff"]["before"] == result["diff"]["after"]


def test_values_are_compared_as_connect_keeps_them(reconcile, connect):
    connect.add("c", {"tasks.max": "1", "table.include.list": "a,b", "fail": "false"})
    config = {**CONFIG, "table.include.list": ["a", "b"], "fail": False, "poll.interval.ms": None}
    assert not reconcile(config=config)["changed"]


def test_a_removed_setting_is_a_difference(reconcile, connect):
    connect.add("c", {"tasks.max": "1", "poll.interval.ms": "9"})
    result = reconcile(config=CONFIG)
    assert result["steps"] == ["update"]
    assert "poll.interval.ms" not in connect.connectors["c"]["config"]
    assert "poll.interval.ms" not in result["diff"]["after"]["config"]


@pytest.mark.parametrize("check", [True, False])
def test_every_wrong_setting_is_listed_before_any_write(reconcile, connect, check):
    config = {
        "connector.class": PLUGIN,
        "tasks.max": "many",
        "topicprefix": "t",
        "transforms": "unwrap",
        "transforms.unwrap.type": "T",
        "transforms.unwrap.add.filds": "op",
        "transforms.other.type": "T",
        "producer.override.linger.ms": 5,
        "value.converter.schemas.enable": False,
        "column.truncate.to.20.chars": "a.b",
        "database.password": "rejected-secret",
    }
    with pytest.raises(Exception, match="wrong in 6 place") as failure:
        reconcile(check=check, config=config)
    problems = {item["field"]: item["remedy"] for item in failure.value.result["problems"]}
    assert set(problems) == {
        "database.password",
        "tasks.max",
        "topic.prefix",
        "topicprefix",
        "transforms.other.type",
        "transforms.unwrap.add.filds",
    }
    assert problems["topicprefix"] == 'did you mean "topic.prefix"?'
    assert problems["transforms.unwrap.add.filds"] == 'did you mean "transforms.unwrap.add.fields"?'
    assert "rejected-secret" not in failure.value.result["stdout"]
    assert config_writes(connect) == []


def test_unknown_settings_can_be_allowed(reconcile, connect):
    assert reconcile(config={**CONFIG, "my.client.x": 1}, allow_unknown=["my.client.*"])["changed"]


def test_an_unknown_plugin_is_named_with_the_nearest(reconcile, connect):
    with pytest.raises(
        Exception, match=r'no plugin org.example.ExampelSourceConnector(.|\n)*did you mean "org.example'
    ):
        reconcile(config={**CONFIG, "connector.class": "org.example.ExampelSourceConnector"})
    with pytest.raises(Exception, match="names no connector"):
        reconcile(config={"topic.prefix": "t"})


def test_a_plugin_may_be_named_by_its_alias(reconcile, connect):
    assert reconcile(config={**CONFIG, "connector.class": "ExampleSource"})["changed"]


def test_nested_settings_are_refused(reconcile, connect):
    with pytest.raises(Exception, match=r"Settings must be plain values(.|\n)*transforms"):
        reconcile(config={**CONFIG, "transforms": {"unwrap": {}}})


def test_a_name_of_another_connector_is_refused(reconcile, connect):
    with pytest.raises(Exception, match="that of another connector"):
        reconcile(config={**CONFIG, "name": "other"})


def test_a_missing_connector_needs_a_configuration(reconcile, connect):
    with pytest.raises(Exception, match="no configuration to create it with"):
        reconcile(state="paused")


@pytest.mark.parametrize("found", ["RUNNING", "PAUSED", "STOPPED"])
@pytest.mark.parametrize("wanted", ["running", "paused", "stopped"])
def test_every_state_leads_to_every_other(reconcile, connect, found, wanted):
    connect.add("c", {}, state=found)
    result = reconcile(state=wanted)
    assert result["changed"] == (found.lower() != wanted)
    assert result["connector"]["state"] == wanted
    assert not reconcile(state=wanted)["changed"]


@pytest.mark.parametrize("state", ["paused", "stopped"])
def test_created_without_ever_running(reconcile, connect, state):
    assert reconcile(config=CONFIG, state=state)["connector"]["state"] == state
    assert ("POST", "connectors") in connect.writes()


def test_deletes_only_when_asked_to(reconcile, connect):
    connect.add("c", {})
    connect.add("other", {})
    assert reconcile(check=True, state="absent")["changed"]
    assert "c" in connect.connectors
    assert reconcile(state="absent")["steps"] == ["delete"]
    assert list(connect.connectors) == ["other"]
    assert not reconcile(state="absent")["changed"]
    assert not any("offsets" in path for _method, path in connect.writes())


def test_a_failing_task_gives_its_root_cause_and_trace(reconcile, connect):
    with pytest.raises(Exception, match=r"fails: .*PSQLException: FATAL: no such slot") as failure:
        reconcile(config={**CONFIG, "fail": True})
    task = failure.value.result["failed_tasks"][0]
    assert (task["id"], task["worker_id"]) == (0, "w:1")
    assert "Task.java:1" in task["trace"]
    assert failure.value.result["changed"]


def test_failed_tasks_are_restarted(reconcile, connect):
    connect.add("c", {}, failed=True)
    result = reconcile(config={**CONFIG, "tasks.max": None})
    assert result["steps"] == ["restart_failed"]
    assert result["diff"]["before"]["state"] == "failed"
    assert not reconcile()["changed"]


def test_failed_tasks_stay_when_told_to(reconcile, connect):
    connect.add("c", {}, failed=True)
    with pytest.raises(Exception, match="no such slot"):
        reconcile(restart_failed_tasks=False)
    assert connect.writes() == []


def test_a_failed_task_is_restarted_with_the_new_configuration(reconcile, connect):
    connect.add("c", {"fail": "true"}, failed=True)
    assert reconcile(config=CONFIG)["steps"] == ["update", "restart_failed"]


def test_the_deadline_tells_what_is_missing(reconcile, connect):
    connect.slow = 10_000
    with pytest.raises(Exception, match=r"not running after 1 s(.|\n)*task 0 UNASSIGNED"):
        reconcile(config=CONFIG, wait_timeout=1)


def test_a_state_must_last(reconcile, connect):
    connect.slow = 0
    reconcile(config=CONFIG, settle_seconds=3)
    looks = [call for call in connect.calls if call.path[-1] == "status"]
    assert len(looks) > 2


def test_rebalances_and_restarts_of_the_worker_are_waited_out(reconcile, connect):
    connect.disturbances = [STARTING, REBALANCING, None, Reply(500, {"error_code": 500, "message": "timed out"})]
    assert reconcile(config=CONFIG)["changed"]
    assert connect.disturbances == []


def test_a_lasting_rebalance_ends_at_the_deadline(reconcile, connect):
    connect.add("c", {})
    connect.disturbances = [REBALANCING] * 1000
    with pytest.raises(Exception, match=r"HTTP 409.*attempts"):
        reconcile(state="paused", retry_timeout=1)


def test_secrets_never_show_and_references_do(reconcile, connect):
    reference = "${file:/run/secrets.properties:password}"
    old = reconcile(
        config={**CONFIG, "database.password": "old-" + SECRET, "topic.prefix": "p"}, secret_keys=["topic.prefix"]
    )
    assert SECRET not in old["stdout"]
    assert old["connector"]["config"]["topic.prefix"] == "********"
    new = reconcile(config={**CONFIG, "database.password": SECRET, "topic.prefix": "p"})
    assert SECRET not in new["stdout"]
    assert connect.connectors["c"]["config"]["database.password"] == SECRET
    assert new["diff"]["before"]["config"]["database.password"] == "********"
    assert new["diff"]["after"]["config"]["database.password"] == "******** (changed)"
    shown = reconcile(config={**CONFIG, "database.password": reference})
    assert shown["connector"]["config"]["database.password"] == reference


def test_a_wrong_password_is_told(reconcile, connect):
    connect.disturbances = [Reply(401)]
    with pytest.raises(Exception, match=r"HTTP 401(.|\n)*username and password"):
        reconcile(username="u", password=SECRET)


def test_a_closed_port_is_told(run_module):
    with pytest.raises(Exception, match="Kafka Connect does not answer"):
        run_module("connect_connector", url="http://127.0.0.1:9", name="c", retry_timeout=0)
