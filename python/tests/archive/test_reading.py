"""What is read on: memory is bounded, and a partition that waits does not hold up the others."""

from __future__ import annotations

from cdc_pipeline.archive.reading import STALL_SECONDS, Buffered, Decision, Reading

A, B, C = ("t", 0), ("t", 1), ("t", 2)
LATER = STALL_SECONDS + 0.1


def test_while_there_is_room_everything_is_read() -> None:
    assert Reading(100).decide({A: Buffered(60), B: Buffered(39)}, 0.0) == Decision()


def test_without_room_tiles_are_cut_and_reading_stalls_and_then_pauses_until_half_is_free() -> None:
    reading = Reading(100)
    full = {A: Buffered(90), B: Buffered(10)}
    assert reading.decide(full, 0.0) == Decision(poll=False, close=frozenset({A}))
    assert reading.decide(full, LATER) == Decision(pause=frozenset({A, B}), close=frozenset({A}))
    assert reading.decide({A: Buffered(60)}, LATER + 1).pause == {A}
    assert reading.decide({A: Buffered(40), B: Buffered(0)}, LATER + 2) == Decision()


def test_a_partition_that_must_read_to_be_settled_is_read_on() -> None:
    reading = Reading(100)
    parts = {A: Buffered(90), B: Buffered(10, unsettled=True)}
    reading.decide(parts, 0.0)
    assert reading.decide(parts, LATER).pause == {A}


def test_a_partition_that_waits_keeps_its_share_of_a_half() -> None:
    reading = Reading(100)
    assert reading.decide({A: Buffered(50, waits=True), B: Buffered(1)}, 0.0) == Decision(pause=frozenset({A}))
    assert reading.decide({A: Buffered(30, waits=True), B: Buffered(1)}, 0.0).pause == {A}
    assert reading.decide({A: Buffered(24, waits=True), B: Buffered(1)}, 0.0).pause == frozenset()
    two = {A: Buffered(26, waits=True), B: Buffered(20, waits=True), C: Buffered(1)}
    assert reading.decide(two, 0.0).pause == {A}


def test_what_waits_makes_room_for_others() -> None:
    reading = Reading(100)
    parts = {A: Buffered(99, waits=True), B: Buffered(1)}
    reading.decide(parts, 0.0)
    assert reading.decide(parts, LATER).shorten == {A}


def test_where_all_wait_nothing_is_forgotten() -> None:
    reading = Reading(100)
    parts = {A: Buffered(60, waits=True), B: Buffered(60, waits=True)}
    reading.decide(parts, 0.0)
    assert reading.decide(parts, LATER) == Decision(pause=frozenset({A, B}), close=frozenset({A, B}))
