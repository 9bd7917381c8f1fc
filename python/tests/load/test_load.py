"""The load's parts without a server: what is sent, how it is found again, counted and judged."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import fastavro
import pytest
from cdc_pipeline.endpoints import Endpoints
from cdc_pipeline.instance.plan import parse_plan
from cdc_pipeline.load import guard, run, table
from cdc_pipeline.load.cli import main
from cdc_pipeline.load.events import Reader, leading_numbers, read_numbers
from cdc_pipeline.load.generator import WRITERS, Order, Sent
from cdc_pipeline.load.ledger import Counts, Ledger, spread
from cdc_pipeline.load.objects import hours, written
from cdc_pipeline.load.report import judge
from cdc_pipeline.load.sampler import Sample, between, peaks, used
from hypothesis import given
from hypothesis import strategies as st

PLAN = {
    "endpoints": {
        "postgresql": {"host": "127.0.0.1", "port": 1, "dbname": "shop", "user": "postgres", "password": "p"},
        "kafka": {"bootstrap_servers": "localhost:1,[::1]:2"},
        "schema_registry": {
            "url": "http://127.0.0.1:1",
            "reader": {"username": "reader", "password": "r"},
            "writer": {"username": "writer", "password": "w"},
        },
        "kafka_connect": {"url": "http://127.0.0.1:1"},
        "object_store": {
            "bucket": "b",
            "access_key_id": "k",
            "secret_access_key": "s",
            "endpoint_url": "http://127.0.0.1:1",
        },
        "archive": {"url": "http://127.0.0.1:1"},
    }
}


def endpoints(**changes: object) -> Endpoints:
    return parse_plan({"endpoints": {**PLAN["endpoints"], **changes}}).endpoints


@given(size=st.integers(1, 200), count=st.integers(1, 40))
def test_every_change_has_a_number_of_its_own_and_updates_meet_rows_that_are_there(size: int, count: int) -> None:
    rows: dict[int, int] = {}
    numbers: list[int] = []
    for number in range(count):
        each = table.transaction(number, size, WRITERS)
        for id in range(each.first, each.first + each.inserts):
            rows[id] = number
            numbers.append(id)
        arguments = table.update_arguments(1, each)
        updated = list(range(arguments["first"], arguments["last"] + 1)) if each.updates else []
        assert all(rows[id] == number - WRITERS for id in updated)  # the same writer's, so committed before
        numbers += [id + arguments["shift"] for id in updated]
    assert sorted(numbers) == list(range(count * size))


def test_transactions_are_due_at_the_rate() -> None:
    order = Order(endpoints().postgresql, "t", 1, 1000.0, 500, 100, 100)
    assert [order.intended(number) for number in (0, 5, 50)] == [1000.0, 1001.0, 1010.0]


def test_a_table_that_is_not_captured_is_not_made() -> None:
    """The context has no server: one that was asked would be an AttributeError."""
    context = SimpleNamespace(plan=parse_plan(PLAN))
    with pytest.raises(guard.RefusedError, match="set cdc_load_table"):
        run.run(context, run.Settings(10, 1, 0, 10, "public.other"), print)


SCHEMA = {
    "type": "record",
    "name": "Value",
    "fields": [
        {"name": "run", "type": "int"},
        {"name": "id", "type": "long"},
        {"name": "seq", "type": {"type": "long", "connect.default": 0}},
        {"name": "payload", "type": ["null", "string"]},
    ],
}


# As the records of an earlier version have them, and as those of this one do.
NULLABLE = {
    **SCHEMA,
    "fields": [
        {"name": "run", "type": ["null", "int"]},
        {"name": "id", "type": ["null", {"type": "long", "connect.type": "int64"}]},
        {"name": "seq", "type": ["long", "null"]},
        {"name": "payload", "type": ["null", "string"]},
    ],
}


@pytest.mark.parametrize("schema", [SCHEMA, NULLABLE])
@given(run=st.integers(-(2**31), 2**31 - 1), id=st.integers(-(2**63), 2**63 - 1), seq=st.integers(0, 2**62))
def test_numbers_are_read_from_the_front_of_an_event(schema: dict[str, Any], run: int, id: int, seq: int) -> None:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), {"run": run, "id": id, "seq": seq, "payload": "x"})
    event = b"\0\0\0\0\7" + out.getvalue()
    branches = leading_numbers(schema, ("run", "id", "seq"))
    assert branches is not None and read_numbers(event, branches) == [run, id, seq]
    asked = []
    reader = Reader(lambda number: asked.append(number) or json.dumps(schema))
    assert [reader(event), reader(event)] == [(run, seq)] * 2
    assert asked == [7]


def test_another_table_is_refused() -> None:
    for kind in ("string", ["null", "string"], ["int", "long"], ["null"], ["int", "string"], {"type": "array"}):
        assert leading_numbers({"fields": [{"name": "run", "type": kind}]}, ("run",)) is None
    with pytest.raises(ValueError, match="is null"):
        Reader(lambda _: json.dumps(NULLABLE))(b"\0\0\0\0\1\0\0\0")
    assert leading_numbers({"fields": [{"name": "id", "type": "long"}]}, ("run", "id")) is None
    with pytest.raises(ValueError, match="recreate it"):
        Reader(lambda _: json.dumps({"type": "record", "name": "V", "fields": []}))(b"\0\0\0\0\1\2\2\2")


def sent(*numbers: int) -> list[Sent]:
    return [Sent(number, 100.0 + number, 100.5 + number, 101.0 + number) for number in numbers]


def test_lost_and_double_changes_are_counted() -> None:
    ledger = Ledger(40, 10)
    ledger.see(range(0, 20), 102.5)
    ledger.see([3, 3, 7], 103.0)
    ledger.see(range(20, 29), 104.0)
    ledger.see([400, -1], 104.0)
    assert ledger.counts(sent(0, 1)) == Counts(20, 0, 3)
    assert ledger.counts(sent(0, 1, 2)) == Counts(30, 1, 3)
    assert ledger.counts(sent(3)) == Counts(10, 10, 0)
    assert (ledger.seen(), ledger.strange) == (29, 2)


def test_latency_is_from_the_commit_or_from_the_due_time_to_the_first_sight() -> None:
    ledger = Ledger(20, 10)
    ledger.see(range(10), 102.5)
    ledger.see(range(10), 110.0)
    assert set(ledger.latencies(sent(0, 1))) == {1.5}
    assert set(ledger.latencies(sent(0, 1), intended=True)) == {2.5}


def test_time_between_two_sights() -> None:
    kafka, objects = Ledger(20, 10), Ledger(20, 10)
    kafka.see(range(10), 102.5)
    objects.see(range(5, 15), 104.0)
    assert objects.after(kafka, sent(0, 1)) == [1.5] * 5


def test_spread_of_seconds() -> None:
    found = spread([float(n) for n in range(1000)])
    assert (found["p50"], found["p99"], found["p999"], found["max"], found["min"]) == (499, 989, 998, 999, 0)
    assert spread([]) == {}


def test_only_this_host_takes_load_unless_told() -> None:
    guard.check(endpoints(), 1000, 10, 100, 10_000, False)
    away = endpoints(kafka={"bootstrap_servers": "127.0.0.1:1,kafka.example.com:9092"})
    with pytest.raises(guard.RefusedError, match=r"kafka\.example\.com .*--i-know"):
        guard.check(away, 1000, 10, 100, 10_000, False)
    guard.check(away, 1000, 10, 100, 10_000, True)
    store = {"bucket": "b", "access_key_id": "k", "secret_access_key": "s"}
    with pytest.raises(guard.RefusedError, match="s3"):
        guard.check(endpoints(object_store=store), 1000, 10, 100, 10_000, False)


@pytest.mark.parametrize(
    ("rate", "seconds", "why"),
    [(0, 1, "more than 0"), (1, -1, "more than 0"), (1000, 11, "most-events"), (1, 5, "fill")],
)
def test_the_load_is_bounded(rate: float, seconds: float, why: str) -> None:
    with pytest.raises(guard.RefusedError, match=why):
        guard.check(endpoints(), rate, seconds, 100, 10_000, True)


def test_the_slot_keeps_half_of_what_it_may_hold() -> None:
    assert guard.lag_bound(1024) == 512 * 1024**2
    assert guard.lag_bound(-1) == 4 * 1024**3


def test_processor_time_is_between_the_nearest_samples() -> None:
    samples = [Sample(float(at), {"kafka": at * 2.0, "archive": 1.0}, {"kafka": at}, None) for at in range(5)]
    assert used(*between(samples, 0.9, 3.2)) == {"kafka": 4.0, "archive": 0.0}
    assert peaks(samples) == {"kafka": 4}
    late = Sample(5.0, {"kafka": 10.0, "late": 900.0}, {"kafka": 5}, None)
    assert used(samples[0], late) == {"kafka": 10.0}, "what was not measured at the begin is not taken for all of it"


def test_hours_of_a_run() -> None:
    assert hours(0, 10) == ["year=1970/month=01/day=01/hour=00"]
    assert hours(3599, 3601) == ["year=1970/month=01/day=01/hour=00", "year=1970/month=01/day=01/hour=01"]


def test_objects_are_not_dated_too_early() -> None:
    assert written(datetime(1970, 1, 1, tzinfo=UTC)) == 1.0
    assert written(datetime(1970, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)) == 0.25


def figures(**changes: object) -> dict:
    data = {
        "load": {"rate": 1000, "stopped_early": ""},
        # What is cold is not held to the goals.
        "cold": {
            "events_per_second": 500.0,
            "latency_seconds": {"commit_to_kafka": {"p99": 11.0}, "commit_to_object": {"max": 72.0}},
        },
        "warm": {
            "events_per_second": 999.0,
            "latency_seconds": {"commit_to_kafka": {"p99": 0.5}, "commit_to_object": {"max": 60.4}},
        },
        "exactly_once": {
            "kafka": {"sent": 10, "lost": 0, "duplicates": 0},
            "objects": {"sent": 10, "lost": 0, "duplicates": 0},
            "positions_in_more_than_one_row": 0,
        },
        "objects": {"flushed_by_hand": False},
        "memory_peak_mib": {"postgresql": 100, "kafka": 1400, "schema_registry": 350, "kafka_connect": 400},
    }
    for path, value in changes.items():
        at = data
        *parts, last = path.split("__")
        for part in parts:
            at = at[part]
        at[last] = value
    return data


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, set()),
        ({"load__stopped_early": "the slot is behind"}, {"load.sent"}),
        ({"warm__events_per_second": 900}, {"load.sent"}),
        ({"warm__latency_seconds__commit_to_kafka": {}}, {"load.latency"}),
        ({"warm__latency_seconds__commit_to_kafka__p99": 1.5}, {"load.latency"}),
        ({"exactly_once__kafka__lost": 1}, {"load.kafka_lost"}),
        ({"exactly_once__kafka__duplicates": 1}, {"load.kafka_duplicates"}),
        ({"exactly_once__objects__lost": 1}, {"load.objects_lost"}),
        ({"exactly_once__positions_in_more_than_one_row": 1}, {"load.objects_duplicates"}),
        ({"warm__latency_seconds__commit_to_object__max": 70}, {"load.flush_rule"}),
        ({"objects__flushed_by_hand": True}, {"load.flush_rule"}),
        ({"memory_peak_mib__kafka": 4000}, {"load.memory"}),
        ({"exactly_once__objects": None}, set()),
    ],
)
def test_each_promise_is_judged(changes: dict, wrong: set[str]) -> None:
    assert {each.id for each in judge(figures(**changes), parse_plan(PLAN), 1.0) if not each.ok} == wrong


def test_the_command_line_refuses_before_it_connects(tmp_path, capsys) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN))
    assert main(["--plan", str(path), "--rate", "1000000", "--seconds", "3600"]) == 2
    # Nothing is asked of a server for it.
    assert main(["--plan", str(path), "--check", "--rate", "1000000", "--seconds", "3600"]) == 2
    assert main(["--plan", str(path), "--check"]) == 0
    assert "most-events" in capsys.readouterr().err
    assert main([]) == 2
    assert main(["--table-sql"]) == 0
    assert "CREATE TABLE IF NOT EXISTS public.pipeline_load" in capsys.readouterr().out


def test_a_load_that_ends_before_its_time_is_not_taken_for_a_broken_promise(tmp_path, capsys, monkeypatch) -> None:
    def run(*_arguments):
        raise ConnectionResetError("the server hung up")

    monkeypatch.setattr("cdc_pipeline.load.run.run", run)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN))
    assert main(["--plan", str(path)]) == 3
    said = capsys.readouterr().err
    assert "ConnectionResetError: the server hung up" in said and said.endswith("look at cdc status\n")
