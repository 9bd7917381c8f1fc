# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The callback in a real run of ansible-playbook."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
PLAY = """
- name: A play
  hosts: localhost
  gather_facts: false
  vars: {cdc_home: "%(home)s", cdc_instance: test, cdc_runtime: local, kafka_password: hunter2secret}
  tasks:
    - name: Wait
      ansible.builtin.wait_for: {timeout: %(wait)s}
    - block:
        - {name: Rescued, ansible.builtin.fail: {msg: rescued}}
      rescue:
        - {name: Rescue, ansible.builtin.debug: {msg: it is well}}
    - name: Break
      ansible.builtin.fail: {msg: "the secret is {{ kafka_password }}"}
      when: broken is defined
"""


@pytest.fixture
def run(tmp_path):
    collections = tmp_path / "collections/ansible_collections/cdc"
    collections.mkdir(parents=True)
    (collections / "pipeline").symlink_to(ROOT, target_is_directory=True)
    playbook = Path(sys.executable).with_name("ansible-playbook")

    def run(*arguments: str, wait: int = 0) -> subprocess.CompletedProcess[str]:
        (tmp_path / "play.yml").write_text(PLAY % {"home": tmp_path / "home", "wait": wait})
        (tmp_path / "ansible.cfg").touch()
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
            "ANSIBLE_CALLBACKS_ENABLED": "cdc.pipeline.guide",
            "ANSIBLE_NOCOLOR": "1",
            "CDC_GUIDE_FIRST_MENTION": "1",
        }
        command = [
            str(playbook),
            "-i",
            "localhost,",
            "-c",
            "local",
            "-e",
            f"ansible_python_interpreter={sys.executable}",
            "play.yml",
            *arguments,
        ]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_a_failure_is_explained(run, tmp_path):
    done = run("-e", "broken=1")
    assert done.returncode == 2
    end = done.stdout[done.stdout.index("FAILED: Break") :]
    assert "next:     make status" in end
    (folder,) = (tmp_path / "reports/local/diagnostics").iterdir()
    assert str(folder) in end
    kept = "".join(path.read_text() for path in folder.iterdir())
    assert "hunter2secret" not in kept
    assert "hunter2secret" not in end
    assert "Rescued" not in end
    assert (
        "next:     make INVENTORY=kind status"
        in run("-e", "broken=1", "-e", "cdc_command='make INVENTORY=kind {}'").stdout
    )


def test_a_success_says_little(run, tmp_path):
    done = run(wait=3)
    assert done.returncode == 0
    assert "running: Wait (" in done.stdout
    assert "FAILED" not in done.stdout.partition("PLAY RECAP")[2]
    assert not (tmp_path / "reports").exists()


def role(folder: Path, name: str, tasks: str) -> None:
    (folder / "roles" / name / "tasks").mkdir(parents=True)
    (folder / "roles" / name / "tasks/main.yml").write_text(tasks)


def test_the_end_says_where_the_time_went(run, tmp_path):
    """A role takes what those that it includes do; what prepares all is left out."""
    role(tmp_path, "common", "- {ansible.builtin.include_role: {name: outer}}\n")
    role(tmp_path, "outer", "- {ansible.builtin.include_role: {name: inner}}\n")
    role(tmp_path, "inner", "- {ansible.builtin.include_tasks: more.yml}\n")
    (tmp_path / "roles/inner/tasks/more.yml").write_text("- ansible.builtin.wait_for: {timeout: 5}\n")
    (tmp_path / "common.yml").write_text(
        "- {name: Core services, hosts: localhost, gather_facts: false, roles: [common]}\n"
    )
    done = run("common.yml")
    assert done.returncode == 0, done.stdout
    end = done.stdout.partition("PLAY RECAP")[2]
    rows = {line[:14].strip(): line[14:].split() for line in end.splitlines() if line.startswith(("Core", "  outer"))}
    assert set(rows) == {"Core services", "outer"}, end
    took, waiting = map(int, rows["outer"])
    assert took >= 5 and 4 <= waiting <= took
    assert "\ntook " in end
