# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is recorded of objectives, and alerted of their error budgets, from what is measured: by promtool."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.alerts import rule_groups, selecting

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from debian_tools import program  # noqa: E402

ALERTS = yaml.safe_load((ROOT / "roles/monitoring/files/alerts.yml").read_text())
OBJECTIVES = yaml.safe_load((ROOT / "roles/monitoring/files/objectives.yml").read_text())
WITHIN = {"namespace": "here"}
# Seconds from one sample and evaluation to the next, as of a pipeline.
STEP = 15
HOUR = 3600
CANARY = 'cdc_canary_commit_timestamp_seconds{instance="m"}'
LAG = 'cdc_consumer_lag_seconds{group="g",topic="t"}'
ROWS = 'cdc_archive_rows_total{topic="t",instance="a"}'
REJECTED = 'cdc_archive_rejected_total{topic="t",rule="r",instance="a"}'
SCRAPED = 'up{instance="a"}'
Values = Iterable[float | None]
# Of the rules. Each is evaluated every 15 s of hours, and so takes its time.
GROUPS = {"slo", "slo_period", "objectives", "freshness", "archive"}


def ages(*parts: tuple[int, float]) -> list[float]:
    """Values of every 15 s: for so many seconds each."""
    return [value for seconds, value in parts for _step in range(seconds // STEP)]


def commits(late: Iterable[float]) -> list[float]:
    """When the newest canary in Kafka was committed, by its age."""
    return [at * STEP - age for at, age in enumerate(late)]


# Of ten minutes a minute and a half is bad: no alert of its own waits for so short a time.
OFTEN = ages((510, 10), (90, 100)) * 9
# A fault of 20 minutes.
ONCE = ages((HOUR, 10), (1200, 400), (2 * HOUR, 10))
WELL = ages((3 * HOUR, 10))


def counted(*parts: tuple[int, float]) -> list[float]:
    """A counter that grows by so much at each sample."""
    found, total = [], 0.0
    for seconds, each in parts:
        for _step in range(seconds // STEP):
            total += each
            found.append(total)
    return found


def firing(name: str, labels: Mapping[str, str]) -> str:
    wanted = "".join(f',{key}="{value}"' for key, value in labels.items())
    return f'count(ALERTS{{alertname="{name}",alertstate="firing"{wanted}}}) or vector(0)'


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> str:
    return program("prometheus", "promtool", tmp_path_factory.mktemp("prometheus"))


class Promtool:
    """Evaluates the rules of objectives, and of the alerts that these go with, over series."""

    def __init__(self, path: str, folder: Path, within: dict[str, str]) -> None:
        self._path, self._folder, self._within = path, folder, within

    def finds(self, named: Mapping[str, Values], expected: Iterable[tuple[int, str, float]], *of: str) -> None:
        """``expected``: seconds, the name of an alert or a query, and how many are firing or its value.

        ``of``: the objectives that are there.
        """
        objectives = {name: OBJECTIVES[name] for name in of}
        rules = rule_groups(ALERTS, ["archive"], "https://example.org/", 1, self._within, objectives)
        rules["groups"] = [each for each in rules["groups"] if each["name"] in GROUPS]
        (self._folder / "rules.yml").write_text(yaml.safe_dump(rules))
        stated = {
            "rule_files": ["rules.yml"],
            "evaluation_interval": f"{STEP}s",
            "tests": [
                {
                    "interval": f"{STEP}s",
                    "input_series": [
                        {"series": selecting(name, self._within), "values": _written(values)}
                        for name, values in named.items()
                    ],
                    "promql_expr_test": [self._expected(*each) for each in expected],
                }
            ],
        }
        (self._folder / "test.yml").write_text(yaml.safe_dump(stated))
        command = [self._path, "test", "rules", self._folder / "test.yml"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def _expected(self, seconds: int, what: str, value: float) -> dict[str, Any]:
        query = firing(what, self._within) if what.isalpha() else f"sum({what})"
        return {"expr": query, "eval_time": f"{seconds}s", "exp_samples": [{"labels": "{}", "value": value}]}


def _written(values: Values) -> str:
    return " ".join("_" if value is None else f"{value:g}" for value in values)


@pytest.fixture
def rules(promtool: str, tmp_path: Path) -> Promtool:
    return Promtool(promtool, tmp_path, {})


@pytest.fixture
def rules_within(promtool: str, tmp_path: Path) -> Promtool:
    """Of a Prometheus that knows other series as well."""
    return Promtool(promtool, tmp_path, WITHIN)


def never(name: str, begin: int, end: int) -> list[tuple[int, str, float]]:
    return [(at, name, 0) for at in range(begin, end, 60)]


@pytest.mark.parametrize("scope", ["rules", "rules_within"])
def test_many_short_interruptions_are_told_though_none_is(request: pytest.FixtureRequest, scope: str):
    rules = request.getfixturevalue(scope)
    name = "CaptureBudgetBurns"
    silent = [*never("ChangesSlow", 0, 5400), *never("FreshnessBudgetBurns", 0, 5400)]
    rules.finds(
        {CANARY: commits(OFTEN)}, [(1200, name, 0), (2040, name, 1), (5385, name, 1), *silent], "capture", "freshness"
    )


def test_many_short_delays_of_the_archive_are_told_though_none_is(rules: Promtool):
    name = "FreshnessBudgetBurns"
    silent = [*never("ArchiveLate", 0, 5400), *never("CaptureBudgetBurns", 0, 5400)]
    named = {CANARY: commits(WELL), LAG: [4 * age for age in OFTEN]}
    rules.finds(named, [(1200, name, 0), (2040, name, 1), (5385, name, 1), *silent], "capture", "freshness")


@pytest.mark.parametrize(
    ("name", "told", "named"),
    [
        ("CaptureBudgetBurns", "ChangesLate", {CANARY: commits(ONCE)}),
        ("FreshnessBudgetBurns", "ArchiveLate", {CANARY: commits(WELL), LAG: ONCE}),
        (
            "QualityBudgetBurns",
            "QualityLow",
            {
                ROWS: counted((3 * HOUR, 100)),
                REJECTED: counted((HOUR, 0), (1200, 50), (2 * HOUR, 0)),
                SCRAPED: [1] * (3 * HOUR // STEP),
            },
        ),
    ],
)
def test_a_fault_that_has_told_of_itself_is_not_told_again(
    rules: Promtool, name: str, told: str, named: dict[str, list[float]]
):
    """Six hours and half an hour see it for long after."""
    slo = name.removesuffix("BudgetBurns").lower()
    seen = [(HOUR + 2400, f'cdc:slo_burn:{window}{{slo="{slo}"}} > bool 6', 1) for window in ("6h", "30m")]
    rules.finds(named, [(HOUR + 1100, told, 1), *seen, *never(name, 0, 3 * HOUR)], slo)


def test_a_start_is_no_burnt_budget(rules: Promtool):
    """There are few measurements yet, of which most are bad."""
    named = {CANARY: commits(ages((30, 10), (90, 100), (HOUR, 10)))}
    rules.finds(named, never("CaptureBudgetBurns", 0, HOUR), "capture")


@pytest.mark.parametrize("scope", ["rules", "rules_within"])
def test_some_records_that_cannot_be_decoded_spend_a_budget(request: pytest.FixtureRequest, scope: str):
    """2 % of them."""
    rules = request.getfixturevalue(scope)
    named = {ROWS: counted((HOUR, 98)), REJECTED: counted((HOUR, 2)), SCRAPED: [1] * (HOUR // STEP)}
    expected = [(HOUR - STEP, "QualityBudgetBurns", 1), (HOUR - STEP, "ArchiveDeadLetters", 1)]
    rules.finds(named, [*expected, *never("QualityLow", 0, HOUR)], "quality")


def test_the_first_dead_letters_count(rules: Promtool):
    """All at once, and none after them: 600, while 2000 others come in five minutes."""
    late: list[float | None] = [None] * 80 + [600] * 160
    named = {ROWS: counted((HOUR, 100)), REJECTED: late, SCRAPED: [1] * 240}
    rules.finds(named, [(1185, "QualityLow", 0), (1500, "QualityLow", 1), (3585, "QualityLow", 0)], "quality")


def test_what_is_left_of_a_budget(rules: Promtool):
    """A fault of 20 minutes of the 101."""
    at = 3 * HOUR
    left = 'round(1000 * cdc:slo_budget_left:14d{slo="capture"})'
    kept = 'round(1e6 * cdc:slo_kept:14d{slo="capture"})'
    missed = 80 / (14 * 86400 / STEP)
    expected = [(at, left, round(1000 * (1 - missed / 0.005))), (at, kept, round(1e6 * (1 - missed)))]
    rules.finds({CANARY: commits(ONCE)}, expected, "capture")


def test_windows_are_scaled_with_the_time_from_one_measurement_to_the_next():
    groups = {each["name"]: each for each in rule_groups(ALERTS, [], "", 0.2, None, OBJECTIVES)["groups"]}
    assert (groups["slo"]["interval"], groups["slo_period"]["interval"]) == ("3s", "24s")
    rules = {(each["record"], each["labels"]["slo"]): each["expr"] for each in groups["slo"]["rules"]}
    assert rules["cdc:slo_burn:5m", "capture"] == 'sum_over_time(cdc:slo_missed{slo="capture"}[60s]) / 20 / 0.005'
    assert {slo for _record, slo in rules} == {"capture", "freshness"}, "nothing is archived by our service here"


def test_what_is_promised_is_in_the_document():
    """By the table of docs/monitoring.md."""
    text = (ROOT / "docs/monitoring.md").read_text()
    found = re.findall(r"^\| `(\w+)` \| .+ \| ([\d.]+) % \| .+ \|$", text, re.MULTILINE)
    assert {name: float(share) for name, share in found} == {
        name: round(100 * each["objective"], 3) for name, each in OBJECTIVES.items()
    }
