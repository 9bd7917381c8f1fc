# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils import _debezium_signals as signals

NOTED = {"type": "log", "data": {"message": signals.NOTE, "tables": ["public.a"]}}


def asked(*tables):
    return {"type": "execute-snapshot", "data": {"type": "INCREMENTAL", "data-collections": list(tables)}}


@pytest.mark.parametrize(
    ("history", "known"),
    [
        ([], None),
        ([{"type": "log", "data": {"message": "another"}}], None),
        ([NOTED], {"public.a"}),
        ([NOTED, asked("public.b"), asked("public.c")], {"public.a", "public.b", "public.c"}),
        ([asked("public.b")], {"public.b"}),
        ([{"type": "stop-snapshot"}, NOTED], {"public.a"}),
    ],
)
def test_what_was_asked_is_read_from_the_topic(history, known):
    assert signals.covered(history) == known


def test_the_first_run_notes_the_tables_there_are():
    assert signals.signal_for(["public.a"], None) == NOTED


def test_only_added_tables_are_asked_for():
    assert signals.signal_for(["public.a", "public.b"], {"public.a"}) == asked("public.b")
    assert signals.signal_for(["public.a"], {"public.a", "public.gone"}) is None


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


OPTIONS = {"bootstrap_servers": "fake:9092", "topic": "signals", "server": "postgres"}


def test_each_table_is_asked_for_once(run_module, topic):
    assert run_module("debezium_snapshot", **OPTIONS, tables=["public.a"])["requested"] == []
    checked = run_module("debezium_snapshot", check=True, **OPTIONS, tables=["public.a", "public.b"])
    assert (checked["changed"], checked["requested"], len(topic)) == (True, ["public.b"], 1)
    assert run_module("debezium_snapshot", **OPTIONS, tables=["public.a", "public.b"])["diff"] == checked["diff"]
    assert not run_module("debezium_snapshot", **OPTIONS, tables=["public.a", "public.b"])["changed"]
    assert topic == [NOTED, asked("public.b")]


def test_a_table_can_be_asked_for_again(run_module, topic):
    run_module("debezium_snapshot", **OPTIONS, tables=["public.a"])
    assert run_module("debezium_snapshot", **OPTIONS, tables=["public.a"], force=["public.a"])["requested"] == [
        "public.a"
    ]
