"""What is said to be stuck, of histories of looks; and what is not, though it may look like it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import pytest
from cdc_pipeline.connectors.judge import Expected, Judge, Patience
from cdc_pipeline.connectors.observed import Connector, Holder, Part, Seen, Slot, Source, lsn
from cdc_pipeline.connectors.restarts import Repeat
from hypothesis import given
from hypothesis import strategies as st

MIB = 1024**2
GIB = 1024 * MIB
OURS = Holder(7, "debezium", "Debezium Streaming", True)
EXPECTED = Expected(("cdc",), "cdc", "debezium")
RUNS = Connector(Part("RUNNING"), {0: Part("RUNNING")})
EVERY = 10.0
PATIENCE = Patience()


def slot(confirmed: int | None = 100, **more: Any) -> Slot:
    return Slot(**{"active": True, "status": "reserved", "confirmed": confirmed, "kept": 0, "holder": OURS, **more})


def source(confirmed: int | None = 100, end: int = 100, snapshot: float | None = None, **more: Any) -> Source:
    return Source(slot(confirmed, **more), end, GIB, snapshot)


def seen(where: Source | None, connector: Connector | None = RUNS, **more: Any) -> Seen:
    return Seen(0.0, {} if connector is None else {"cdc": connector}, where, **more)


def told(looks: Iterable[Seen], expected: Expected = EXPECTED) -> list[list[tuple[str, str, str]]]:
    """What is said after each look, one every ``EVERY`` seconds."""
    judge = Judge(expected)
    return [
        [(each.what, each.name, each.state) for each in judge.see(dataclasses.replace(look, at=number * EVERY))]
        for number, look in enumerate(looks)
    ]


def last(looks: Iterable[Seen], expected: Expected = EXPECTED) -> list[tuple[str, str, str]]:
    return told(looks, expected)[-1]


def seconds_until(looks: list[Seen], wanted: tuple[str, str, str]) -> float:
    """From the first look to the first that says it, and only that."""
    said = told(looks)
    first = next(number for number, each in enumerate(said) if each)
    assert said[first] == [wanted] and all(each == [wanted] for each in said[first:]), said[first:]
    return first * EVERY


# --- what is stuck


def test_a_task_that_runs_and_does_not_get_on_is_stuck():
    """As one whose producer waits for a topic that does not exist: everything says RUNNING."""
    looks = [seen(source(100, 100 + number)) for number in range(60)]
    assert seconds_until(looks, ("connector", "cdc", "stuck")) == PATIENCE.stuck + EVERY
    judge = Judge(EXPECTED)
    for number, look in enumerate(looks):
        found = judge.see(dataclasses.replace(look, at=1000 + number * EVERY))
    assert found[0].since == 1000, "since it last moved"
    assert "stands at 0/64" in found[0].reason and "kafka-connect" in found[0].remedy


def test_it_is_stuck_until_it_makes_progress():
    stands = [seen(source(100, 500))] * 40
    restarted = [seen(source(100, 500), Connector(Part("RUNNING"), {0: Part("RESTARTING")})), *[seen(source(100, 500))]]
    progress = [seen(source(101, 500))]
    said = told([*stands, *restarted, *progress])
    assert said[-2] == [("connector", "cdc", "stuck")] and said[-1] == []


@pytest.mark.parametrize(
    ("connector", "wanted", "grace"),
    [
        (None, ("connector", "cdc", "absent"), PATIENCE.settle),
        (Connector(Part("PAUSED"), {0: Part("PAUSED")}), ("connector", "cdc", "paused"), PATIENCE.settle),
        (Connector(Part("STOPPED")), ("connector", "cdc", "stopped"), PATIENCE.settle),
        (Connector(Part("RUNNING")), ("connector", "cdc", "no_task"), PATIENCE.task),
        (Connector(Part("RUNNING"), {0: Part("UNASSIGNED")}), ("task", "cdc 0", "unassigned"), PATIENCE.task),
        (Connector(Part("UNASSIGNED")), ("connector", "cdc", "unassigned"), PATIENCE.task),
        (Connector(Part("FAILED", "why")), ("connector", "cdc", "failed"), 0.0),
        (Connector(Part("RUNNING"), {0: Part("FAILED", "why")}), ("task", "cdc 0", "failed"), 0.0),
    ],
)
def test_a_connector_that_does_not_run(connector, wanted, grace):
    """Nothing is said of the slot, which nobody reads for that reason."""
    looks = [seen(source(active=False, holder=None, end=100 + number), connector) for number in range(60)]
    assert seconds_until(looks, wanted) == grace
    assert told([*looks, seen(source(101, 200))])[-1] == []


def test_a_connector_that_the_service_itself_has_paused():
    paused = Connector(Part("PAUSED"), {0: Part("PAUSED")})
    judge = Judge(EXPECTED)
    (found,) = judge.see(seen(source(100, 200), paused, waits="a broker is full"))
    assert (found.state, found.reason) == ("waiting", "a broker is full")
    assert judge.see(dataclasses.replace(seen(source(100, 200)), at=10.0)) == []


def test_a_connector_of_others_may_stop_but_not_fail():
    others = {"cdc": RUNS, "theirs": Connector(Part("PAUSED")), "broken": Connector(Part("FAILED", "x"))}
    looks = [dataclasses.replace(seen(source(number, number)), connectors=others) for number in range(60)]
    assert last(looks) == [("connector", "broken", "failed")]


@pytest.mark.parametrize(
    ("where", "wanted", "grace"),
    [
        (source(status="lost", kept=None, active=False, holder=None), "slot_lost", 0.0),
        (source(status="unreserved", safe=-5), "wal_filling", 0.0),
        (source(safe=GIB // 10), "wal_filling", 0.0),
        (source(active=False, holder=None), "slot_inactive", PATIENCE.inactive),
        (source(holder=Holder(9, "debezium", "pg_recvlogical", False)), "slot_occupied", PATIENCE.occupied),
        (Source(None, 100, GIB), "absent", PATIENCE.inactive),
        (source(None), "stuck", PATIENCE.stuck),
    ],
)
def test_a_slot_that_does_not_serve(where, wanted, grace):
    assert seconds_until([seen(where)] * 60, ("slot", "debezium", wanted)) == grace


def test_a_slot_in_other_hands_is_said_whatever_the_connector_does():
    foreign = source(holder=Holder(9, "postgres", "psql", False))
    failed = Connector(Part("RUNNING"), {0: Part("FAILED", "replication slot is active for PID 9")})
    assert ("slot", "debezium", "slot_occupied") in last([seen(foreign, failed)] * 10)


def test_a_server_that_does_not_answer_is_said():
    away = Seen(0.0, None, None, connect_problem="refused", source_problem="down")
    assert last([away] * 6) == []
    assert last([away] * 7) == [("kafka-connect", "workers", "unreachable"), ("postgresql", "server", "unreachable")]


def test_what_is_known_stays_so_while_nobody_answers():
    looks = [seen(source(status="lost"), Connector(Part("PAUSED")))] * 5
    kept = [("connector", "cdc", "paused"), ("slot", "debezium", "slot_lost")]
    assert last([*looks, Seen(0.0, None, None)]) == kept
    stuck = [seen(source(100, 500))] * 40
    assert last([*stuck, Seen(0.0, {"cdc": RUNS}, None)]) == [("connector", "cdc", "stuck")]
    assert last([*stuck, Seen(0.0, None, source(100, 600))]) == [("connector", "cdc", "stuck")]


def test_the_same_failure_at_the_same_position_is_one_trouble_with_its_place_and_remedy():
    position = '[{"offset": {"lsn": 4294967312}}]'
    judge, repeat = Judge(EXPECTED), {"cdc": Repeat(5, "name duplication", position, 60.0)}
    between = seen(source(100, 200))
    failed = seen(source(100, 200), Connector(Part("RUNNING"), {0: Part("FAILED", "x")}))
    for number, look in enumerate((between, failed)):
        (found,) = judge.see(dataclasses.replace(look, at=number), repeat)
        assert (found.what, found.name, found.state, found.since) == ("connector", "cdc", "failing", 0)
        assert found.reason == (
            "failed 5 times in the same way at the same position (after LSN 1/10): name duplication"
        )
        assert "Remove the cause" in found.remedy and "60 s" in found.remedy
    assert judge.see(dataclasses.replace(between, at=2)) == []
    unknown = Judge(EXPECTED).see(between, {"cdc": Repeat(4, "x", None, 60.0)})[0]
    assert unknown.reason == "failed 4 times in the same way (the slot stands at 0/64): x"


# --- what is not


def test_an_idle_database():
    """The heartbeat moves the slot."""
    looks = [seen(source(100 + number, 101 + number)) for number in range(300)]
    assert not any(told(looks))


def test_a_database_in_which_nothing_happens_at_all():
    assert not any(told([seen(source(100, 100))] * 300))


def test_a_first_snapshot_of_hours():
    """The slot is there and not read; no offset moves."""
    before = [seen(source(100, 100 + number, 12.5, active=False, holder=None)) for number in range(2000)]
    after = [seen(source(100, 3000))] * 10 + [seen(source(200, 3000))]
    assert not any(told([*before, *after]))


def test_a_snapshot_while_streaming_waits():
    """As a blocking one that was asked for: the slot stays in the connector's hands."""
    assert not any(told([seen(source(100, 100 + number, 12.5)) for number in range(300)]))


