# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

SERVERS = {"bootstrap_servers": "fake:9092"}


def test_creates_and_waits_for_leaders(run_module, kafka):
    result = run_module(
        "kafka_topic", **SERVERS, name="a", partitions=6, replication_factor=3, config={"retention.ms": 5}
    )
    assert result["changed"]
    assert result["topics"] == [
        {"name": "a", "state": "present", "partitions": 6, "replication_factor": 3, "config": {"retention.ms": "5"}}
    ]
    assert result["diff"] == {
        "before": {"a": {"state": "absent"}},
        "after": {"a": {"state": "present", "partitions": 6, "replication_factor": 3, "config": {"retention.ms": "5"}}},
    }


def test_check_mode_predicts_and_writes_nothing(run_module, kafka):
    checked = run_module("kafka_topic", check=True, **SERVERS, name="a", partitions=6, replication_factor=3)
    assert (checked["changed"], kafka.writes, kafka.topics) == (True, [], {})
    assert run_module("kafka_topic", **SERVERS, name="a", partitions=6, replication_factor=3)["diff"] == checked["diff"]


def test_second_run_changes_nothing(run_module, kafka):
    options = {**SERVERS, "name": "a", "partitions": 2, "config": {"cleanup.policy": ["compact", "delete"]}}
    run_module("kafka_topic", **options)
    kafka.writes.clear()
    result = run_module("kafka_topic", **options)
    assert (result["changed"], result["changed_topics"], kafka.writes) == (False, [], [])


def test_order_of_a_set_is_no_difference(run_module, kafka):
    kafka.add("a", cleanup_policy="delete,compact")
    assert not run_module("kafka_topic", **SERVERS, name="a", config={"cleanup.policy": "compact, delete"})["changed"]


def test_stated_settings_are_reconciled_and_others_stay(run_module, kafka):
    kafka.add("a", retention_ms="1", compression_type="lz4")
    result = run_module("kafka_topic", **SERVERS, name="a", config={"retention.ms": 2})
    assert result["changed"]
    assert kafka.topics["a"]["config"] == {"retention.ms": "2", "compression.type": "lz4"}
    assert result["diff"]["before"]["a"]["config"]["retention.ms"] == "1"
    assert result["diff"]["after"]["a"]["config"]["retention.ms"] == "2"


def test_purge_resets_what_is_not_stated(run_module, kafka):
    kafka.add("a", retention_ms="1", compression_type="lz4")
    options = {**SERVERS, "name": "a", "config": {"retention.ms": 1}, "purge_config": True}
    assert run_module("kafka_topic", **options)["topics"][0]["config"] == {"retention.ms": "1"}
    assert not run_module("kafka_topic", **options)["changed"]


def test_setting_that_equals_the_default_is_no_change(run_module, kafka):
    kafka.add("a")
    assert not run_module("kafka_topic", **SERVERS, name="a", config={"cleanup.policy": "delete"})["changed"]


def test_partitions_grow(run_module, kafka):
    kafka.add("a", partitions=2)
    assert run_module("kafka_topic", **SERVERS, name="a", partitions=5)["topics"][0]["partitions"] == 5


def test_everything_wrong_is_listed_at_once_and_nothing_is_changed(run_module, kafka):
    kafka.add("a", partitions=4, replicas=3)
    with pytest.raises(Exception, match="nothing has been changed") as failure:
        run_module("kafka_topic", **SERVERS, name="a", partitions=2, replication_factor=1, config={"retenton.ms": 1})
    problems = "\n".join(failure.value.result["problems"])
    assert 'did you mean "retention.ms"' in problems
    assert "2 asked for, 4 there" in problems
    assert "1 asked for, 3 there" in problems
    assert kafka.writes == []


@pytest.mark.parametrize("check", [True, False])
def test_brokers_objections_come_before_any_write(run_module, kafka, check):
    kafka.add("old")
    topics = [
        {"name": "old", "config": {"retention.ms": "x"}},
        {"name": "new", "replication_factor": 9},
        {"name": "ok"},
    ]
    with pytest.raises(Exception, match="nothing has been changed") as failure:
        run_module("kafka_topic", check=check, **SERVERS, topics=topics)
    assert [problem.partition(":")[0] for problem in failure.value.result["problems"]] == ["new", "old"]
    assert kafka.writes == []


def test_several_topics_share_defaults(run_module, kafka):
    result = run_module(
        "kafka_topic",
        **SERVERS,
        topics=[{"name": "a"}, {"name": "b", "partitions": 4, "config": {"compression.type": "lz4"}}],
        partitions=2,
        config={"retention.ms": 9},
    )
    assert [(topic["name"], topic["partitions"]) for topic in result["topics"]] == [("a", 2), ("b", 4)]
    assert result["topics"][1]["config"] == {"retention.ms": "9", "compression.type": "lz4"}
    assert result["changed_topics"] == ["a", "b"]


def test_a_topic_listed_twice_is_refused(run_module, kafka):
    with pytest.raises(Exception, match="listed twice"):
        run_module("kafka_topic", **SERVERS, topics=[{"name": "a"}, {"name": "a"}])


def test_deletes_only_when_asked_to(run_module, kafka):
    kafka.add("a")
    kafka.add("b")
    assert run_module("kafka_topic", check=True, **SERVERS, name="a", state="absent")["changed"]
    assert sorted(kafka.topics) == ["a", "b"]
    assert run_module("kafka_topic", **SERVERS, name="a", state="absent")["changed"]
    assert list(kafka.topics) == ["b"]
    assert not run_module("kafka_topic", **SERVERS, name="a", state="absent")["changed"]


def test_names_what_is_not_ready_at_the_deadline(run_module, kafka):
    kafka.leaderless = 10_000
    with pytest.raises(Exception, match=r"not ready after 0 s(.|\n)*no leader for partitions \[0, 1\]"):
        run_module("kafka_topic", **SERVERS, name="a", partitions=2, wait_timeout=0)


def test_says_that_kafka_does_not_answer(run_module, kafka):
    kafka.down = True
    with pytest.raises(Exception, match=r"Kafka does not answer\nWhere: fake:9092\nWhy: .*transport"):
        run_module("kafka_topic", **SERVERS, name="a", retry_timeout=1)


def test_secrets_of_the_client_never_show(run_module, kafka):
    secret = "hunter2-hunter2"
    client_config = {
        "sasl.password": secret,
        "my.own": secret,
        "sasl.username": "admin",
        "socket.keepalive.enable": True,
    }
    result = run_module("kafka_topic", **SERVERS, name="a", client_config=client_config, secret_keys=["my.own"])
    assert secret not in result["stdout"]
    assert kafka.settings["sasl.password"] == secret
    assert kafka.settings["socket.keepalive.enable"] == "true"
    with pytest.raises(Exception, match="refuses its configuration") as failure:
        run_module("kafka_topic", **SERVERS, name="a", client_config={**client_config, "no.such.setting": 1})
    assert secret not in failure.value.result["stdout"]


def test_missing_library_is_named(run_module, kafka, monkeypatch):
    from ansible_collections.cdc.pipeline.plugins.module_utils._kafka import connection

    monkeypatch.setattr(connection, "IMPORT_TRACE", "Traceback: no confluent_kafka")
    with pytest.raises(Exception, match="confluent-kafka"):
        run_module("kafka_topic", **SERVERS, name="a")
