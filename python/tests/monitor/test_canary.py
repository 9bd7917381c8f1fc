"""What was sent and is awaited."""

from __future__ import annotations

import json

from cdc_pipeline.monitor.canary import Awaited


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def awaited(who: str = "a") -> tuple[Awaited, Clock, Clock]:
    monotonic, wall = Clock(100.0), Clock(1_700_000_000.0)
    return Awaited(who, monotonic, wall), monotonic, wall


def test_the_delay_is_from_the_commit_whatever_the_clock_on_the_wall_does() -> None:
    canaries, monotonic, wall = awaited()
    number, content = canaries.next()
    canaries.committed(number)
    monotonic.now += 0.4
    wall.now -= 3600.0
    # As Avro's converter writes bytes: a zero, the schema's id, the branch of the union and the length.
    assert canaries.seen(b"\x00\x00\x00\x00\x07\x02\x40" + content.encode()) == (
        monotonic.now - 100.0,
        1_700_000_000.0,
    )
    assert canaries.seen(content.encode()) is None, "it comes once"


def test_one_that_is_in_kafka_before_postgresql_has_answered_took_no_time() -> None:
    canaries, monotonic, _wall = awaited()
    number, content = canaries.next()
    monotonic.now += 5.0
    assert canaries.seen(content.encode()) == (0.0, 1_700_000_000.0)
    canaries.committed(number)
    assert canaries.overdue(0.0) == 0


def test_what_is_not_ours_is_nobody_s() -> None:
    canaries, _monotonic, _wall = awaited()
    number, _content = canaries.next()
    canaries.committed(number)
    others = Awaited("b")
    foreign = others.next()[1].encode()
    wrong = [b"", None, b"{", b"{]", b"[1]", b"7", b"\xff{\xff", json.dumps({"who": "a"}).encode(), foreign]
    wrong += [json.dumps({"who": "a", "number": each}).encode() for each in ("x", None, 99)]
    assert [canaries.seen(value) for value in wrong] == [None] * len(wrong)


def test_one_that_was_not_committed_is_not_awaited_and_late_ones_are_counted() -> None:
    canaries, monotonic, _wall = awaited()
    failed, content = canaries.next()
    canaries.dropped(failed)
    assert canaries.seen(content.encode()) is None
    for _ in range(3):
        canaries.committed(canaries.next()[0])
    canaries.next()
    monotonic.now += 31.0
    assert canaries.overdue(30.0) == 3


def test_they_do_not_pile_up_while_nothing_comes() -> None:
    canaries, monotonic, _wall = awaited()
    for _ in range(3000):
        canaries.committed(canaries.next()[0])
    monotonic.now += 100.0
    assert canaries.overdue(0.0) == 1000
