# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Each phase and each component is run by its tag alone, and finds all as it should be."""

from __future__ import annotations

import re

import pytest
from components import PHASES, RUNNING
from site_runs import Site


def runs_alone(site: Site, tag: str, roles: list[str]) -> None:
    run = site.run("--tags", tag).must_succeed()
    workloads = re.findall(r"^TASK \[.* until ready: ([a-z-]+) ", run.output, re.MULTILINE)
    assert workloads == [name for role in roles for name in RUNNING.get(role, [])]
    assert run.changed == 0


# One of them shows that a run keeps to its tag; a second run of all phases is the scenario's.
LAST = [phase for phase, roles in PHASES.items() if set(roles) & set(RUNNING)][-1]


@pytest.mark.parametrize(
    "phase", [LAST, *(pytest.param(phase, marks=pytest.mark.full) for phase in PHASES if phase != LAST)]
)
def test_a_phase_by_its_tag(running: Site, phase: str):
    runs_alone(running, phase, PHASES[phase])


@pytest.mark.full
@pytest.mark.parametrize("role", RUNNING)
def test_a_component_by_its_tag(running: Site, role: str):
    runs_alone(running, role, [role])


@pytest.mark.full
def test_the_load_test_by_its_own_tag_alone(running: Site):
    load = {"load_test_rate": 200, "load_test_seconds": 5, "load_test_warmup_seconds": 2}
    running.run("--tags", "production", load_test_report_folder=str(running.reports), **load).must_succeed()
    assert not (running.reports / "load_test-200.json").exists()
    running.run("--tags", "load_test", load_test_report_folder=str(running.reports), **load).must_succeed()
    assert (running.reports / "load_test-200.json").exists()
