"""Whether a Kafka cluster can bear the loss of one more broker: every broker is there and every replica in sync.

`python -m cdc_pipeline.gates.kafka --bootstrap-servers HOSTS --brokers N [--client-config FILE]` exits with 0 when it
can and with 1 and a sentence when it cannot. FILE is a JSON object of librdkafka's settings for security, such as
{"security.protocol": "SSL", "ssl.ca.location": "/etc/kafka/ca.pem"}.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import ClusterMetadata

from cdc_pipeline.clients import kafka
from cdc_pipeline.endpoints import KafkaEndpoint


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


def main(arguments: list[str] | None = None) -> int:
    """0: the cluster can bear the loss of a broker. 1: it cannot. 2: wrong arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--brokers", type=int, required=True)
    parser.add_argument("--client-config", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        client = kafka.secret_settings(options.client_config) if options.client_config else {}
        admin = kafka.admin(KafkaEndpoint(options.bootstrap_servers, client), {"log_level": 0})
    except (OSError, ValueError, KafkaException) as error:
        parser.error(f"--client-config {options.client_config}: {error}")
    try:
        found = obstacle(admin.list_topics(timeout=5), options.brokers)
    except KafkaException as error:
        found = f"{options.bootstrap_servers}: {error.args[0].str()}"
    if found:
        print(found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
