# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The collection's own files, as the preflight reads them."""

from __future__ import annotations

from ansible.parsing.dataloader import DataLoader
from ansible_collections.cdc.pipeline.plugins.plugin_utils._declared import read_declared


def test_what_the_collection_declares():
    declared = read_declared(DataLoader())
    assert declared.owners["cdc_home"] == ""
    assert declared.owners["preflight_own_variables"] == "preflight"
    assert "kafka_connect_" in declared.prefixes
    # From the base inventory, a role's defaults, and the facts of a run.
    assert {"versions_kafka", "kafka_replicas", "cdc_artifacts"} <= declared.names
