"""Ids of checks: each begins with its component, is stated once, and is what the code gives to findings."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from cdc_pipeline import verify
from cdc_pipeline.endpoints import Endpoints
from cdc_pipeline.instance.plan import Plan, StatedWorkload
from cdc_pipeline.load import report
from cdc_pipeline.shape import read
from cdc_pipeline.verify.checks import COMPONENTS, STEPS, steps_of
from cdc_pipeline.verify.requirements import REQUIREMENTS
from cdc_pipeline.verify.step import Step

from .test_plans_of_roles import STATED

ENDPOINTS = STATED["cdc_endpoints_document"]
FOLDER = Path(verify.__file__).parent
ID = re.compile(rf"(?:{'|'.join(COMPONENTS)})(?:\.[a-z_*]+)+|\*(?:\.[a-z_]+)+")
# Other texts of this form.
NONE = {"storage.tsdb.retention.*", "monitoring.alerts"}


def twice(steps: Iterable[Step]) -> list[str]:
    """Ids that more than one step has."""
    return [id for id, count in Counter(plain(id) for step in steps for id in step.ids).items() if count > 1]


def plain(id: str) -> str:
    """With * for what differs."""
    return re.sub(r"<[a-z]+>", "*", id)


def texts(node: ast.AST) -> Iterator[str]:
    """Every text in code, with * for what is filled in, but what steps state."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Step"):
        for child in ast.iter_child_nodes(node):
            yield from texts(child)


def given(code: str) -> set[str]:
    """The ids of findings that code has."""
    return {text for text in texts(ast.parse(code)) if ID.fullmatch(text)} - NONE


STATED_IDS = {plain(f"{step.component}.{name}") for step in STEPS for name in step.checks}
GIVEN = {id for path in FOLDER.rglob("*.py") for id in given(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_an_id_begins_with_its_component(step: Step) -> None:
    assert all(id.startswith(f"{step.component}.") for id in step.ids)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_a_requirement_is_known(step: Step) -> None:
    assert step.requirement in {"", *REQUIREMENTS}


def test_no_two_checks_have_one_id() -> None:
    assert twice(STEPS) == []


def test_an_id_of_two_steps_is_found() -> None:
    one, other = (Step(f"kafka.{name}", "kafka", lambda _: iter(()), checks=("topic.<topic>",)) for name in ("a", "b"))
    assert twice([one, other]) == ["kafka.topic.*"]
    assert twice([one]) == []


def test_what_is_found_is_stated() -> None:
    assert {id for id in GIVEN if not id.startswith("*")} - STATED_IDS == set()


def test_what_is_stated_is_found() -> None:
    # The sink connector's rows are judged as the archive's own.
    found = GIVEN | {id.replace(".parquet.", ".connect.") for id in GIVEN}
    assert [id for id in STATED_IDS if not any(fnmatchcase(id, each) for each in found)] == []


def test_ids_in_code_are_seen() -> None:
    code = 'Finding("kafka.brokers", f"x {y}"); equal(f"kafka.topic.{name}"); equal(f"{prefix}.memory", "kafka is up.")'
    assert given(code) == {"kafka.brokers", "kafka.topic.*", "*.memory"}
    assert given('Step("kafka.cluster", "kafka", run, "T5", ("kafka.brokers",))') == set()


def test_every_role_has_a_step_of_its_own() -> None:
    workloads = tuple(StatedWorkload(name, name) for name in ("kafka", "archive"))
    steps = steps_of(Plan(read(Endpoints, ENDPOINTS, "endpoints"), workloads=workloads))
    assert twice(steps) == []
    assert {step.id for step in steps} >= {"kafka.stated", "archive.stated"}


def test_the_load_has_other_ids() -> None:
    assert all(id.startswith("load.") for id in report.REQUIREMENTS)
    assert set(report.REQUIREMENTS.values()) <= set(REQUIREMENTS)
