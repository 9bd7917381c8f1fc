"""The archive's files: none imports itself through others, and none grows without a reason."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from cdc_pipeline import archive

FOLDER = Path(archive.__file__).parent
PACKAGE = archive.__name__
FILES = sorted(FOLDER.glob("*.py"))
MOST_LINES = 400
LOOP_LINES = 200


def imported(text: str) -> set[str]:
    """The archive's files that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE + "."):
            found.add((node.module or "").removeprefix(PACKAGE + "."))
    return found


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Files that import each other in a circle; empty without one."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def too_long(text: str) -> bool:
    """Whether a file has too many lines and does not say why in its first ones."""
    lines = text.splitlines()
    return len(lines) > MOST_LINES and f"more than {MOST_LINES} lines" not in "\n".join(lines[:10])


def test_no_circle_of_imports() -> None:
    assert circle({path.stem: imported(path.read_text()) for path in FILES}) == []


def test_a_circle_is_found() -> None:
    files = {"a": f"from {PACKAGE} import b", "b": f"def late():\n    from {PACKAGE}.c import x", "c": ""}
    assert circle({name: imported(text) for name, text in files.items()}) == []
    files["c"] = f"from {PACKAGE} import tile, a"
    assert set(circle({name: imported(text) for name, text in files.items()})) == {"a", "b", "c"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_long_file_says_why(path: Path) -> None:
    assert not too_long(path.read_text())


def test_a_long_file_is_found() -> None:
    assert too_long("\n" * 401) and not too_long("\n" * 400)
    assert not too_long('"""Has more than 400 lines: so it must be.\n' + "\n" * 401)


def test_the_loop_is_short() -> None:
    assert len((FOLDER / "service.py").read_text().splitlines()) < LOOP_LINES
