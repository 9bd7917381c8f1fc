"""A stopped partition is looked at by itself, with growing pauses, and does not make its instance unready."""

from __future__ import annotations

import pytest
from cdc_pipeline.archive.position import Log, Stop
from cdc_pipeline.archive.readiness import Readiness, Trouble, judge
from cdc_pipeline.archive.stopped import MOST, StoppedPartitions

A, B = ("a", 0), ("b", 1)


def stop(position: int = 5, kind: str = "gap") -> Stop:
    return Stop(position, Log(9, 20), "because", kind)


def checks(stopped: StoppedPartitions, key: tuple[str, int], seconds: int, one: Stop) -> list[int]:
    """When it is looked at, where nothing changes."""
    found = []
    for now in range(seconds):
        if key in stopped.due(float(now)):
            found.append(now)
            stopped.add(key, one, float(now), 0.0)
    return found


def test_pauses_double_up_to_a_limit() -> None:
    stopped = StoppedPartitions(30.0)
    assert stopped.add(A, stop(), 0.0, 100.0)
    found = checks(stopped, A, 5000, stop())
    assert found[:5] == [30, 90, 210, 450, 930]
    assert found[-1] - found[-2] == 30 * MOST
    assert stopped.items()[0][1].since == 100.0


def test_each_is_looked_at_by_itself_and_once_at_a_time() -> None:
    stopped = StoppedPartitions(30.0)
    stopped.add(A, stop(), 0.0, 0.0)
    stopped.add(B, stop(), 20.0, 0.0)
    assert stopped.due(31.0) == {A}
    assert stopped.due(1000.0) == {B}, "the look at the first one is not over"
    stopped.delay({A, B}, 1000.0)
    assert stopped.due(1059.0) == set()
    assert stopped.due(1060.0) == {A, B}


def test_one_that_stops_again_where_it_stopped_before_keeps_its_beginning_and_its_pauses() -> None:
    stopped = StoppedPartitions(30.0)
    stopped.add(A, stop(kind="unknown_schema"), 0.0, 100.0)
    assert stopped.remove(A) and A not in stopped
    assert not stopped.add(A, stop(kind="unknown_schema"), 40.0, 140.0), "no news"
    assert stopped.items()[0][1].since == 100.0
    assert stopped.due(99.0) == set()
    stopped.remove(A)
    stopped.moved(A)
    assert stopped.add(A, stop(kind="unknown_schema"), 200.0, 300.0)
    assert stopped.items()[0][1].since == 300.0


def test_who_asks_is_answered_now() -> None:
    stopped = StoppedPartitions(30.0)
    stopped.add(A, stop(), 0.0, 0.0)
    stopped.hasten()
    assert stopped.due(1.0) == {A}


# --- readiness

STOPPED = Trouble(A, "the log begins at 9", 1_777_889_472.0)
WAITING = Trouble(B, "write: no", 1_777_889_473.0)


@pytest.mark.parametrize(
    ("start", "assigned", "store_up", "stopped", "waiting", "reasons"),
    [
        ([], 3, True, [], [], ()),
        ([], 3, True, [STOPPED], [], ()),
        ([], 3, True, [STOPPED], [WAITING], ()),
        ([], 2, True, [STOPPED], [WAITING], ("the log begins at 9", "write: no")),
        ([], 3, False, [], [WAITING], ("write: no",)),
        (["waiting for topics"], 0, True, [], [], ("waiting for topics",)),
    ],
    ids=["all continue", "one stopped", "one continues", "none continues", "no store", "not begun"],
)
def test_an_instance_is_ready_while_one_of_its_partitions_goes_on(
    start: list[str],
    assigned: int,
    store_up: bool,
    stopped: list[Trouble],
    waiting: list[Trouble],
    reasons: tuple[str, ...],
) -> None:
    assert judge(start, assigned, store_up, stopped, waiting) == Readiness(reasons, tuple(stopped), tuple(waiting))


def test_the_answer_lists_what_does_not_go_on() -> None:
    assert judge([], 3, True, [STOPPED], [WAITING]).to_raw() == {
        "reasons": [],
        "stopped": [
            {"topic": "a", "partition": 0, "reason": "the log begins at 9", "since": "2026-05-04T10:11:12+00:00"}
        ],
        "waiting": [{"topic": "b", "partition": 1, "reason": "write: no", "since": "2026-05-04T10:11:13+00:00"}],
    }
