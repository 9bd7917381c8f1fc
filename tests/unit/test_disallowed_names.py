# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What ansible-test's pylint refuses and ruff accepts, so that it is found in seconds."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_no_variable_is_called_underscore():
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    # ansible-test does not look at the services.
    files = [ROOT / name for name in listed.splitlines() if not name.startswith("python/")]
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files
        if path.exists()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store)
    ]
    assert not found
