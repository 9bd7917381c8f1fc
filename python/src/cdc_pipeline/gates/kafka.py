"""Whether a Kafka cluster can bear the loss of one more broker: every broker is there and every replica in sync.

`python -m cdc_pipeline.gates.kafka --bootstrap-servers HOSTS --brokers N` exits with 0 when it can and with 1 and a
sentence when it cannot.
"""

from __future__ import annotations

import argparse
import sys

from confluent_kafka.admin import AdminClient, ClusterMetadata


def obstacle(metadata: ClusterMetadata, brokers: int) -> str | None:
    """What stands against taking a broker down, or None.

    :param brokers: how many brokers the cluster has when it is whole.
    """
    if len(metadata.brokers) < brokers:
        return f"{len(metadata.brokers)} of {brokers} brokers are there"
    lagging = [
        f"{topic.topic}-{partition.id}"
        for topic in metadata.topics.values()
        for partition in topic.partitions.values()
        if set(partition.isrs) != set(partition.replicas)
    ]
    if lagging:
        shown = ", ".join(sorted(lagging)[:5])
        return f"{len(lagging)} partitions are under-replicated: {shown}" + (", ..." if len(lagging) > 5 else "")
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--brokers", type=int, required=True)
    arguments = parser.parse_args()
    client = AdminClient({"bootstrap.servers": arguments.bootstrap_servers, "log_level": 0})
    found = obstacle(client.list_topics(timeout=5), arguments.brokers)
    if found:
        print(found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
