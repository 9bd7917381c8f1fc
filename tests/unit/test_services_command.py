# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the role services puts the command cdc, what it leaves alone, and what destroy removes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAY = """
- name: A play
  hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: cdc.pipeline.services, tasks_from: "{{ tasks }}", rolespec_validate: false}
    - ansible.builtin.debug: {msg: "called {{ services_cdc | default('') }}."}
"""


@pytest.fixture
def run(tmp_path):
    collections = tmp_path / "collections/ansible_collections/cdc"
    collections.mkdir(parents=True)
    (collections / "pipeline").symlink_to(ROOT, target_is_directory=True)
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "ansible.cfg").touch()
    services = tmp_path / "services"
    (services / "bin").mkdir(parents=True)
    (services / "bin/cdc").write_text('#!/bin/sh\necho "$CDC_HOME $*"\n')
    (services / "bin/cdc").chmod(0o755)

    def run(tasks: str, *arguments: str, name: str = "one", command: str = "cdc") -> tuple[int, str]:
        """How many tasks changed something, and how the command is called."""
        home = tmp_path / name
        if "--check" not in arguments:
            home.mkdir(exist_ok=True)
        variables = {
            "tasks": tasks,
            "cdc_home": str(home),
            "cdc_instance": name,
            "cdc_runtime": "local",
            "cdc_command": "make {}",
            "cdc_catalogue": [{"role": "bulletin", "workloads": ["bulletin-board", "bulletin-echo"]}],
            "cdc_plan_cluster": None,
            # Destroy installs none.
            "cdc_artifacts": {"services": str(services)} if tasks == "command" else {},
            "services_command": str(tmp_path / command) if command else "",
        }
        done = subprocess.run(
            [
                *(Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local"),
                *("-e", f"ansible_python_interpreter={sys.executable}", "-e", json.dumps(variables), "play.yml"),
                *arguments,
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
                "ANSIBLE_NOCOLOR": "1",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        called = re.search(r"called (.*)\.", done.stdout)
        return int(re.search(r"changed=(\d+)", done.stdout)[1]), called[1] if called else ""

    return run


def test_it_is_installed_linked_and_removed(run, tmp_path):
    link, home = tmp_path / "cdc", tmp_path / "one"
    changed, called = run("command", "--check")
    assert (changed, called) == (1, "cdc"), "check mode says what would change"
    assert not link.is_symlink() and not home.exists()
    assert run("command") == (1, "cdc")
    assert run("command") == (0, "cdc")
    assert link.readlink() == home / "bin/cdc"
    said = subprocess.run(
        [link, "status"], capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}
    )
    assert said.stdout == f"{home} status\n"
    elsewhere = {"PATH": os.environ["PATH"], "CDC_HOME": "/elsewhere"}
    assert subprocess.run([link], capture_output=True, text=True, check=True, env=elsewhere).stdout == "/elsewhere \n"
    note = json.loads((home / "instance.json").read_text())
    components = {"bulletin": ["bulletin-board", "bulletin-echo"]}
    about = {"instance": "one", "runtime": "local", "command": "make {}", "cluster": None, "forwards": []}
    assert note == {**about, "components": components}
    assert run("no_command", "--check")[0] == 1 and link.is_symlink()
    assert run("no_command")[0] == 1
    assert not link.is_symlink() and list(home.iterdir()) == []
    assert run("no_command")[0] == 0


def test_what_is_anothers_is_left_alone(run, tmp_path):
    run("command")
    link, other = tmp_path / "cdc", tmp_path / "two/bin/cdc"
    assert run("command", name="two") == (1, str(other))
    assert link.readlink() == tmp_path / "one/bin/cdc"
    run("no_command", name="two")
    assert link.is_symlink() and not other.exists()
    (tmp_path / "mine").write_text("of somebody's own\n")
    assert run("command", name="two", command="mine") == (1, str(other))
    run("no_command", name="two", command="mine")
    assert (tmp_path / "mine").read_text() == "of somebody's own\n"


def test_no_link_is_made_where_none_is_wanted(run, tmp_path):
    assert run("command", command="") == (1, str(tmp_path / "one/bin/cdc"))
    assert run("no_command", command="")[0] == 1


def test_a_program_that_is_gone_is_named(run, tmp_path):
    run("command")
    (tmp_path / "services/bin/cdc").unlink()
    done = subprocess.run([tmp_path / "one/bin/cdc"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}/services/bin/cdc is missing: run make site\n")
