"""What the pipeline has to do, requirement by requirement. docs/requirements.md is made of it."""

from __future__ import annotations

from typing import NamedTuple


class Requirement(NamedTuple):
    """``text``: a sentence or two, for people."""

    title: str
    text: str


REQUIREMENTS: dict[str, Requirement] = {
    "T1": Requirement(
        "Cluster",
        "The pipeline runs in a kind cluster of a control plane and two workers, which the collection makes, "
        "and in any cluster that a kubeconfig leads to, also OpenShift. Its nodes are well, and its ports are "
        "reached from outside.",
    ),
    "T2": Requirement(
        "Storage",
        "PostgreSQL and the brokers keep their data on volumes of storage classes of their own, 15 GiB "
        "together. What a pod has written is there for the next one.",
    ),
    "T3": Requirement(
        "Tenancy",
        "The pipeline has a namespace of its own. Each workload has a service account with the rights that it "
        "needs, and reaches only what it has stated that it talks to.",
    ),
    "T4": Requirement(
        "PostgreSQL",
        "PostgreSQL writes logical WAL within a fixed amount of memory, and has the sample tables of a shop. A "
        "role that may replicate and read, and nothing else, captures them by a publication and a replication "
        "slot.",
    ),
    "T5": Requirement(
        "Kafka",
        "Three brokers without ZooKeeper keep every record three times, in 2 GiB of memory together. The topics "
        "of captured tables have six partitions, keep records for seven days and compress them with LZ4.",
    ),
    "T6": Requirement(
        "Schema registry",
        "A registry with Confluent's API keeps schemas in Kafka and refuses changes that are not backward "
        "compatible. Who reads or writes schemas has to sign in.",
    ),
    "T7": Requirement(
        "Kafka Connect",
        "Distributed workers run Debezium within a fixed amount of memory. Their state lies in replicated "
        "topics, and records that a connector cannot handle go to a dead letter topic.",
    ),
    "T8": Requirement(
        "Baseline",
        "The components reach each other, stay within their memory, and have their data again after a restart. "
        "They carry 1,000 events a second.",
    ),
    "T9": Requirement(
        "Change data capture",
        "Every insert, update, delete and truncation of a captured table is in Kafka once, as Avro, with the "
        "values that PostgreSQL has. A table's columns may change meanwhile.",
    ),
    "T10": Requirement(
        "Archive",
        "The changes lie in S3 as Parquet, each of them once, in a folder of their hour. An object is written "
        "after 1,000 records or 60 seconds, and a record that cannot be archived becomes a dead letter.",
    ),
    "T11": Requirement(
        "Quality",
        "Events are held against their schema and against rules for their data. What breaks them is counted, "
        "set apart and alerted.",
    ),
    "T12": Requirement(
        "End to end",
        "At 1,000 events a second a committed change can be read from Kafka within 5 seconds. No change is lost "
        "and none is there twice, from PostgreSQL to the archive, also when a service, the network or a disk "
        "fails.",
    ),
    "T13": Requirement(
        "Monitoring",
        "Every component is measured and shown on dashboards. People are notified, by e-mail or "
        "Slack, of what is down, what is late and where the quality is low.",
    ),
    "T14": Requirement(
        "Security",
        "Servers encrypt and ask who is there, secrets stay with their owners, and credentials can be "
        "exchanged. Access to data and changes of the configuration are recorded.",
    ),
    "T15": Requirement(
        "Recovery",
        "PostgreSQL and topics are backed up by themselves, and the configuration that matters lies in another "
        "region. The pipeline can be built again from that, in a time that is known.",
    ),
    "T16": Requirement(
        "Capacity",
        "10,000 events a second are carried for long. It is known what more load takes, and too much of it "
        "slows the pipeline down and breaks nothing.",
    ),
}
