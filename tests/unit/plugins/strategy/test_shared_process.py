# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from collection_path import collections_path

STATUS = "/proc/self/status"


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor")
def test_what_a_module_starts_may_use_all_processors(tmp_path: Path):
    tasks = [
        {"ansible.builtin.command": f"cat {STATUS}", "register": "started"},
        {"ansible.builtin.copy": {"content": "{{ started.stdout }}", "dest": str(tmp_path / "status")}},
    ]
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": {"here": local}}}))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment |= {
        "ANSIBLE_COLLECTIONS_PATH": str(collections_path(tmp_path / "collections")),
        "ANSIBLE_STRATEGY": "cdc.pipeline.shared_process",
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory.json", "play.yml"]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert _processors((tmp_path / "status").read_text()) == _processors(Path(STATUS).read_text())


def _processors(status: str) -> str:
    """The list of processors that a process may use, as in 0-3."""
    return next(line.split()[1] for line in status.splitlines() if line.startswith("Cpus_allowed_list:"))
