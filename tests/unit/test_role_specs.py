# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Defaults and specifications of the roles, and of the shared variables, cannot drift apart."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/tools"))

from role_specs import COMMON, Role, problems, read_roles, updated_spec  # noqa: E402

ROLES = {role.name: role for role in read_roles(ROOT)}


@pytest.mark.parametrize("name", ROLES)
def test_specification_and_defaults_agree(name):
    assert problems([ROLES[name]]) == []


@pytest.mark.parametrize("name", ROLES)
def test_a_role_has_what_the_collection_promises(name):
    folder = ROLES[name].folder
    assert (folder / "README.md").is_file()
    expected = [] if name == COMMON else [{"role": f"cdc.pipeline.{COMMON}"}]
    assert yaml.safe_load((folder / "meta/main.yml").read_text())["dependencies"] == expected


def role(defaults: dict, **options: dict) -> Role:
    return Role("kafka", Path("kafka"), {"main": {"short_description": "x", "options": options}}, defaults)


def found(made: Role) -> list[str]:
    return [line.partition(": ")[2] for line in problems([made])]


HEAP = {"type": "str", "description": "The heap.", "default": "320m"}


def test_agreement():
    assert found(role({"kafka_heap": "320m"}, kafka_heap=HEAP, cdc_home={"type": "str", "description": "x"})) == []


def test_every_kind_of_difference_is_found():
    made = role({"kafka_heap": "1g", "kafka_new": 1}, kafka_heap=HEAP, kafka_old={**HEAP, "description": ""})
    assert found(made) == [
        "the default of kafka_heap is '320m', the defaults have '1g'",
        "kafka_new of the defaults is missing",
        "kafka_old has a default, and the defaults have none",
        "kafka_old has no description",
    ]


def test_a_computed_default_may_be_described_in_words():
    assert found(role({"kafka_x": "{{ y }}"}, kafka_x={"type": "dict", "description": "By default y."})) == []


def test_defaults_are_followed():
    made = role({"kafka_heap": "1g", "kafka_new": [1]}, kafka_heap=HEAP, kafka_old=HEAP)
    options = yaml.safe_load(updated_spec(made))["argument_specs"]["main"]["options"]
    assert options["kafka_heap"] == {**HEAP, "default": "1g"}
    assert options["kafka_new"] == {"description": "", "type": "list", "elements": "int", "default": [1]}
    assert "kafka_old" not in options
    assert updated_spec(role({"kafka_heap": "320m"}, kafka_heap=HEAP)) is None
