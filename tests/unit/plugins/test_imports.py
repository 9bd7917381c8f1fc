# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The packages of module_utils and plugin_utils: none imports itself through others, and each keeps to its side."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
FILES = {
    ".".join(path.relative_to(PLUGINS).with_suffix("").parts): path.read_text("utf-8")
    for folder in ("module_utils", "plugin_utils")
    for path in sorted((PLUGINS / folder).rglob("*.py"))
    if path.name != "__init__.py"
}
WORKLOAD = "module_utils._workload"


def imported(name: str, text: str, files: Mapping[str, str]) -> set[str]:
    """Those of ``files`` that the file ``name`` imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level:
            module = ".".join([*name.split(".")[: -node.level], *([node.module] if node.module else [])])
            found |= {module, *(f"{module}.{each.name}" for each in node.names)} & set(files)
    return found


def package(name: str) -> str:
    """The package of a file; of `_workload`, and where a file lies in none, the part of it."""
    folders = name.split(".")[1:-1]
    return ".".join([name.split(".")[0], *folders[:2]]) if folders else name


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """What imports each other in a circle; empty without one."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def between_packages(imports: Mapping[str, set[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, others in imports.items():
        found.setdefault(package(name), set()).update({package(other) for other in others} - {package(name)})
    return found


IMPORTS = {name: imported(name, text, FILES) for name, text in FILES.items()}


def test_no_circle_of_files():
    assert circle(IMPORTS) == []


def test_no_circle_of_packages():
    assert circle(between_packages(IMPORTS)) == []


@pytest.mark.parametrize(
    ("side", "other"),
    [
        (f"{WORKLOAD}.spec", f"{WORKLOAD}.local"),
        (f"{WORKLOAD}.spec", f"{WORKLOAD}.kubernetes"),
        (f"{WORKLOAD}.local", f"{WORKLOAD}.kubernetes"),
        (f"{WORKLOAD}.kubernetes", f"{WORKLOAD}.local"),
        ("module_utils._kubernetes", WORKLOAD),
        ("module_utils", "plugin_utils"),
    ],
)
def test_each_keeps_to_its_side(side, other):
    inside = {name: others for name, others in IMPORTS.items() if name.startswith(f"{side}.")}
    assert inside
    assert {
        name for name, others in inside.items() if any(f"{each}.".startswith(f"{other}.") for each in others)
    } == set()


def test_a_circle_is_found():
    files = {
        "module_utils._a.one": "from .two import x",
        "module_utils._a.two": "from ..b import x",
        "module_utils.b": "",
        "module_utils._a.three": "",
    }
    found = {name: imported(name, text, files) for name, text in files.items()}
    assert circle(found) == [] and circle(between_packages(found)) == []
    files["module_utils.b"] = "def late():\n    from ._a import three"
    found = {name: imported(name, text, files) for name, text in files.items()}
    assert circle(found) == []
    assert set(circle(between_packages(found))) == {"module_utils._a", "module_utils.b"}
    files["module_utils._a.three"] = "from . import one"
    found = {name: imported(name, text, files) for name, text in files.items()}
    assert set(circle(found)) == set(files)
