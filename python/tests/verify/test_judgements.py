"""What is ok and what is not, without a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from cdc_pipeline.capture import finding as audit
from cdc_pipeline.endpoints import ConnectorsEndpoint
from cdc_pipeline.instance.expected import Archive, Topic
from cdc_pipeline.verify import capture
from cdc_pipeline.verify.checks import archive
from cdc_pipeline.verify.checks.archive import started
from cdc_pipeline.verify.checks.connectors import (
    exposed,
    judge_generated,
    judge_identity,
    judge_session,
    judge_snapshot,
    judge_status,
    judge_stuck,
    restarts,
)
from cdc_pipeline.verify.checks.kafka import ConfigValue, differing, judge_topic, under_replicated
from cdc_pipeline.verify.checks.kafka_connect import judge_settings
from cdc_pipeline.verify.checks.memory import judge_total
from cdc_pipeline.verify.checks.postgresql import (
    Setting,
    Table,
    judge_role,
    judge_setting,
    judge_tables,
    judge_version,
)

GOOD = Table(primary_key=True, foreign_keys=1, checks=2, rows=True, select=True, insert=False)
ROLE = {"replication": True, "superuser": False, "create_database": False, "create_role": False, "creates": False}


def failed(findings) -> set[str]:
    return {finding.id for finding in findings if not finding.ok}


def test_a_setting_is_compared_by_value() -> None:
    assert judge_setting("shared_buffers", "256MB", Setting("32768", "8kB", "integer"), "256MB").ok
    assert not judge_setting("wal_level", "logical", Setting("replica", None, "enum"), "replica").ok
    assert not judge_setting("wal_lvl", "logical", None, None).ok


def test_tables_have_keys_and_the_samples_more() -> None:
    names = ("public.a", "public.b", "public.c")
    sample = frozenset(names)
    tables = dict.fromkeys(names, GOOD)
    assert failed(judge_tables(names, tables, sample)) == set()
    empty = {**tables, "public.b": GOOD._replace(rows=False)}
    assert failed(judge_tables(names, empty, sample)) == {"postgresql.table.public.b"}
    assert failed(judge_tables(names, empty, frozenset())) == set()
    assert "postgresql.table.public.a" in failed(judge_tables(names, {}, frozenset()))
    bare = dict.fromkeys(names, GOOD._replace(foreign_keys=0))
    assert failed(judge_tables(names, bare, sample)) == {"postgresql.foreign_keys"}


def test_a_server_of_ones_own_may_be_newer() -> None:
    assert judge_version(15, True, 15).ok
    assert not judge_version(15, True, 16).ok
    assert judge_version(14, False, 16).ok
    assert not judge_version(14, False, 13).ok


def test_the_archive_runs_with_the_settings_that_were_stated() -> None:
    expected = Archive(group="g", topics=("t",), flush_records=1000, flush_seconds=60.0)
    settings = {"group_id": "g", "topics": ["t"], "flush_records": 1000, "flush_seconds": 60, "workers": 4}
    assert archive.judge_settings("port 1", settings, expected).ok
    for changed in ({"flush_records": 10}, {"flush_seconds": 5}, {"topics": []}, {"group_id": "h"}):
        assert not archive.judge_settings("port 1", {**settings, **changed}, expected).ok
    assert not archive.judge_settings("port 1", {}, expected).ok


def test_the_archives_start_is_read_from_its_metrics() -> None:
    text = "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1.7e+09\n"
    assert started(text) == datetime.fromtimestamp(1.7e9, UTC)
    with pytest.raises(LookupError, match="process_start_time_seconds"):
        started("")


class Answers(SimpleNamespace):
    def get(self, url: str) -> SimpleNamespace:
        return SimpleNamespace(status_code=self.codes[url.rpartition("/")[2]])


def test_what_is_stuck_fails_although_all_runs() -> None:
    trouble = {"what": "connector", "name": "cdc", "state": "stuck", "since": None, "reason": "why", "remedy": "Do."}
    assert judge_stuck(json.dumps({"troubles": []})).ok
    found = judge_stuck(json.dumps({"troubles": [trouble]}))
    assert (found.ok, found.found) == (False, ["connector cdc stuck: why Do."])
    assert not judge_stuck("{}").ok and not judge_stuck(b"").ok, "who says nothing does not say that all is well"


def test_what_restarts_connectors_is_asked_for_its_health() -> None:
    plan = SimpleNamespace(endpoints=SimpleNamespace(connectors=ConnectorsEndpoint("http://h:1")))
    answers = Answers(codes={"live": 200, "ready": 503})
    found = list(restarts(SimpleNamespace(plan=plan, connectors=answers)))
    assert [each.id for each in found] == ["connectors.restarts_live", "connectors.restarts_ready"]
    assert failed(found) == {"connectors.restarts_ready"}
    plan.endpoints.connectors = ConnectorsEndpoint()
    assert list(restarts(SimpleNamespace(plan=plan, connectors=answers))) == []


def test_a_table_of_ones_own_needs_no_more_than_a_key() -> None:
    own = {"public.a": GOOD, "public.own": GOOD._replace(foreign_keys=3, checks=0, rows=False)}
    found = list(judge_tables(own, own, frozenset({"public.a"})))
    assert failed(found) == {"postgresql.foreign_keys"}  # of the sample tables, which have one, not four


def test_a_table_without_a_key_that_sends_whole_rows_will_do() -> None:
    keyless = GOOD._replace(primary_key=False, foreign_keys=0, checks=0)
    found = list(judge_tables(["public.own"], {"public.own": keyless._replace(whole=True)}, frozenset()))
    assert [(each.found, each.ok) for each in found] == [("REPLICA IDENTITY FULL, rows", True)]
    assert failed(judge_tables(["public.own"], {"public.own": keyless}, frozenset())) == {"postgresql.table.public.own"}


def test_what_stands_against_capturing_fails_and_what_one_should_know_is_said() -> None:
    known = audit.Finding(audit.WARN, "no_key", "public.a", "no key", "so", "add one")
    refused = audit.Finding(audit.REFUSE, "kind", "public.v", "it is a view", "so", "take it out")
    assert (capture.judge([]).ok, capture.judge([]).found) == (True, "nothing")
    assert (capture.judge([known]).ok, capture.judge([known]).found) == (True, ["public.a: no key"])
    found = capture.judge([refused, known])
    assert (found.ok, found.found) == (False, ["public.v: it is a view: so. Remedy: take it out."])


@pytest.mark.parametrize(
    ("role", "table", "wrong"),
    [
        (ROLE, GOOD, set()),
        ({**ROLE, "superuser": True}, GOOD, {"postgresql.cdc_role"}),
        ({**ROLE, "replication": False}, GOOD, {"postgresql.cdc_role"}),
        ({**ROLE, "creates": True}, GOOD, {"postgresql.cdc_role_creates_not"}),
        (ROLE, GOOD._replace(select=False), {"postgresql.cdc_role_reads"}),
        (ROLE, GOOD._replace(insert=True), {"postgresql.cdc_role_writes_not"}),
        (None, GOOD, {"postgresql.cdc_role"}),
    ],
)
def test_the_cdc_role_has_the_least_privilege(role, table, wrong: set[str]) -> None:
    assert failed(judge_role(role, {"public.a": table}, "debezium")) == wrong


def metadata(partitions: int, replicas: int, in_sync: int):
    made = {
        at: SimpleNamespace(id=at, replicas=list(range(replicas)), isrs=list(range(in_sync)))
        for at in range(partitions)
    }
    return SimpleNamespace(topics={"t": SimpleNamespace(topic="t", partitions=made)})


def test_a_topic_is_what_it_should_be() -> None:
    topic = Topic("t", 6, 3, {"compression.type": "lz4"})
    stated = {"compression.type": ConfigValue("lz4", own=True)}
    assert judge_topic(topic, metadata(6, 3, 3), {**stated, "retention.bytes": ConfigValue("-1")}).ok
    assert not judge_topic(topic, metadata(5, 3, 3), stated).ok
    assert not judge_topic(topic, metadata(6, 2, 2), stated).ok
    assert not judge_topic(topic, metadata(6, 3, 3), {"compression.type": ConfigValue("zstd", own=True)}).ok
    assert not judge_topic(topic, metadata(6, 3, 3), {}).ok
    by_hand = judge_topic(topic, metadata(6, 3, 3), {**stated, "retention.bytes": ConfigValue("1000", own=True)})
    assert not by_hand.ok and "retention.bytes" in str(by_hand.found)
    assert judge_topic(Topic("gone"), metadata(6, 3, 3), None).found == "no such topic"
    assert under_replicated(metadata(2, 3, 2)) == ["t-0", "t-1"]
    assert under_replicated(metadata(2, 3, 3)) == []
    assert differing({"a": "1", "b": "2"}, {"a": "1"}) == {"b": "expected 2, found None"}


def status(connector: str, *tasks: str) -> dict:
    return {
        "connector": {"state": connector},
        "tasks": [
            {"id": at, "state": state, **({"trace": "Boom: why\n at x"} if state == "FAILED" else {})}
            for at, state in enumerate(tasks)
        ],
    }


def test_a_connector_runs_only_with_its_tasks() -> None:
    assert judge_status("c", status("RUNNING", "RUNNING")).ok
    assert not judge_status("c", status("RUNNING")).ok
    assert not judge_status("c", None).ok
    found = judge_status("c", status("RUNNING", "FAILED"))
    assert not found.ok and "Boom: why" in str(found.found)


def test_secrets_in_a_configuration_are_found() -> None:
    config = {
        "database.password": "${file:/x:postgresql.password}",
        "ssl.keystore.password": "hunter22",
        "url": "postgresql://u:topsecret@h",
        "password.encryption": "",
        "name": "c",
    }
    assert exposed(config, ["topsecret", ""]) == ["ssl.keystore.password", "url"]


def test_every_row_has_an_event() -> None:
    assert judge_snapshot("public.a", 10, 10).ok
    assert not judge_snapshot("public.a", 10, 9).ok
    assert not judge_snapshot("public.a", 10, None).ok
    assert not judge_snapshot("public.a", None, 9).ok


def test_whose_old_rows_are_sent_is_asked_for_or_reported() -> None:
    found = {"public.a": "full", "public.a_2024": "default"}
    assert not judge_identity("full", found).ok
    assert judge_identity("full", {"public.a": "full"}).ok
    reported = judge_identity("keep", found)
    assert (reported.ok, reported.found) == (True, {"public.a_2024": "default"})


def test_generated_columns_are_left_out() -> None:
    columns = ["public.a.twice", "public.a.half"]
    config = {"column.exclude.list": r"(?-i)public\.a\.twice,(?-i)public\.a\.half"}
    assert judge_generated(columns, config).ok
    found = judge_generated(columns, {"column.exclude.list": r"(?-i)public\.a\.twice"})
    assert (found.ok, found.found) == (False, ["public.a.twice"])
    assert not judge_generated(columns, {}).ok
    assert judge_generated([], {}).ok


def test_the_settings_of_the_wal_sender_are_the_pinned_ones() -> None:
    pinned = {"bytea_output": "hex", "DateStyle": "ISO, MDY"}
    assert judge_session(pinned, {"bytea_output": "hex", "DateStyle": "ISO,MDY"}).ok
    found = judge_session(pinned, {"bytea_output": "escape", "DateStyle": "ISO, MDY"})
    assert (found.ok, found.found) == (False, {"bytea_output": "escape"})
    assert not judge_session(pinned, {}).ok


def test_a_worker_runs_from_one_class_path() -> None:
    expected = {"exactly.once.source.support": "enabled"}
    settings = {**expected, "plugin.path": "/opt/debezium-oracle,/b"}
    path = "/cache/connect-0123456789ab/class-path.jar"
    assert failed(judge_settings("w", settings, expected, path)) == set()
    assert failed(judge_settings("w", expected, expected, path)) == set()
    assert failed(judge_settings("w", settings, expected, f"{path}:/libs/x.jar")) == {"kafka_connect.class_path"}
    assert failed(judge_settings("w", settings, expected, f"{path}:/cache/metrics-0123456789ab/*")) == set()
    apart = {**expected, "plugin.path": "/b,/cache/debezium-0123456789ab"}
    assert failed(judge_settings("w", apart, expected, path)) == {"kafka_connect.class_path"}
    assert failed(judge_settings("w", {}, expected, "")) == {"kafka_connect.settings", "kafka_connect.class_path"}


def test_memory_is_summed() -> None:
    assert judge_total({"a": 1024**3, "b": 1024**3}, 2048).ok
    assert not judge_total({"a": 1024**3, "b": 1024**3 + 1}, 2048).ok


def test_a_stopped_partition_fails_although_the_archive_is_ready() -> None:
    one = {"topic": "t", "partition": 3, "since": "2026-05-04T10:11:12+00:00", "reason": "the log begins at 9"}
    ready = {"status": "UP", "reasons": [], "stopped": [one], "waiting": []}
    finding = archive.judge_stopped(ready)
    assert not finding.ok and "t-3 since 2026-05-04" in str(finding.found)
    assert archive.judge_stopped(ready | {"stopped": []}).ok
    assert archive.judge_stopped({"status": "UP", "reasons": []}).ok
