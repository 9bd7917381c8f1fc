# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The playbooks of the phases run what the catalogue names, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from components import PHASES  # noqa: E402

# What surrounds the components in a cluster is none of them. Of a component it may be that others are told of it.
SURROUNDINGS = set(yaml.safe_load((ROOT / "roles/render/defaults/main.yml").read_text())["render_surroundings"])
SURROUNDINGS -= {role for roles in PHASES.values() for role in roles}
# A phase that has no roles yet is none of the catalogue's.
ALL = ["foundation", "core_services", "integration", "production"]


@pytest.mark.parametrize("phase", ALL)
def test_a_phase_runs_its_roles_in_order_each_by_its_tag(phase):
    (play,) = yaml.safe_load((ROOT / "playbooks" / f"{phase}.yml").read_text())
    assert play["tags"] == [phase]
    roles = [item for item in play["roles"] if item["role"].rpartition(".")[2] not in SURROUNDINGS]
    assert roles == [{"role": f"cdc.pipeline.{role}", "tags": [role]} for role in PHASES.get(phase, [])]


def test_every_phase_is_part_of_the_whole():
    whole = yaml.safe_load((ROOT / "playbooks/site.yml").read_text())
    run = [play["ansible.builtin.import_playbook"].removesuffix(".yml") for play in whole]
    assert [name for name in run if name in ALL] == ALL
    assert set(PHASES) <= set(ALL)


def test_every_run_notes_what_it_states_whatever_its_tags():
    """Or the command cdc would go on looking for what an earlier run has stated."""
    statement, verification = yaml.safe_load((ROOT / "playbooks/verify.yml").read_text())
    assert (statement["tags"], verification["tags"]) == (["always"], ["verify"])
    last = statement["tasks"][-1]["ansible.builtin.include_role"]
    assert (last["name"], last["tasks_from"], last["apply"]) == ("cdc.pipeline.verify", "plan", {"tags": ["always"]})