def test_a_slot_that_stands_still_without_a_heartbeat():
    looks = [seen(source(100, 100 + number)) for number in range(300)]
    assert not any(told(looks, dataclasses.replace(EXPECTED, heartbeat=False)))


def test_a_rebalance():
    moves = Connector(Part("RUNNING"), {0: Part("UNASSIGNED")})
    looks = ([seen(source(100, 500), moves)] * 5 + [seen(source(101, 500))]) * 3
    assert not any(told(looks))


def test_a_restart_of_postgresql():
    """Longer than anything else may last, and the connector signs in a while after it."""
    away = [seen(None, source_problem="")] * 50
    back = [seen(source(100, 500, active=False, holder=None))] * 5
    assert not any(told([seen(source(100, 500))] * 25 + away + back + [seen(source(100, 500))] * 25))


def test_a_restart_of_kafka_connect():
    away = [Seen(0.0, None, source(100, 500, active=False, holder=None))] * 5
    assert not any(told([seen(source(100, 500))] * 25 + away + [seen(source(100, 500))] * 25))


def test_a_long_transaction_that_is_decoded():
    """The slot stands still and the connector has got nothing yet, for the server still reads."""
    looks = [seen(source(100, 500 + number, decoding=True)) for number in range(300)]
    assert not any(told(looks))


