"""The cold and the warm part of a load: what belongs to which, and how both are shown."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from cdc_pipeline.load import chart, cli
from cdc_pipeline.load.generator import Sent
from cdc_pipeline.load.ledger import Counts, Ledger
from cdc_pipeline.load.objects import Archived
from cdc_pipeline.load.parts import STARTS, Part, cpu_per_event, divide
from cdc_pipeline.load.report import figures, print_figures
from cdc_pipeline.load.run import Result, Settings
from cdc_pipeline.load.sampler import Sample, used
from hypothesis import given
from hypothesis import strategies as st

BEGIN = 1000.0


def sent(number: int, intended: float, late: float = 0.0) -> Sent:
    return Sent(number, intended, intended + late, intended + late + 0.01)


@given(
    due=st.lists(st.floats(0, 200), max_size=50),
    cold=st.floats(0, 100),
    took=st.floats(0, 300),
)
def test_each_transaction_is_in_the_part_in_which_it_was_due(due: list[float], cold: float, took: float) -> None:
    all_of_them = [sent(number, BEGIN + after) for number, after in enumerate(sorted(due))]
    first, second = divide(all_of_them, BEGIN, cold, BEGIN + took)
    assert [*first.sent, *second.sent] == all_of_them
    assert all(BEGIN <= each.intended < BEGIN + cold for each in first.sent)
    assert all(each.intended >= BEGIN + cold for each in second.sent)
    assert BEGIN == first.begin <= first.end == second.begin <= second.end


def test_a_transaction_that_was_sent_late_is_in_the_part_in_which_it_was_due() -> None:
    first, second = divide([sent(0, BEGIN + 29.9, late=20.0), sent(1, BEGIN + 30.0)], BEGIN, 30, BEGIN + 60)
    assert ([each.number for each in first.sent], [each.number for each in second.sent]) == ([0], [1])


def samples(*cpu: float, step: float = 2.0) -> list[Sample]:
    return [Sample(BEGIN + step * at, {"kafka": value}, {"kafka": 1}, None) for at, value in enumerate(cpu)]


def test_what_is_done_late_is_paid_for_by_the_part_in_which_it_was_done() -> None:
    """100 events are sent in the cold part, of which 20 come through in it: it took 8 s for those 20, not for 100."""
    kafka = Ledger(200, 10)
    kafka.see(range(20), BEGIN + 3)
    kafka.see(range(20, 200), BEGIN + 5)
    found = samples(0.0, 4.0, 8.0, 8.9, 9.8)
    transactions = [sent(number, BEGIN + number * 0.4) for number in range(20)]
    cold, warm = divide(transactions, BEGIN, 4.0, BEGIN + 8.0)
    assert cpu_per_event(found, kafka, cold) == {"kafka": pytest.approx(8.0 / 20)}
    assert cpu_per_event(found, kafka, warm) == {"kafka": pytest.approx(1.8 / 180)}


def test_where_nothing_came_through_no_cost_of_an_event_is_known() -> None:
    assert cpu_per_event(samples(0.0, 4.0, 8.0), Ledger(10, 10), Part(BEGIN, BEGIN + 4, ())) == {}


@given(
    cpu=st.lists(st.floats(0, 5), min_size=4, max_size=30),
    seen=st.lists(st.floats(0, 1), min_size=1, max_size=60),
    boundary=st.floats(0, 1),
)
def test_the_parts_together_are_the_whole(cpu: list[float], seen: list[float], boundary: float) -> None:
    """No second of processor time and no event is counted twice or not at all, wherever the parts meet."""
    total = 0.0
    levels = [0.0, *(total := total + step for step in cpu)]
    taken = samples(*levels)
    length = taken[-1].time - BEGIN
    kafka = Ledger(len(seen), 1)
    for number, share in enumerate(seen):
        kafka.see([number], BEGIN + share * length * 0.999)
    parts = divide([], BEGIN, boundary * length, taken[-1].time)
    paid = 0.0
    for part in parts:
        first = min(taken, key=lambda each, part=part: abs(each.time - part.begin))
        last = min(taken, key=lambda each, part=part: abs(each.time - part.end))
        events = kafka.seen_between(first.time, last.time)
        cost = cpu_per_event(taken, kafka, part)
        assert bool(cost) == bool(events)
        paid += cost["kafka"] * events if events else used(first, last)["kafka"]
    assert paid == pytest.approx(levels[-1])


def result(warmup: float = 4.0, start: str = "none") -> Result:
    """10 events a second for 8 s: those of the first 4 s come after 2 s, the others after 0.1 s."""
    settings = Settings(10.0, 8.0 - warmup, warmup, 10, start=start)
    transactions = [sent(number, BEGIN + number) for number in range(8)]
    kafka, objects = Ledger(80, 10), Ledger(80, 10)
    for each in transactions:
        numbers = range(each.number * 10, each.number * 10 + 10)
        kafka.see(numbers, each.committed + (2.0 if each.number < 4 else 0.1))
        objects.see(numbers, each.committed + 6.0)
    return Result(
        settings=settings,
        begin=BEGIN,
        sent=transactions,
        consumed=BEGIN + 8,
        kafka=kafka,
        kafka_counts=kafka.counts(transactions),
        objects=objects,
        objects_counts=Counts(80, 0, 0),
        archived=Archived(8, 80, 8000, 0),
        flushed=False,
        samples=samples(0.0, 4.0, 8.0, 8.4, 8.8),
        load_average=0.5,
        rates={0: (0, 0), 1: (10, 0), 2: (20, 10)},
    )


def test_both_parts_have_all_their_figures() -> None:
    data = figures(result(start="kafka_connect"))
    assert data["load"]["start"] == "kafka_connect"
    cold, warm = data["cold"], data["warm"]
    assert (cold["events"], warm["events"]) == (40, 40)
    assert set(cold) == set(warm)
    for part, kafka in ((cold, 2.0), (warm, 0.1)):
        latency = part["latency_seconds"]
        for key in ("p50", "p99", "max"):
            assert latency["commit_to_kafka"][key] == pytest.approx(kafka)
            assert latency["commit_to_object"][key] == pytest.approx(6.0)
        assert latency["kafka_to_object"]["p50"] == pytest.approx(6.0 - kafka)
        assert part["events_per_second"] == pytest.approx(10.0, rel=0.01)
    # 20 events were in Kafka before the fourth second, and 60 after it.
    assert cold["cpu_us_per_event"] == {"kafka": pytest.approx(8.0e6 / 20, rel=1e-6)}
    assert warm["cpu_us_per_event"] == {"kafka": pytest.approx(0.8e6 / 60, rel=1e-4)}


def test_without_a_cold_part_all_is_warm() -> None:
    data = figures(result(warmup=0.0))
    assert data["cold"] is None
    assert data["warm"]["events"] == 80
    stream = io.StringIO()
    print_figures(data, stream)
    assert "cold:" not in stream.getvalue() and "warm: 8 s;" in stream.getvalue()


@pytest.mark.parametrize("start", STARTS)
def test_both_parts_are_printed_by_their_names(start: str) -> None:
    stream = io.StringIO()
    print_figures(figures(result(start=start)), stream)
    lines = stream.getvalue().splitlines()
    cold = next(at for at, line in enumerate(lines) if line.startswith("cold: the first 4 s of the load"))
    warm = next(at for at, line in enumerate(lines) if line.startswith("warm: 4 s after them; 40 events at "))
    assert (f"just after {STARTS[start]}; " in lines[cold]) == (start != "none")
    assert lines[cold + 2].split() == ["commit", "to", "kafka", *["2.000"] * 5]
    assert lines[warm + 2].split() == ["commit", "to", "kafka", *["0.100"] * 5]
    table = lines.index(next(line for line in lines if line.startswith("CPU")))
    assert lines[table].split() == ["CPU", "µs/event", "cold", "warm", "peak", "MiB"]
    assert lines[table + 1].split() == ["kafka", "400000.0", "13333.3", "0"]


def test_the_picture_has_both_parts(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    made = result()
    chart.draw(made, figures(made), tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("options", "name"), [([], "load_test-10"), (["--start", "broker"], "load_test-10-broker")])
def test_figures_of_one_start_do_not_replace_those_of_another(
    options: list[str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[Any] = []

    def run(context: Any, settings: Settings, tell: Any) -> Result:
        given.append(settings)
        return result(start=settings.start)

    class Plan:
        """As much as the command asks of it."""

        endpoints = None
        runtime = "local"

    monkeypatch.setattr(cli, "load_plan", lambda path: Plan())
    monkeypatch.setattr(cli, "Context", lambda plan: None)
    monkeypatch.setattr(cli.guard, "check", lambda *arguments: None)
    monkeypatch.setattr(cli.run, "run", run)
    monkeypatch.setattr(cli, "judge", lambda data, plan, goal: [])
    assert cli.main(["--rate", "10", "--output", str(tmp_path), *options]) == 0
    assert (tmp_path / f"{name}.json").exists()
    assert given[0].start == (options[1] if options else "none")
    assert "cold: the first 4 s" in capsys.readouterr().out
