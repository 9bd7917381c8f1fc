# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The filter kind_port_mappings."""

from __future__ import annotations

import importlib

mappings = importlib.import_module(
    "ansible_collections.cdc.pipeline.plugins.filter.kind_port_mappings"
).kind_port_mappings

ENDPOINTS = {
    "postgresql": {"ports": {"sql": {"port": 5432, "node_port": 30432}}},
    "kafka": {"replicas": 3, "ports": {"client": {"port": 9092, "step": 1, "node_port": 30092}, "own": {"port": 1}}},
}


def pairs(**options):
    return [(item["hostPort"], item["containerPort"]) for item in mappings(ENDPOINTS, **options)]


def test_every_replica_with_a_port_of_its_own_is_mapped():
    assert pairs() == [(5432, 30432), (9092, 30092), (9093, 30093), (9094, 30094)]
    assert pairs(offset=100)[0] == (5532, 30432)


def test_room_is_left_for_more_replicas():
    assert len(pairs(replicas=5)) == 6 and len(pairs(replicas=1)) == 4


def test_they_listen_where_they_shall():
    assert {item["listenAddress"] for item in mappings(ENDPOINTS, address="192.0.2.1")} == {"192.0.2.1"}
