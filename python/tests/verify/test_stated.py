"""Workloads that a role states are looked at, whether or not it has checks of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.plan import Plan, parse_plan
from cdc_pipeline.shape import ShapeError
from cdc_pipeline.supervise import runs
from cdc_pipeline.verify.checks import components_of, steps_of

from .test_plans_of_roles import STATED


def plan(home: Path, **expected: object) -> Plan:
    workloads = [
        {"name": "bulletin-board", "role": "bulletin", "ports": {"http": [1]}},
        {"name": "bulletin-digest", "role": "bulletin", "kind": "cronjob"},
    ]
    return parse_plan(
        {
            "endpoints": STATED["cdc_endpoints_document"],
            "workloads": workloads,
            "paths": {"home": str(home)},
            "expected": expected,
        }
    )


def finding(of: Plan):
    (step,) = [step for step in steps_of(of) if step.component == "bulletin"]
    (found,) = step.run(Context(of))
    return found


def test_a_service_that_does_not_listen_and_a_cronjob_that_nobody_waits_for(tmp_path) -> None:
    found = finding(plan(tmp_path))
    assert not found.ok
    assert set(found.found) == {"bulletin-board", "bulletin-digest"}
    assert "bulletin-board" in found.found["bulletin-board"].replace("_", "-")


@pytest.mark.parametrize(("outcome", "ok"), [(runs.SUCCEEDED, True), (runs.STOPPED, True), (runs.FAILED, False)])
def test_a_cronjob_whose_last_run_failed(tmp_path, outcome, ok) -> None:
    folder = tmp_path / "supervisor" / "replicas"
    folder.mkdir(parents=True)
    ended = runs.Run(1.0, 1.0, 1.0, outcome, 3)
    runs.write(folder / "bulletin-digest-0.runs", runs.Record("* * * * *", 0.0, runs=[ended]))
    assert ("bulletin-digest" not in finding(plan(tmp_path)).found) is ok


def test_a_role_of_the_plan_can_be_chosen() -> None:
    assert "bulletin" in components_of(plan(Path("/nowhere")))


@dataclass(frozen=True)
class Bulletin:
    pages: int = 1


def test_a_role_may_have_expectations_of_its_own() -> None:
    assert plan(Path("/nowhere"), bulletin={"pages": 3}).expectations("bulletin", Bulletin) == Bulletin(3)
    with pytest.raises(ShapeError, match="bulletin"):
        plan(Path("/nowhere"), bulletin={"pags": 3}).expectations("bulletin", Bulletin)
    with pytest.raises(ShapeError, match="kafak is unknown"):
        plan(Path("/nowhere"), kafak={})
