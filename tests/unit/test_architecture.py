# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The two walks in docs/architecture.md name files that there are, and functions that are in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
WALKS = ("How a connector's configuration reaches Kafka Connect", "How a record reaches the archive")
PATH = re.compile(r"`([\w./-]+\.(?:py|java|yml))`")
FOLDER = re.compile(r"`([\w./-]+/)`")
FUNCTION = re.compile(r"`(\w+)\(\)`")
DEFINED = r"\b(?:def|class)\s+{0}\b|^\s+public [^=;]*\b{0}\("


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def steps(title: str) -> list[str]:
    """The text of each step, with its further lines."""
    return re.split(r"^\d+\. ", section(title), flags=re.MULTILINE)[1:]


def found(title: str, name: str) -> Path | None:
    """The file of a name, from the root or from a folder that the section names."""
    places = [ROOT, *(ROOT / folder for folder in FOLDER.findall(section(title)))]
    return next((place / name for place in places if (place / name).is_file()), None)


@pytest.mark.parametrize("title", WALKS)
def test_every_file_is_there(title: str):
    assert 10 <= len(steps(title)) <= 12
    assert [folder for folder in FOLDER.findall(section(title)) if not (ROOT / folder).is_dir()] == []
    assert [name for name in PATH.findall(section(title)) if found(title, name) is None] == []


@pytest.mark.parametrize("title", WALKS)
def test_every_step_names_a_file(title: str):
    assert [step for step in steps(title) if not PATH.search(step)] == []


@pytest.mark.parametrize("title", WALKS)
def test_every_function_is_in_a_file_of_its_step(title: str):
    named = [(step, name) for step in steps(title) for name in FUNCTION.findall(step)]
    assert named
    for step, name in named:
        files = [path for each in PATH.findall(step) if (path := found(title, each)) is not None]
        texts = [path.read_text(encoding="utf-8") for path in files]
        assert any(re.search(DEFINED.format(name), text, re.MULTILINE) for text in texts), f"{name}() in: {step}"
