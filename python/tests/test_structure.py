"""Who imports whom: no file imports itself through others, and verification is a program, not a library."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import cdc_pipeline
import pytest

PACKAGE = cdc_pipeline.__name__
SOURCE = Path(cdc_pipeline.__file__).parent
# The command for people has all that there is.
OF_VERIFY = {"verify", "cli"}


def read(folder: Path) -> dict[str, str]:
    """The text of each file by the name of its module, without that of the package."""
    files = {".".join(path.relative_to(folder).with_suffix("").parts): path for path in folder.rglob("*.py")}
    return {name.removesuffix(".__init__"): path.read_text(encoding="utf-8") for name, path in files.items()}


def imported(text: str, known: Mapping[str, str]) -> set[str]:
    """The modules among ``known`` that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        if isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{each.name}" for each in node.names]
        elif isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        inside = [name.removeprefix(f"{PACKAGE}.") for name in names if name.startswith(f"{PACKAGE}.")]
        modules = [name for name in inside if name in known]
        # A module of a package is meant by itself.
        found |= {name for name in modules if not any(other.startswith(f"{name}.") for other in modules)}
    return found


def imports(files: Mapping[str, str]) -> dict[str, set[str]]:
    """What each module imports."""
    return {name: imported(text, files) for name, text in files.items()}


def circle(files: Mapping[str, str]) -> list[str]:
    """Modules that import each other in a circle; empty without one."""
    try:
        TopologicalSorter(imports(files)).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def packages(files: Mapping[str, str]) -> dict[str, set[str]]:
    """What each package, or module beside them, imports of the others."""
    found: dict[str, set[str]] = {}
    for name, others in imports(files).items():
        own = name.split(".")[0]
        found.setdefault(own, set()).update({other.split(".")[0] for other in others} - {own})
    return found


def reached(package: str, of: Mapping[str, set[str]]) -> set[str]:
    """The packages that a package imports, also through others."""
    found: set[str] = set()
    left = [package]
    while left:
        new = of[left.pop()] - found
        found |= new
        left += new
    return found


def test_no_circle_of_imports() -> None:
    assert circle(read(SOURCE)) == []


def test_a_circle_is_found() -> None:
    files = {"a": f"from {PACKAGE} import b", "b": f"def late():\n    from {PACKAGE}.c.d import x", "c": "", "c.d": ""}
    assert circle(files) == []
    files["c.d"] = f"from {PACKAGE} import log, a"
    assert set(circle(files)) == {"a", "b", "c.d"}


def test_only_commands_import_verification() -> None:
    assert {name for name, others in packages(read(SOURCE)).items() if "verify" in others} | {"verify"} == OF_VERIFY


@pytest.mark.parametrize("package", ["instance", "verify", "clients"])
def test_a_package_does_not_lead_back_to_itself(package: str) -> None:
    assert package not in reached(package, packages(read(SOURCE)))


def test_what_leads_back_is_found() -> None:
    files = {
        "a.b": f"from {PACKAGE}.c import d",
        "c.d": f"from {PACKAGE} import e",
        "e": f"import {PACKAGE}.a.f",
        "a.f": "",
    }
    assert circle(files) == []
    assert "a" in reached("a", packages(files))
