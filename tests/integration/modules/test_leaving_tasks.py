# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The tasks by which a table that was taken out is archived to its end; the program that looks is a stand-in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GONE = "postgres.public.gone"
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  roles: [cdc.pipeline.common]
  tasks:
    - ansible.builtin.include_role: {name: cdc.pipeline.archive, tasks_from: leaving}
    - ansible.builtin.copy:
        content: >-
          {{ {"leaving": cdc_topics_leaving, "acls": query("cdc.pipeline.kafka_acls"),
              "archive": (query("cdc.pipeline.workloads", "archive") | first).files["archive.yml"]} | to_json }}
        dest: "{{ result }}/before.json"
        mode: "0600"
    - ansible.builtin.include_role: {name: cdc.pipeline.archive, tasks_from: left}
    - ansible.builtin.copy:
        content: >-
          {{ {"leaving": cdc_topics_leaving, "acls": query("cdc.pipeline.kafka_acls"),
              "archive": (query("cdc.pipeline.workloads", "archive") | first).files["archive.yml"]} | to_json }}
        dest: "{{ result }}/after.json"
        mode: "0600"
"""


@pytest.fixture
def play(environment: dict[str, str], tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """Run the tasks with these answers of the program, of which the last is given again."""
    tool = tmp_path / "services/bin/cdc-leaving"
    tool.parent.mkdir(parents=True)
    tool.write_text(
        f"#!{sys.executable}\nimport json, pathlib, sys\nhere = pathlib.Path({str(tmp_path)!r})\n"
        "(here / 'request.json').write_text(sys.stdin.read())\n"
        "answers = json.loads((here / 'answers.json').read_text())\n"
        "(here / 'answers.json').write_text(json.dumps(answers[1:] or answers))\n"
        "print(json.dumps(answers[0]) if answers[0] is not None else sys.exit('no broker'))\n"
    )
    tool.chmod(0o755)
    (tmp_path / "play.yml").write_text(PLAY)

    def run(*answers: Any, **more: Any) -> tuple[int, dict[str, Any], str]:
        variables = {
            "ansible_python_interpreter": sys.executable,
            "result": str(tmp_path),
            "cdc_home": str(tmp_path / "home"),
            "cdc_security": False,
            "cdc_artifacts": {"services": str(tmp_path / "services")},
            "cdc_credentials": dict.fromkeys(
                ("postgresql_superuser", "postgresql_cdc", "schema_registry_reader", "object_store_access_key"), "x"
            ),
            "cdc_tables": ["public.kept"],
            **more,
        }
        (tmp_path / "answers.json").write_text(json.dumps(answers))
        (tmp_path / "variables.json").write_text(json.dumps(variables))
        command = [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "play.yml"]
        given = {"env": environment, "cwd": tmp_path, "capture_output": True, "text": True, "timeout": 300}
        done = subprocess.run([*command, "-e", "@variables.json"], check=False, **given)
        written = {
            name: json.loads((tmp_path / f"{name}.json").read_text())
            for name in ("request", "before", "after")
            if (tmp_path / f"{name}.json").exists()
        }
        return done.returncode, written, done.stdout + done.stderr

    return run


def rights(found: dict[str, Any]) -> set[tuple[str, str]]:
    """Who may do something with the topic that goes, or the one for its dead letters."""
    return {
        (rule["principal"], operation)
        for rule in found["acls"]
        if rule.get("name") in (GONE, f"{GONE}.dlq")
        for operation in rule["operations"]
    }


def test_it_stays_until_it_is_archived(play: Callable[..., tuple[int, dict[str, Any], str]]):
    code, found, output = play({GONE: 3}, {GONE: 2}, {GONE: 0})
    assert code == 0, output
    assert found["request"]["topics"] == ["postgres.public.kept", "postgres.public.pipeline_probe"] + [
        topic for topic in found["request"]["topics"] if topic.endswith("pipeline_load")
    ]
    assert found["request"]["prefix"] == "postgres." and found["request"]["kafka"]["bootstrap_servers"]
    before, after = found["before"], found["after"]
    assert (before["leaving"], after["leaving"]) == ([GONE], [])
    assert GONE in before["archive"] and GONE not in after["archive"]
    assert rights(before) == {
        ("User:kafka_archive", "read"),
        ("User:kafka_archive", "write"),
        ("User:kafka_archive", "describe_configs"),
        ("User:kafka_worker", "write"),
    }
    assert rights(after) == set()


def test_what_takes_too_long_is_named_and_goes_on(play: Callable[..., tuple[int, dict[str, Any], str]]):
    code, found, output = play({GONE: 3}, archive_leaving_timeout=1)
    assert code == 0 and f"{GONE} are not fully archived" in output, output
    assert found["after"]["leaving"] == [GONE] and GONE in found["after"]["archive"]


def test_nothing_is_taken_out_as_long_as_kafka_does_not_answer(play: Callable[..., tuple[int, dict[str, Any], str]]):
    code, found, output = play({GONE: 3}, None, archive_leaving_timeout=1)
    assert code == 0 and found["after"]["leaving"] == [GONE], output
    code, found, output = play(None)
    assert code != 0 and "no broker" in output
