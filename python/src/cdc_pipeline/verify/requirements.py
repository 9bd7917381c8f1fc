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
        "The pipeline runs in a kind cluster of a control plane and two workers, which the collection creates, "
        "and in any cluster that a kubeconfig gives access to, including OpenShift. Its nodes are healthy, and "
        "its ports can be reached from outside.",
    ),
    "T2": Requirement(
        "Storage",
        "PostgreSQL and the brokers store their data on volumes of dedicated storage classes, 15 GiB in total. "
        "The data outlives the pods.",
    ),
    "T3": Requirement(
        "Tenancy",
        "The pipeline has its own namespace. Each workload has a service account with only the rights that it "
        "needs, and can connect only to the workloads that it declares.",
    ),
    "T4": Requirement(
        "PostgreSQL",
        "PostgreSQL writes logical WAL within a fixed amount of memory, and has the sample tables of a shop. A "
        "role with only the rights to replicate and read captures them through a publication and a replication "
        "slot.",
    ),
    "T5": Requirement(
        "Kafka",
        "Three brokers without ZooKeeper store every record three times, with 2 GiB of memory in total. The "
        "topics of captured tables have six partitions, retain records for seven days and use LZ4 compression.",
    ),
    "T6": Requirement(
        "Schema registry",
        "A registry with the Confluent API stores schemas in Kafka and refuses changes that are not backward "
        "compatible. Readers and writers of schemas must sign in.",
    ),
    "T7": Requirement(
        "Kafka Connect",
        "Distributed workers run Debezium within a fixed amount of memory. Their state is stored in replicated "
        "topics, and records that a connector cannot handle go to a dead letter topic.",
    ),
    "T8": Requirement(
        "Baseline",
        "The components can connect to each other, stay within their memory limits, and keep their data across a "
        "restart. They handle 1,000 events per second.",
    ),
    "T9": Requirement(
        "Change data capture",
        "Every insert, update, delete and truncation of a captured table is in Kafka once, as Avro, with the "
        "values in PostgreSQL. The columns of a table may change meanwhile.",
    ),
    "T10": Requirement(
        "Archive",
        "The changes are stored in S3 as Parquet, each once, in a folder for their hour. An object is written "
        "after 1,000 records or 60 seconds. A record that cannot be archived becomes a dead letter.",
    ),
    "T11": Requirement(
        "Quality",
        "Events are validated against their schema and against rules for their data. Violations are counted, "
        "stored separately and reported by alerts.",
    ),
    "T12": Requirement(
        "End to end",
        "At 1,000 events per second, a committed change can be read from Kafka within 5 seconds. No change is "
        "lost or duplicated between PostgreSQL and the archive, even if a service, the network or a disk fails.",
    ),
    "T13": Requirement(
        "Monitoring",
        "Every component is measured and shown on dashboards. People are notified, by e-mail or Slack, of "
        "failures, delays and low quality.",
    ),
    "T14": Requirement(
        "Security",
        "Servers encrypt connections and authenticate clients, only their owners can read secrets, and "
        "credentials can be replaced. Access to data and changes of the configuration are recorded.",
    ),
    "T15": Requirement(
        "Recovery",
        "PostgreSQL and topics are backed up automatically, and the required configuration is stored in another "
        "region. The pipeline can be rebuilt from these within a known time.",
    ),
    "T16": Requirement(
        "Capacity",
        "The pipeline handles 10,000 events per second continuously. The requirements of a higher load are known. "
        "Overload slows the pipeline down, but breaks nothing.",
    ),
}
