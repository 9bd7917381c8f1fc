# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module debezium_connector over a Kafka Connect in memory.

Longer than 400 lines: one test for each state that a run may find, and for each place where it may be interrupted.
"""

from __future__ import annotations

import contextlib
import itertools

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._connect.debezium_offsets import pending
from ansible_collections.cdc.pipeline.tests.unit.fakes.connect import PLUGIN
from ansible_collections.cdc.pipeline.tests.unit.fakes.http import WRITES, Reply
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

TABLES = ["public.a", "public.b", "public.c"]


@pytest.fixture
def capture(run_module, connect):
    """Run the module on the connector `c` of the fake for some tables."""

    def run(*tables, **options):
        config = {"connector.class": PLUGIN, "topic.prefix": "t", "table.include.list": ",".join(tables)}
        defaults = {"url": connect.url, "name": "c", "settle_seconds": 0.0, "wait_timeout": 10, "tables": list(tables)}
        return run_module("debezium_connector", **{**defaults, "config": config, **options})

    return run


def changes(connect):
    return [(method, path) for method, path in connect.writes() if not path.endswith("validate")]


def test_a_new_connector_has_its_tables_by_the_initial_snapshot(capture, connect):
    checked = capture("public.a", "public.b", check=True)
    assert (checked["steps"], checked["requested"], connect.connectors) == (["create"], [], {})
    created = capture("public.a", "public.b")
    assert (created["steps"], created["requested"]) == (["create"], [])
    assert created["diff"] == checked["diff"]
    assert connect.snapshots == ["public.a", "public.b"]


def test_an_added_table_gets_a_snapshot_once(capture, connect):
    capture("public.a")
    connect.snapshots.clear()
    connect.calls.clear()
    checked = capture("public.a", "public.b", "public.c", check=True)
    assert (checked["changed"], checked["requested"], changes(connect)) == (True, ["public.b", "public.c"], [])
    assert checked["diff"]["after"]["snapshots"] == ["public.b", "public.c"]
    added = capture("public.a", "public.b", "public.c")
    assert added["steps"] == ["stop", "snapshot", "update", "resume"]
    assert (added["diff"], added["requested"], added["unfinished"]) == (
        checked["diff"],
        *[["public.b", "public.c"]] * 2,
    )
    assert [path.rpartition("/")[2] for _method, path in changes(connect)] == ["stop", "offsets", "config", "resume"]
    assert connect.snapshots == ["public.b", "public.c"]
    connect.calls.clear()
    again = capture("public.a", "public.b", "public.c")
    assert (again["changed"], again["steps"], again["requested"], connect.writes()) == (False, [], [], [])


def test_a_changed_setting_alone_asks_for_nothing(capture, connect):
    capture("public.a")
    result = capture(
        "public.a",
        config={
            "connector.class": PLUGIN,
            "topic.prefix": "t",
            "table.include.list": "public.a",
            "poll.interval.ms": 9,
        },
    )
    assert (result["steps"], result["requested"], connect.snapshots) == (["update"], [], ["public.a"])


def test_another_spelling_of_the_same_tables_asks_for_nothing(capture, connect):
    capture("public.a")
    config = {"connector.class": PLUGIN, "topic.prefix": "t", "table.include.list": r"(?-i)public\.a"}
    assert capture("public.a", config=config)["requested"] == []


def test_a_table_that_was_taken_out_and_put_back_gets_another(capture, connect):
    capture("public.a", "public.b")
    assert capture("public.a")["requested"] == []
    assert capture("public.a", "public.b")["requested"] == ["public.b"]
    assert connect.snapshots == ["public.a", "public.b", "public.b"]


def test_what_is_unfinished_is_kept_and_returned(capture, connect):
    capture("public.a")
    connect.finishes = False
    capture("public.a", "public.b")
    assert capture("public.a", "public.b")["unfinished"] == ["public.b"]
    assert capture("public.a", "public.b", "public.c")["unfinished"] == ["public.b", "public.c"]
    assert pending(connect.offsets["c"]) == ["public.b", "public.c"]


@pytest.mark.parametrize("offset", [None, {"lsn": 7, "snapshot": "INITIAL"}])
def test_an_initial_snapshot_that_is_still_to_come_has_the_added_tables(capture, connect, offset):
    connect.add("c", {"table.include.list": "public.a"}, state="STOPPED")
    connect.offsets["c"] = offset
    result = capture("public.a", "public.b")
    assert (result["changed"], result["requested"]) == (True, [])
    assert connect.snapshots == ["public.a", "public.b"]


@pytest.mark.parametrize("offset", [None, {"lsn": 7, "snapshot": "INITIAL"}])
@pytest.mark.parametrize("options", [{}, {"config": {"poll.interval.ms": 9}}])
def test_an_initial_snapshot_that_runs_is_not_begun_anew(capture, connect, monkeypatch, offset, options):
    connect.add("c", {"table.include.list": "public.a"})
    connect.offsets["c"] = offset
    answer, looks = connect.answer, itertools.count(1)

    def end_later(call):
        if (call.method, call.path[-1]) == ("GET", "offsets") and next(looks) == 4:
            connect.offsets["c"] = {"lsn": 8}
        return answer(call)

    monkeypatch.setattr(connect, "answer", end_later)
    config = {"connector.class": PLUGIN, "topic.prefix": "t", **options.get("config", {})}
    tables = ["public.a"] if options else ["public.a", "public.b"]
    result = capture(*tables, config={**config, "table.include.list": ",".join(tables)})
    assert result["requested"] == tables[1:]
    assert connect.snapshots == tables[1:]


def test_an_initial_snapshot_that_does_not_end_in_time(capture, connect):
    connect.add("c", {"table.include.list": "public.a"})
    connect.offsets["c"] = {"lsn": 7, "snapshot": "INITIAL"}
    with pytest.raises(ModuleFailed, match="initial snapshot of the connector c has not ended after 1 s"):
        capture("public.a", "public.b", wait_timeout=1)
    assert (changes(connect), connect.connectors["c"]["state"]) == ([], "RUNNING")
    assert capture("public.a", "public.b", check=True)["changed"]
    assert not capture("public.a")["changed"]


def test_a_snapshot_that_failed_is_not_waited_for(capture, connect):
    connect.add("c", {"table.include.list": "public.a"}, failed=True)
    connect.offsets["c"] = {"lsn": 7, "snapshot": "INITIAL"}
    with contextlib.suppress(ModuleFailed):  # the fake's task stays failed
        capture("public.a", "public.b", wait_timeout=1)
    assert connect.snapshots == ["public.a", "public.b"]


def test_where_the_connector_stands_when_it_has_stopped_decides(capture, connect, monkeypatch):
    connect.add("c", {"table.include.list": "public.a"}, state="PAUSED")
    connect.offsets["c"] = {"lsn": 7, "snapshot": "INITIAL"}
    answer = connect.answer

    def finish_meanwhile(call):
        if call.path[-1] == "stop":
            connect.offsets["c"] = {"lsn": 8}
        return answer(call)

    monkeypatch.setattr(connect, "answer", finish_meanwhile)
    assert capture("public.a", "public.b")["requested"] == ["public.b"]
    assert connect.snapshots == ["public.b"]


def test_a_connector_that_was_deleted_and_left_its_offset_gets_all_tables(capture, connect):
    capture("public.a", "public.b")
    del connect.connectors["c"]
    connect.snapshots.clear()
    result = capture("public.a", "public.b")
    assert (result["steps"], result["requested"]) == (["create", "snapshot", "resume"], ["public.a", "public.b"])
    assert connect.snapshots == ["public.a", "public.b"]


def test_the_rows_of_an_added_table_without_a_key_come_by_a_connector_of_their_own(capture, connect):
    capture("public.a")
    connect.calls.clear()
    checked = capture("public.a", "public.b", "public.c", unkeyed=["public.c"], check=True)
    assert (checked["separate"], changes(connect)) == (["public.c"], [])
    result = capture("public.a", "public.b", "public.c", unkeyed=["public.c"])
    assert (result["requested"], result["separate"]) == (["public.b"], ["public.c"])
    assert result["diff"] == checked["diff"]
    assert connect.snapshots == ["public.a", "public.b", "public.c"]
    # It was there, stopped, before the main connector was told of the table.
    done = changes(connect)
    assert [path for _method, path in done].index("connectors") < [path for _method, path in done].index(
        "connectors/c/config"
    )
    rows = connect.connectors["c-rows"]["config"]
    assert (rows["snapshot.mode"], rows["table.include.list"]) == ("initial_only", "public.c")
    # Debezium waits where another connector has its metrics' names.
    assert rows["custom.metric.tags"] == "reads=rows"
    # The next run finds it finished.
    again = capture("public.a", "public.b", "public.c", unkeyed=["public.c"])
    assert (again["changed"], again["separate"]) == (True, [])
    assert "c-rows" not in connect.connectors
    assert capture("public.a", "public.b", "public.c", unkeyed=["public.c"])["changed"] is False
    assert connect.snapshots == ["public.a", "public.b", "public.c"]
    # What it has left is no reason not to read the next table, nor to read the former again.
    unkeyed = ["public.c", "public.d"]
    assert capture("public.a", "public.b", *unkeyed, unkeyed=unkeyed)["separate"] == ["public.d"]
    assert connect.snapshots == ["public.a", "public.b", "public.c", "public.d"]


def test_a_table_that_is_added_before_the_former_is_seen_to_be_finished(capture, connect):
    capture("public.a")
    capture("public.a", "public.b", unkeyed=["public.b"])
    assert capture("public.a", "public.b", "public.c", unkeyed=["public.b", "public.c"])["changed"]
    assert connect.snapshots == ["public.a", "public.b", "public.c"]


def test_rows_that_are_on_their_way_are_waited_for_and_kept(capture, connect):
    capture("public.a")
    connect.finishes = False
    assert capture("public.a", "public.b", unkeyed=["public.b"])["separate"] == ["public.b"]
    again = capture("public.a", "public.b", unkeyed=["public.b"])
    assert (again["changed"], again["separate"]) == (False, ["public.b"])
    # One more begins again with both, since nobody knows how far it was.
    unkeyed = ["public.b", "public.c"]
    assert capture("public.a", *unkeyed, unkeyed=unkeyed)["separate"] == unkeyed
    assert connect.connectors["c-rows"]["config"]["table.include.list"] == "public.b,public.c"
    connect.finishes = True
    connect.offsets["c-rows"] = {"lsn": 9, "snapshot": "INITIAL", "last_snapshot_record": True}
    assert capture("public.a", *unkeyed, unkeyed=unkeyed)["separate"] == []


def test_a_run_that_ended_before_the_rows_were_read_is_run_again(capture, connect, monkeypatch):
    capture("public.a")
    answer = connect.answer

    def fail(call):
        if call.method == "PUT" and list(call.path) == ["connectors", "c-rows", "resume"]:
            raise Reply(500, {"error_code": 500, "message": "killed"})
        return answer(call)

    monkeypatch.setattr(connect, "answer", fail)
    with pytest.raises(ModuleFailed):
        capture("public.a", "public.b", unkeyed=["public.b"], retry_timeout=0)
    monkeypatch.setattr(connect, "answer", answer)
    assert capture("public.a", "public.b", unkeyed=["public.b"])["separate"] == []
    assert connect.snapshots == ["public.a", "public.b"]


def test_a_task_that_still_ends_is_waited_for(capture, connect, monkeypatch):
    capture("public.a")
    connect.finishes = False
    capture("public.a", "public.b", unkeyed=["public.b"])
    answer, refused = connect.answer, []

    def refuse_once(call):
        if call.method == "DELETE" and call.path[-1] == "offsets" and not refused:
            refused.append(call)
            raise Reply(400, {"error_code": 400, "message": "Connectors must be in the STOPPED state before"})
        return answer(call)

    monkeypatch.setattr(connect, "answer", refuse_once)
    unkeyed = ["public.b", "public.c"]
    assert capture("public.a", *unkeyed, unkeyed=unkeyed)["separate"] == unkeyed
    assert refused
    assert connect.snapshots == ["public.a", "public.b", "public.b", "public.c"]


def test_an_initial_snapshot_has_tables_without_a_key(capture, connect):
    assert capture("public.a", unkeyed=["public.a"])["separate"] == []
    assert connect.snapshots == ["public.a"]


def test_tables_are_named_as_in_sql(capture, connect):
    table = 'public."Order Items"'
    config = {"connector.class": PLUGIN, "topic.prefix": "t", "table.include.list": r"(?-i)public\.a"}
    capture("public.a", config=config)
    config["table.include.list"] += r",(?-i)public\.Order\u0020Items"
    result = capture("public.a", table, config=config, unkeyed=[table])
    assert (result["separate"], result["requested"]) == ([table], [])
    assert connect.connectors["c-rows"]["config"]["table.include.list"] == r"(?-i)public\.Order\u0020Items"


def test_a_snapshot_on_purpose(capture, connect):
    capture("public.a", "public.b")
    result = capture("public.a", "public.b", snapshot=["public.b"])
    assert (result["changed"], result["steps"]) == (True, ["stop", "snapshot", "resume"])
    assert connect.snapshots == ["public.a", "public.b", "public.b"]


def test_a_snapshot_of_a_table_that_is_not_captured_is_refused(capture, connect):
    capture("public.a")
    connect.calls.clear()
    with pytest.raises(ModuleFailed, match=r"public\.b"):
        capture("public.a", snapshot=["public.b"])
    assert connect.calls == []


def test_a_wrong_configuration_is_refused_before_the_connector_stops(capture, connect):
    capture("public.a")
    config = {
        "connector.class": PLUGIN,
        "topic.prefix": "t",
        "table.include.list": "public.a,public.b",
        "tasks.max": "x",
    }
    with pytest.raises(ModuleFailed, match=r"tasks\.max"):
        capture("public.a", "public.b", config=config)
    assert (connect.connectors["c"]["state"], connect.offsets["c"]) == ("RUNNING", {"lsn": 7})


class Interrupted:
    """Refuses the n-th change, before or after it is made, once; or from then on."""

    def __init__(self, connect, number, after, lasting=False):
        self.answer = connect.answer
        self.left = number
        self.after = after
        self.lasting = lasting

    def __call__(self, call):
        if call.method not in WRITES or call.path[-1] == "validate":
            return self.answer(call)
        self.left -= 1
        if self.left == 0 or (self.lasting and self.left < 0):
            if self.after and self.left == 0:
                with contextlib.suppress(Reply):
                    self.answer(call)
            raise Reply(403, {"error_code": 403, "message": "interrupted"})
        return self.answer(call)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("created", [False, True])
def test_a_run_that_was_interrupted_anywhere_is_simply_run_again(capture, connect, monkeypatch, created, after):
    answer = connect.answer
    for number in itertools.count(1):
        connect.connectors.clear()
        connect.offsets.clear()
        connect.snapshots.clear()
        connect.add("c", {"table.include.list": "public.a"})
        if created:
            del connect.connectors["c"]
        monkeypatch.setattr(connect, "answer", answer)
        interruption = Interrupted(connect, number, after)
        monkeypatch.setattr(connect, "answer", interruption)
        try:
            capture("public.a", "public.b")
        except ModuleFailed:
            capture("public.a", "public.b")
        assert connect.connectors["c"]["state"] == "RUNNING"
        # Twice at most where the run was interrupted.
        wanted = {"public.a", "public.b"} if created else {"public.b"}
        assert set(connect.snapshots) == wanted, number
        if interruption.left > 0:
            break
        assert not capture("public.a", "public.b")["changed"]
    assert number > 4


def test_a_table_of_an_interrupted_run_that_is_no_longer_wanted_gets_no_snapshot(capture, connect, monkeypatch):
    capture("public.a")
    answer = connect.answer
    monkeypatch.setattr(connect, "answer", Interrupted(connect, 2, True, lasting=True))
    with pytest.raises(ModuleFailed, match="left stopped"):
        capture("public.a", "public.b")
    monkeypatch.setattr(connect, "answer", answer)
    assert pending(connect.offsets["c"]) == ["public.b"]
    assert capture("public.a")["steps"] == ["resume"]
    assert (connect.snapshots, connect.connectors["c"]["state"]) == (["public.a"], "RUNNING")


def test_another_run_that_replaces_the_offset_meanwhile(capture, connect, monkeypatch):
    capture("public.a")
    answer = connect.answer

    def replace(call):
        if (call.method, call.path[-1]) == ("PUT", "config"):
            connect.offsets["c"] = {"lsn": 9}
            monkeypatch.setattr(connect, "answer", answer)
        return answer(call)

    monkeypatch.setattr(connect, "answer", replace)
    capture("public.a", "public.b")
    assert connect.snapshots == ["public.a", "public.b"]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_fails_leaves_no_connector_stopped(capture, connect, monkeypatch, number, after):
    capture("public.a")
    monkeypatch.setattr(connect, "answer", Interrupted(connect, number, after))
    with pytest.raises(ModuleFailed) as failure:
        capture("public.a", "public.b")
    assert connect.connectors["c"]["state"] == "RUNNING"
    assert "left stopped" not in str(failure.value)
    capture("public.a", "public.b")
    assert set(connect.snapshots) == {"public.a", "public.b"}


def test_a_connector_that_does_not_stop_in_time_is_resumed(capture, connect, monkeypatch):
    capture("public.a")
    answer = connect.answer

    def never_stopped(call):
        found = answer(call)
        if call.path[-1] == "status" and found["connector"]["state"] == "STOPPED":
            found["tasks"] = [{"id": 0, "state": "RUNNING", "worker_id": "w:1"}]
        return found

    monkeypatch.setattr(connect, "answer", never_stopped)
    with pytest.raises(ModuleFailed, match="is not stopped"):
        capture("public.a", "public.b", wait_timeout=1)
    assert connect.connectors["c"]["state"] == "RUNNING"


def test_a_connector_whose_new_table_has_no_snapshot_in_the_offset_stays_stopped(capture, connect, monkeypatch):
    capture("public.a")
    answer = Interrupted(connect, 4, False)

    def replace(call):
        if (call.method, call.path[-1]) == ("PUT", "config"):
            connect.offsets["c"] = {"lsn": 9}
        return answer(call)

    monkeypatch.setattr(connect, "answer", replace)
    with pytest.raises(ModuleFailed, match="left stopped"):
        capture("public.a", "public.b")
    assert connect.connectors["c"]["state"] == "STOPPED"
