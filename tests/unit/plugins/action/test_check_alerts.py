# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from collection_path import collections_path

WRONG = "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up ==\n  - alert: Up\n    expr: up\n"


def checked(folder: Path, path: str) -> dict[str, Any]:
    """What a play with the module ends with, in check mode."""
    task = {"cdc.pipeline.check_alerts": {"rules": {"/srv/r.yml": WRONG}, "taken": ["Up"]}}
    (folder / "play.yml").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment |= {
        "ANSIBLE_COLLECTIONS_PATH": str(collections_path(folder / "collections")),
        "ANSIBLE_CALLBACKS_ENABLED": "tree",
        "ANSIBLE_CALLBACK_TREE_DIR": str(folder / "results"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "PATH": path,
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", "--check"]
    variables = json.dumps({"ansible_python_interpreter": sys.executable})
    command += ["play.yml", "-e", variables]
    done = subprocess.run(command, env=environment, cwd=folder, check=False, capture_output=True, timeout=120)
    (result,) = (folder / "results").iterdir()
    return {**json.loads(result.read_text()), "failed": done.returncode != 0}


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """A promtool that refuses everything."""
    path = tmp_path / "bin/promtool"
    path.parent.mkdir()
    path.write_text('#!/bin/sh\necho "Checking $3"; echo "  FAILED:"; echo "$3: 5:11: no expression"; exit 1\n')
    path.chmod(0o755)
    return path


def test_what_promtool_says_comes_with_what_it_does_not_know(tool: Path, tmp_path: Path):
    found = checked(tmp_path, f"{tool.parent}:/usr/bin:/bin")
    assert found["failed"]
    assert "4 problems with the rules and receivers of alerts; no component has been changed" in found["msg"]
    for expected in (
        "promtool refuses /srv/r.yml",
        "/srv/r.yml: 5:11: no expression",
        "/srv/r.yml, line 4: the alert A has no label severity",
        "/srv/r.yml, line 6: the alert Up has the name of an alert of the pipeline",
    ):
        assert expected in found["msg"]
