# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the role services puts the command cdc, what it leaves alone, and what destroy removes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


# Stronger than what the roles compute.
GIVEN = {
    "cdc_runtime": "local",
    "cdc_command": "make {}",
    "cdc_catalogue": [{"role": "bulletin", "workloads": ["bulletin-board", "bulletin-echo"]}],
    "cdc_plan_cluster": None,
    "ansible_python_interpreter": sys.executable,
}


@dataclass(frozen=True)
class Step:
    """What one run does. ``part`` names the tasks, ``command`` the link, ``check`` is check mode."""

    part: str
    name: str = "one"
    command: str = "cdc"
    check: bool = False


@pytest.fixture
def run(tmp_path):
    collections = tmp_path / "collections/ansible_collections/cdc"
    collections.mkdir(parents=True)
    (collections / "pipeline").symlink_to(ROOT, target_is_directory=True)
    (tmp_path / "ansible.cfg").touch()
    services = tmp_path / "services"
    (services / "bin").mkdir(parents=True)
    (services / "bin/cdc").write_text('#!/bin/sh\necho "$CDC_HOME $*"\n')
    (services / "bin/cdc").chmod(0o755)

    def play(host: str, step: Step) -> dict[str, Any]:
        home = tmp_path / step.name
        if not step.check:
            home.mkdir(exist_ok=True)
        role = {"name": "cdc.pipeline.services", "tasks_from": step.part, "rolespec_validate": False}
        return {
            "hosts": host,
            "gather_facts": False,
            "check_mode": step.check,
            "vars": {
                "cdc_home": str(home),
                "cdc_instance": step.name,
                # Destroy installs none.
                "cdc_artifacts": {"services": str(services)} if step.part == "command" else {},
                "services_command": str(tmp_path / step.command) if step.command else "",
            },
            "tasks": [
                {"ansible.builtin.include_role": role},
                {"ansible.builtin.debug": {"msg": "called {{ services_cdc | default('') }}."}},
            ],
        }

    def run(*steps: Step) -> list[tuple[int, str]]:
        """How many tasks of each step changed something, and how the command is called."""
        # One start of Ansible for all of them, in which each has a host of its own.
        hosts = [f"step{number}" for number in range(len(steps))]
        (tmp_path / "play.yml").write_text(json.dumps(list(map(play, hosts, steps))))
        done = subprocess.run(
            [
                *(Path(sys.executable).with_name("ansible-playbook"), "-i", ",".join(hosts) + ",", "-c", "local"),
                *("-e", json.dumps(GIVEN), "play.yml"),
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
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        called = dict(re.findall(r'ok: \[(\w+)\] => \{\s+"msg": "called (.*)\."', done.stdout))
        changed = dict(re.findall(r"^(\w+) +: .*changed=(\d+)", done.stdout, re.MULTILINE))
        return [(int(changed[host]), called[host]) for host in hosts]

    return run


def test_it_is_installed_linked_and_removed(run, tmp_path):
    link, home = tmp_path / "cdc", tmp_path / "one"
    assert run(Step("command", check=True)) == [(1, "cdc")], "check mode says what would change"
    assert not link.is_symlink() and not home.exists()
    assert run(Step("command"), Step("command")) == [(1, "cdc"), (0, "cdc")]
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
    # A program that is gone is named.
    (tmp_path / "services/bin/cdc").unlink()
    done = subprocess.run([home / "bin/cdc"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}/services/bin/cdc is missing: run make site\n")
    # Had check mode removed something, the next step would have had less to do.
    steps = run(Step("no_command", check=True), Step("no_command"), Step("no_command"))
    assert [changed for changed, _called in steps] == [1, 1, 0]
    assert not link.is_symlink() and list(home.iterdir()) == []


def test_what_is_anothers_is_left_alone(run, tmp_path):
    link, other = tmp_path / "cdc", tmp_path / "two/bin/cdc"
    (tmp_path / "mine").write_text("of somebody's own\n")
    steps = run(
        Step("command"),
        Step("command", name="two"),
        Step("no_command", name="two"),
        # It changes something, so it was gone.
        Step("command", name="two", command="mine"),
        Step("no_command", name="two", command="mine"),
        Step("command", name="three", command=""),
        Step("no_command", name="three", command=""),
    )
    assert (steps[1], steps[3]) == ((1, str(other)), (1, str(other)))
    assert link.readlink() == tmp_path / "one/bin/cdc"
    assert not other.exists()
    assert (tmp_path / "mine").read_text() == "of somebody's own\n"
    # No link is made where none is wanted.
    assert steps[5] == (1, str(tmp_path / "three/bin/cdc")) and steps[6][0] == 1
