# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

SERVERS = {"bootstrap_servers": "fake:9092"}


def test_the_ends_of_topics_that_exist(run_module, kafka):
    kafka.add("a", partitions=3)
    kafka.add("b")
    kafka.ends = {("a", 0): 5, ("a", 2): 7}
    result = run_module("kafka_topic_info", **SERVERS, topics=["a", "b", "c"])
    assert (result["changed"], result["ends"], kafka.writes) == (False, {"a": 12, "b": 0}, [])
    assert run_module("kafka_topic_info", **SERVERS, topics=[])["ends"] == {}


def test_a_cluster_that_is_down_is_named(run_module, kafka):
    kafka.down = True
    with pytest.raises(ModuleFailed, match="Kafka does not answer"):
        run_module("kafka_topic_info", **SERVERS, topics=["a"], retry_timeout=1)
