# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.pace import Pace, duration
from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.spent import Part


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_long_step_is_mentioned_sparsely():
    said: list[str] = []
    clock = Clock()
    pace = Pace(said.append, first=5, clock=clock)
    pace.step("Kafka | Run 3 brokers")
    for second in range(1, 101):
        clock.now = second
        pace.tick()
    assert said == [f"running: Kafka | Run 3 brokers ({time})" for time in ("5 s", "15 s", "45 s", "1 min 15 s")]


def test_short_steps_are_not():
    said: list[str] = []
    clock = Clock()
    pace = Pace(said.append, first=5, clock=clock)
    for second in range(1, 30):
        clock.now = second
        pace.step(f"step {second}")
        pace.tick()
    assert said == []


def test_one_line_at_the_end():
    clock = Clock()
    pace = Pace(lambda text: None, clock=clock)
    for name, until in (("short", 0.5), ("long", 70.5), ("middle", 80.5)):
        pace.step(name)
        clock.now = until
    pace.stop()
    assert pace.summary() == "took 1 min 20 s; longest: long 1 min 10 s, middle 10 s"


def test_time_and_work_are_those_of_the_step_that_has_ended():
    clock, worked = Clock(), Clock()
    pace = Pace(lambda text: None, clock=clock, worked=worked)
    clock.now, worked.now = 2.0, 1.5
    for part, until, work in (
        (Part("Core services", "kafka"), 12.0, 2.5),
        (Part("Core services", "schema_registry"), 32.0, 3.5),
        (Part("Core services", "kafka"), 42.0, 13.5),
        (Part("Verification", "verify"), 47.0, 18.5),
    ):
        pace.step("a step", part)
        clock.now, worked.now = until, work
    pace.stop()
    assert [line.split() for line in pace.table().splitlines()] == [
        ["seconds", "took", "waiting"],
        ["Core", "services", "40", "28"],
        ["kafka", "20", "9"],
        ["schema_registry", "20", "19"],
        ["Verification", "5", "0"],
        ["verify", "5", "0"],
    ]


def test_the_thread_ends():
    pace = Pace(lambda text: None)
    pace.start()
    pace.stop()
    assert not pace._thread.is_alive()


def test_durations():
    assert [duration(seconds) for seconds in (0.4, 59.4, 61)] == ["0 s", "59 s", "1 min 1 s"]
