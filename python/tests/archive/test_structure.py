"""The archive's files: none grows without a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from cdc_pipeline import archive

FOLDER = Path(archive.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))
MOST_LINES = 400
LOOP_LINES = 200


def too_long(text: str) -> bool:
    """Whether a file has too many lines and does not say why in its first ones."""
    lines = text.splitlines()
    return len(lines) > MOST_LINES and f"more than {MOST_LINES} lines" not in "\n".join(lines[:10])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_long_file_says_why(path: Path) -> None:
    assert not too_long(path.read_text())


def test_a_long_file_is_found() -> None:
    assert too_long("\n" * 401) and not too_long("\n" * 400)
    assert not too_long('"""Has more than 400 lines: so it must be.\n' + "\n" * 401)


def test_the_loop_is_short() -> None:
    assert len((FOLDER / "service.py").read_text().splitlines()) < LOOP_LINES
