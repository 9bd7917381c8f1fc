"""How far groups are behind, and how partitions stand."""

from __future__ import annotations

from dataclasses import dataclass

from cdc_pipeline.monitor.groups import Look
from cdc_pipeline.monitor.lag import OTHERS, Behind, First, behind, of_topics, unknown
from cdc_pipeline.monitor.metrics import Metrics
from cdc_pipeline.monitor.partitions import Standing, standing
from prometheus_client import generate_latest

ENDS = {("a", 0): 10, ("a", 1): 20, ("b", 0): 5}


def test_only_positions_with_something_beyond_them_are_behind() -> None:
    assert behind({("a", 0): 10, ("a", 1): 12, ("gone", 0): 1}, ENDS) == {("a", 1): 12}


def test_records_of_a_topic_are_together_and_the_oldest_counts() -> None:
    committed = {("a", 0): 7, ("a", 1): 12, ("b", 0): 5}
    firsts = {("a", 0): First(7, 10, 90.0), ("a", 1): First(12, 20, 70.0)}
    assert of_topics(committed, ENDS, firsts, 100.0, 9) == {"a": Behind(11, 30.0), "b": Behind(0, 0.0)}


def test_markers_of_transactions_are_no_records() -> None:
    found = of_topics({("a", 0): 9}, ENDS, {("a", 0): First(9, 10, None)}, 100.0, 9)
    assert found == {"a": Behind(0, 0.0)}


def test_what_was_seen_at_another_position_says_nothing() -> None:
    found = of_topics({("a", 0): 8}, ENDS, {("a", 0): First(7, 10, 10.0)}, 100.0, 9)
    assert found == {"a": Behind(2, 0.0)}


def test_a_position_is_looked_up_once_until_it_moves_or_more_comes_after_markers() -> None:
    known = {("a", 0): First(7, 10, 90.0), ("a", 1): First(12, 19, None), ("b", 0): First(4, 5, None)}
    positions = {("a", 0): 7, ("a", 1): 12, ("b", 0): 4, ("c", 0): 1}
    assert unknown(positions, known, {**ENDS, ("c", 0): 2}) == {("a", 1): 12, ("c", 0): 1}
    assert unknown({("a", 0): 8}, known, ENDS) == {("a", 0): 8}


def test_topics_beyond_the_most_are_together() -> None:
    committed = {(topic, 0): 0 for topic in "abcd"}
    ends = {(topic, 0): 1 for topic in "abcd"}
    found = of_topics(committed, ends, {}, 0.0, 2)
    assert found == {"a": Behind(1), "b": Behind(1), OTHERS: Behind(2)}


@dataclass
class Partition:
    leader: int
    replicas: list[int]
    isrs: list[int]


def test_partitions_are_counted_by_what_they_lack() -> None:
    every = [
        Partition(1, [1, 2, 3], [1, 2, 3]),
        Partition(1, [1, 2, 3], [1, 2]),
        Partition(1, [1, 2, 3], [1]),
        Partition(-1, [1, 2, 3], []),
        # One of a single replica needs no second one.
        Partition(2, [2], [2]),
    ]
    assert standing(every, 2) == Standing(partitions=5, offline=1, under_min=2, under_replicated=3)


def test_nothing_is_said_of_topics_that_went_away_nor_of_brokers_that_do_not_answer() -> None:
    metrics = Metrics(1.0, 10.0, 3)
    metrics.show(Look(Standing(1), 3, {"g": {"old": Behind(1, 2.0)}}))
    assert b'cdc_consumer_lag_seconds{group="g",topic="old"} 2.0' in generate_latest(metrics.registry)
    metrics.show(Look(Standing(1), 3, {"g": {"new": Behind(0, 0.0)}}))
    text = generate_latest(metrics.registry)
    assert b'topic="old"' not in text and b'cdc_consumer_lag_records{group="g",topic="new"} 0.0' in text
    metrics.show(None)
    text = generate_latest(metrics.registry)
    assert b"cdc_kafka_up 0.0" in text and b"lag" not in text and b"cdc_kafka_offline" not in text