def test_a_long_transaction_that_is_written_to_kafka():
    """The slot stands at its beginning, and the stored offset moves within it."""
    judge, said, asked = Judge(EXPECTED), [], 0
    for number in range(300):
        at = number * EVERY
        position = str(number) if judge.asks_position(at) else None
        asked += position is not None
        said += judge.see(dataclasses.replace(seen(source(100, 10**9), position=position), at=at))
    assert said == [] and 0 < asked < 100, "Connect reads a topic for each answer"


def test_the_stored_offset_is_not_asked_for_while_the_slot_moves():
    judge = Judge(EXPECTED)
    for number in range(100):
        assert not judge.asks_position(number * EVERY)
        judge.see(dataclasses.replace(seen(source(number, number + 10)), at=number * EVERY))


def test_a_service_that_was_held_up_itself():
    """Between two looks lie minutes, and what is known of the slot is from before."""
    judge = Judge(EXPECTED)
    for at in (*range(0, 200, 10), 900, 902, 904):
        assert judge.see(dataclasses.replace(seen(source(100, 500)), at=float(at))) == []


STATES = st.sampled_from(["RUNNING", "UNASSIGNED", "RESTARTING", "PAUSED", "FAILED"])
LOOKS = st.lists(
    st.tuples(
        st.floats(0.5, 60),
        STATES,
        st.none() | st.tuples(st.booleans(), st.sampled_from(["reserved", "extended", "lost"]), st.integers(0, 3)),
    ),
    max_size=80,
)


@given(LOOKS)
def test_every_trouble_has_lasted_and_has_a_text(looks):
    """Whatever is seen: none begins in the future or twice, each says why and what to do, and only known states."""
    judge, now = Judge(EXPECTED), 0.0
    graces = {"paused": PATIENCE.settle, "unassigned": PATIENCE.task, "slot_inactive": PATIENCE.inactive}
    for pause, state, there in looks:
        now += pause
        where = None if there is None else source(there[2], 10, active=there[0], status=there[1])
        found = judge.see(Seen(now, {"cdc": Connector(Part("RUNNING"), {0: Part(state, "why")})}, where))
        assert len({(each.what, each.name, each.state) for each in found}) == len(found)
        for each in found:
            assert each.since is not None and now - each.since >= graces.get(each.state, 0.0) and each.remedy
            assert each.reason
            assert each.state in {"failed", "unassigned", "slot_inactive", "slot_lost", "stuck"}


@given(st.lists(st.integers(1, 28), min_size=1, max_size=60))
def test_progress_in_time_is_never_called_stuck(pauses):
    looks = [seen(source(number, 10**6)) for number, pause in enumerate(pauses) for _look in range(pause)]
    assert not any(told(looks))


@given(st.integers(0, 2**63 - 1))
def test_positions_are_written_as_postgresql_does(position):
    high, low = lsn(position).split("/")
    assert (int(high, 16) << 32) + int(low, 16) == position
