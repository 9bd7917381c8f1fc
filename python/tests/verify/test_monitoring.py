"""What is judged of Prometheus' answers."""

from __future__ import annotations

import pytest
from cdc_pipeline.dashboards.model import Has
from cdc_pipeline.verify.checks.dashboards import judge_page, judge_panels
from cdc_pipeline.verify.checks.monitoring import (
    Monitoring,
    judge_canary,
    judge_memory,
    judge_metrics,
    judge_retention,
    judge_targets,
)
from cdc_pipeline.verify.relied import relied_on

UP = {"labels": {"job": "kafka", "instance": "k:1"}, "health": "up", "lastError": ""}
DOWN = {"labels": {"job": "archive", "instance": "a:1"}, "health": "down", "lastError": "connection refused"}


def test_every_target_must_be_there_and_up() -> None:
    assert [finding.ok for finding in judge_targets([UP, UP], 2)] == [True, True]
    missing, up = judge_targets([UP], 2)
    assert not missing.ok and up.ok
    _all, down = judge_targets([UP, DOWN], 2)
    assert not down.ok and down.found == {"archive a:1": "connection refused"}
    unknown = list(judge_targets([{**UP, "health": "unknown"}], 1))[1]
    assert not unknown.ok


def test_a_metric_without_data_is_named() -> None:
    assert judge_metrics(["up", "a"], ["a", "up", "more"]).ok
    finding = judge_metrics(["up", "a", "b"], ["up"])
    assert not finding.ok and finding.found == ["a", "b"]


@pytest.mark.parametrize(("age", "good"), [(0.5, True), (65.0, True), (65.1, False), (None, False)])
def test_the_canary_is_fresh_or_it_is_said(age: float | None, good: bool) -> None:
    assert judge_canary(age, 65.0).ok is good


@pytest.mark.parametrize(
    ("time", "size", "good"),
    [
        ("15d", "1GiB", True),
        ("2w1d", "1024MiB", True),
        ("14d", "1GiB", False),
        ("15d", "2GiB", False),
        ("15d", "0B", False),
    ],
)
def test_retention_is_compared_by_its_value(time: str, size: str, good: bool) -> None:
    flags = {"storage.tsdb.retention.time": time, "storage.tsdb.retention.size": size}
    assert judge_retention(flags, "15d", "1GB").ok is good


def test_memory_is_that_of_all_together() -> None:
    assert judge_memory({"prometheus": 100 << 20, "monitor": 156 << 20}, 256, "memory").ok
    assert not judge_memory({"prometheus": 100 << 20, "monitor": 157 << 20}, 256, "memory").ok


def test_what_is_relied_on_depends_on_what_runs() -> None:
    some, every = relied_on(False, False, False, False), relied_on(True, True, True, True)
    assert set(some) < set(every) and len(set(every)) == len(every)
    assert "node_load1" not in some and "cdc_archive_paused" not in some


def test_what_dashboards_have_is_what_is_expected() -> None:
    assert set(Monitoring(encrypted=True).has) == set(Has)
    assert Monitoring(archive=False, host=False, java=False).has == ()


def test_a_panel_without_data_is_named() -> None:
    assert judge_panels({}, 70).ok
    finding = judge_panels({"waits": "max(a)"}, 70)
    assert not finding.ok and finding.found == {"waits": "max(a)"}


def test_the_page_answers_who_may_see_it() -> None:
    statuses = {"reader": 200, "nobody": 401, "unknown panel": 404}
    assert judge_page(statuses, signed=True).ok
    assert not judge_page({**statuses, "nobody": 200}, signed=True).ok
    assert judge_page({**statuses, "nobody": 200}, signed=False).ok
