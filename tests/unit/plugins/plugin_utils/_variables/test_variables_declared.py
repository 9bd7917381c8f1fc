# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The collection's own files, as the preflight reads them."""

from __future__ import annotations

import re

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.declared import ROOT, Declared, read_declared


@pytest.fixture(scope="module")
def declared() -> Declared:
    """It takes a second to read."""
    return read_declared(DataLoader())


def test_what_the_collection_declares(declared: Declared):
    assert declared.owners["cdc_home"] == "common"
    assert declared.owners["preflight_own_variables"] == "preflight"
    assert "kafka_connect_" in declared.prefixes
    # From the role common, a role's defaults, and the facts of a run.
    assert {"versions_kafka", "kafka_replicas", "cdc_artifacts"} <= declared.names


def test_what_a_run_leaves_behind_is_known(declared: Declared):
    assert {"cdc_prepared", "cdc_credentials", "artifacts_paths", "workload_result"} <= declared.names


def test_every_variable_that_is_used_is_known(declared: Declared):
    """Or the preflight would refuse it from a user."""
    roles = sorted(path.name for path in (ROOT / "roles").iterdir())
    # Users of Kafka have names like ours, too.
    users = set(declared.defaults["__cdc_kafka_passwords"])
    pattern = re.compile(rf"(?<![\w.'\"/$-])((?:cdc|versions|{'|'.join(roles)})_\w+)(?![\w(.]|\s*:)")
    unknown = {}
    for folder in (
        "roles/*/defaults",
        "roles/*/defaults/main",
        "roles/*/vars",
        "roles/*/vars/main",
        "roles/*/tasks",
        "playbooks",
    ):
        for path in ROOT.glob(f"{folder}/*.yml"):
            # A jar's coordinates have a name like ours.
            text = path.read_text(encoding="utf-8").replace("kafka_2.13", "")
            for name in set(pattern.findall(text)) - declared.names - set(roles) - users:
                unknown.setdefault(name, []).append(str(path.relative_to(ROOT)))
    assert unknown == {}
