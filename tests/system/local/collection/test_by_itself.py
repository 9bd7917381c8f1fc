# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The installed collection is used from outside of this checkout, as docs/collection.md says."""

from __future__ import annotations

import json
import os

import pytest
from user import User, page_commands

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes users and instances, and so needs root")
BREAKS = """
- name: A play that fails
  hosts: cdc
  gather_facts: false
  roles:
    - role: cdc.pipeline.common
  tasks:
    - name: Use a filter
      ansible.builtin.assert:
        that: "{{ ({'b': 1, 'a': [1, 2]} | cdc.pipeline.to_properties) == 'a=1,2\\nb=1\\n' }}"

    - name: Ask for a topic where no broker is
      cdc.pipeline.kafka_topic:
        bootstrap_servers: 127.0.0.1:1
        name: orders
        retry_timeout: 1
      register: asked
      failed_when: "'Kafka does not answer' not in asked.msg"

    - name: Break
      ansible.builtin.fail:
        msg: broken
"""


def test_a_role_a_module_a_lookup_and_the_guide(user: User):
    first = user.run("ansible-playbook -i hosts.yml database.yml").must_succeed()
    assert first.changed > 0
    assert user.run("ansible-playbook -i hosts.yml database.yml").must_succeed().changed == 0

    (user.folder / "breaks.yml").write_text(BREAKS)
    broken = user.run("ansible-playbook -i hosts.yml breaks.yml").must_fail_with("FAILED: Break")
    assert f"{user.home}/bin/cdc status" in broken.explanation
    (details,) = (user.folder / "reports/local/diagnostics").iterdir()
    assert f"reports/local/diagnostics/{details.name}" in broken.explanation
    assert "postgresql" in (details / "supervisor.txt").read_text()

    user.run(page_commands()[-1]).must_succeed()
    assert not user.home.exists()
    assert user.written() == {}


@pytest.mark.full
def test_the_whole_pipeline_as_the_page_says(user: User):
    _install, build, use, destroy = page_commands()
    built = user.run(build).must_succeed()
    flat = " ".join(built.output.split())
    assert f"ansible-playbook -i {user.folder}/hosts.yml cdc.pipeline.verify · load_test · stop · destroy" in flat
    report = json.loads((user.folder / "reports/local/verify.json").read_text())
    assert len(report) > 50 and all(finding["ok"] for finding in report)
    assert user.run(build).must_succeed().changed == 0

    # The topic, and nothing else.
    assert user.run(use).must_succeed().changed == 1
    assert user.run(use).must_succeed().changed == 0

    user.run("ansible-playbook -i hosts.yml cdc.pipeline.stop").must_succeed()
    stopped = user.run("ansible-playbook -i hosts.yml cdc.pipeline.verify")
    stopped.must_fail_with(f"ansible-playbook -i {user.folder}/hosts.yml cdc.pipeline.start")

    user.run(destroy).must_succeed()
    assert not user.home.exists()
    assert user.written() == {}
