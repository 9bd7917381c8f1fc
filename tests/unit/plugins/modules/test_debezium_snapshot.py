# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils import _debezium_signals as signals

NOTED = {"type": "log", "data": {"message": signals.INITIAL, "tables": ["public.a"]}}


def asked(*tables):
    return {"type": "execute-snapshot", "data": {"type": "INCREMENTAL", "data-collections": list(tables)}}


def released(*tables):
    return {"type": "log", "data": {"message": signals.RELEASED, "tables": list(tables)}}


@pytest.mark.parametrize(
    ("history", "known"),
    [
        ([], None),
        ([{"type": "log", "data": {"message": "another"}}], None),
        ([NOTED], {"public.a"}),
        ([NOTED, asked("public.b"), asked("public.c")], {"public.a", "public.b", "public.c"}),
        ([asked("public.b")], {"public.b"}),
        ([{"type": "stop-snapshot"}, NOTED], {"public.a"}),
        ([NOTED, asked("public.b"), released("public.a", "public.b")], set()),
        ([NOTED, released("public.a"), asked("public.a", "public.b")], {"public.a", "public.b"}),
    ],
)
def test_what_was_asked_is_read_from_the_topic(history, known):
    assert signals.covered(history) == known


def test_the_first_run_notes_the_tables_there_are():
    assert signals.note_for(["public.a"], None) == NOTED
    assert signals.request_for(["public.a"], None) is None


def test_only_added_tables_are_asked_for():
    assert signals.note_for(["public.a", "public.b"], {"public.a"}) is None
    assert signals.request_for(["public.a", "public.b"], {"public.a"}) == asked("public.b")
    assert signals.request_for(["public.a"], {"public.a"}) is None


def test_tables_that_leave_are_noted():
    assert signals.note_for(["public.a"], {"public.c", "public.a", "public.b"}) == released("public.b", "public.c")
    assert signals.note_for([], set()) is None


@pytest.fixture
def topic(monkeypatch):
    """An in-memory signal topic in place of the real one."""
    history = []

    class Topic:
        def __init__(self, *_arguments):
            pass

        def read(self):
            return list(history)

        def send(self, signal):
            history.append(signal)

    from ansible_collections.cdc.pipeline.plugins.modules import debezium_snapshot

    monkeypatch.setattr(debezium_snapshot, "SignalTopic", Topic)
    return history


@pytest.fixture
def stage(run_module, topic):
    """Runs the module in a stage for some tables."""

    def run(name, *tables, check=False, **options):
        where = {"bootstrap_servers": "fake:9092", "topic": "signals", "server": "postgres"}
        return run_module("debezium_snapshot", check=check, **where, stage=name, tables=list(tables), **options)

    return run


def test_each_table_is_asked_for_once(stage, topic):
    assert stage("note", "public.a")["noted"] == ["public.a"]
    assert not stage("note", "public.a")["changed"]
    assert not stage("request", "public.a")["changed"]
    checked = stage("request", "public.a", "public.b", check=True)
    assert (checked["changed"], checked["requested"], len(topic)) == (True, ["public.b"], 1)
    assert stage("request", "public.a", "public.b")["diff"] == checked["diff"]
    assert not stage("request", "public.a", "public.b")["changed"]
    assert topic == [NOTED, asked("public.b")]


def test_a_table_that_was_taken_out_and_put_back_is_asked_for_again(stage, topic):
    stage("note", "public.a", "public.b")
    checked = stage("note", "public.a", check=True)
    assert (checked["changed"], checked["noted"], len(topic)) == (True, ["public.b"], 1)
    assert stage("note", "public.a")["diff"] == checked["diff"]
    assert not stage("note", "public.a")["changed"]
    assert not stage("request", "public.a")["changed"]
    assert not stage("note", "public.a", "public.b")["changed"]
    assert stage("request", "public.a", "public.b")["requested"] == ["public.b"]
    assert not stage("request", "public.a", "public.b")["changed"]


def test_a_table_can_be_asked_for_again(stage):
    stage("note", "public.a")
    assert stage("request", "public.a", force=["public.a"])["requested"] == ["public.a"]
