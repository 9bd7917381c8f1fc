# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The condition of a block is looked at again for each of its tasks: none of them may change what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "playbooks").glob("**/*.yml")])
# What tasks include, by the end of the module's name.
INCLUDES = ("include_tasks", "import_tasks")


def tasks(path: Path) -> list[dict[str, Any]]:
    found = yaml.safe_load(path.read_text())
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def inner(of: list[dict[str, Any]], folder: Path) -> Iterator[dict[str, Any]]:
    """Tasks with those in their blocks and in the files that they include."""
    for task in of:
        yield task
        for part in ("block", "rescue", "always"):
            yield from inner(task.get(part) or [], folder)
        for key, value in task.items():
            file = value.get("file") if isinstance(value, dict) else value
            if key.rpartition(".")[2] in INCLUDES and isinstance(file, str) and (folder / file).is_file():
                yield from inner(tasks(folder / file), folder)


def changed(task: dict[str, Any]) -> set[str]:
    """Variables that a task sets."""
    facts = task.get("ansible.builtin.set_fact") or {}
    return {*facts, *([task["register"]] if "register" in task else [])}


def wrong(of: list[dict[str, Any]], folder: Path) -> list[tuple[str, list[str]]]:
    """Blocks whose condition names what one of their tasks but the last sets, by their names."""
    found = []
    for block in (each for each in inner(of, folder) if "block" in each and "when" in each):
        names = set(re.findall(r"\w+", str(block["when"])))
        set_inside = {name for task in inner(block["block"][:-1], folder) for name in changed(task)}
        if both := names & set_inside:
            found.append((str(block.get("name")), sorted(both)))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_task_changes_the_condition_of_its_block(path: Path):
    assert wrong(tasks(path), path.parent) == []


def test_it_is_found(tmp_path: Path):
    (tmp_path / "inner.yml").write_text(yaml.safe_dump([{"ansible.builtin.set_fact": {"left": []}}]))
    include, other = {"ansible.builtin.include_tasks": "inner.yml"}, {"ansible.builtin.debug": {}}
    block = {"name": "b", "when": "left | length > 0", "block": [include, other]}
    assert wrong([block], tmp_path) == [("b", ["left"])]
    assert wrong([{**block, "block": [other, include]}], tmp_path) == []
