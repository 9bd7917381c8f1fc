# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A load that begins right after a start: only what was asked for is new, and both parts of the load are measured."""

from __future__ import annotations

import json

import pytest
from site_runs import Site
from waiting import until

LOAD = {
    "load_test_rate": 200,
    "load_test_seconds": 5,
    "load_test_warmup_seconds": 5,
    "load_test_goal_p99_seconds": 60,
}
ALONE = {"kafka_connect": {"kafka-connect-0"}, "broker": {"kafka-0"}}
PARTS = ("cold", "warm")


@pytest.mark.full
@pytest.mark.parametrize("start", ["kafka_connect", "broker", "all"])
def test_a_load_begins_right_after_a_start(running: Site, start: str):
    before = until(running.processes, lambda found: "archive-0" in found, 60, "the archive runs")
    run = running.run(
        playbook="playbooks/load_test.yml", load_test_start=start, load_test_report_folder=str(running.reports), **LOAD
    )
    run.must_succeed()
    after = running.processes()
    assert after.keys() == before.keys()
    assert {name for name, pid in after.items() if pid != before[name]} == ALONE.get(start, set(before))
    figures = json.loads((running.reports / f"load_test-200-{start}.json").read_text())
    assert figures["load"]["start"] == start
    for part in (figures[name] for name in PARTS):
        assert part["events"] == 1000
        assert {"p50", "p99", "max"} <= part["latency_seconds"]["commit_to_kafka"].keys()
        assert {"p50", "p99", "max"} <= part["latency_seconds"]["commit_to_object"].keys()
        assert part["cpu_us_per_event"]["kafka"] > 0
    kafka, objects = figures["exactly_once"]["kafka"], figures["exactly_once"]["objects"]
    assert kafka == objects == {"sent": 2000, "lost": 0, "duplicates": 0}
    assert all(f"{name}: " in run.output for name in PARTS)


@pytest.mark.full
@pytest.mark.parametrize("start", ["all", *ALONE])
def test_check_mode_starts_nothing_again(running: Site, start: str):
    before = until(running.processes, lambda found: "archive-0" in found, 60, "the archive runs")
    running.run("--check", playbook="playbooks/load_test.yml", load_test_start=start, **LOAD).must_succeed()
    assert running.processes() == before
