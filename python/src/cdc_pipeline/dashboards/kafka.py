"""Kafka's brokers."""

from __future__ import annotations

from cdc_pipeline.dashboards.model import (
    ANSWERS,
    RATE,
    Dashboard,
    Has,
    Kind,
    Panel,
    Query,
    Row,
    Unit,
    at_least,
    below,
)

_JAVA = (Has.JAVA,)
_STANDING = Row(
    "Standing",
    (
        Panel(
            "kafka-up",
            "Kafka",
            "Whether the brokers answer the service that measures.",
            Unit.STATE,
            "ComponentDown",
            (Query("cdc_kafka_up", "brokers"),),
            Kind.STATES,
            words=ANSWERS,
        ),
        Panel(
            "brokers-missing",
            "Brokers that are missing",
            "The expected brokers, minus those in the cluster's metadata.",
            Unit.COUNT,
            "BrokersMissing",
            (Query("cdc_kafka_brokers_expected - cdc_kafka_brokers"),),
            Kind.VALUE,
            at_least(1, 2),
        ),
        Panel(
            "partitions-offline",
            "Partitions without a leader",
            "Nobody can read or write them.",
            Unit.COUNT,
            "PartitionsOffline",
            (Query("cdc_kafka_offline_partitions"),),
            Kind.VALUE,
            at_least(critical=1),
        ),
        Panel(
            "partitions-under-min",
            "Partitions that cannot be written to",
            "They have fewer replicas in sync than a writer needs (min.insync.replicas).",
            Unit.COUNT,
            "PartitionsUnderMinIsr",
            (Query("cdc_kafka_under_min_isr_partitions"),),
            Kind.VALUE,
            at_least(critical=1),
        ),
        Panel(
            "partitions-under-replicated",
            "Partitions with a replica behind",
            "Data is safe, and one broker less may be lost. Right after a restart of a broker it is normal for a "
            "while.",
            Unit.COUNT,
            "PartitionsUnderReplicated",
            (Query("cdc_kafka_under_replicated_partitions", "all topics"),),
            thresholds=at_least(1),
        ),
        Panel(
            "controllers",
            "Active controllers",
            "The sum over the brokers has to be 1.",
            Unit.COUNT,
            "ControllerNotOne",
            (Query("sum(kafka_controller_active)"),),
            Kind.VALUE,
            below(critical=1),
            only=_JAVA,
        ),
    ),
)
_TRAFFIC = Row(
    "Traffic",
    (
        Panel(
            "kafka-records",
            "Records received",
            "By each broker, a second. Copies for other brokers do not count.",
            Unit.PER_SECOND,
            "ChangesSlow",
            (Query(f"rate(kafka_received_records_total[{RATE}])", "{{replica}}"),),
            only=_JAVA,
        ),
        Panel(
            "kafka-received",
            "Bytes received",
            "From clients, by each broker.",
            Unit.BYTES_PER_SECOND,
            "ChangesSlow",
            (Query(f"rate(kafka_received_bytes_total[{RATE}])", "{{replica}}"),),
            only=_JAVA,
        ),
        Panel(
            "kafka-sent",
            "Bytes sent",
            "To clients, by each broker.",
            Unit.BYTES_PER_SECOND,
            "ArchiveLate",
            (Query(f"rate(kafka_sent_bytes_total[{RATE}])", "{{replica}}"),),
            only=_JAVA,
        ),
        Panel(
            "kafka-requests",
            "Time of requests",
            "Of a hundred requests, 99 take at most so long. A fetch waits for records, at most half a second by "
            "default.",
            Unit.SECONDS,
            "PartitionsUnderReplicated",
            (
                Query('max by (request) (kafka_request_seconds{quantile="0.99"})', "{{request}}, slowest broker"),
                Query('max by (request) (kafka_request_seconds{quantile="0.50"})', "{{request}}, half of them"),
            ),
            only=_JAVA,
        ),
        Panel(
            "kafka-idle",
            "Threads that are idle",
            "What is left of the threads that handle requests, and of those of the network. Near 0 a broker is "
            "overloaded.",
            Unit.RATIO,
            "PartitionsUnderReplicated",
            (
                Query("kafka_request_handlers_idle_ratio", "{{replica}}, requests"),
                Query("kafka_network_idle_ratio", "{{replica}}, network"),
            ),
            thresholds=below(0.3, 0.1),
            only=_JAVA,
        ),
        Panel(
            "kafka-failed",
            "Requests that failed",
            "Per second, by kind of request.",
            Unit.PER_SECOND,
            "PartitionsUnderMinIsr",
            (Query(f"sum by (request) (rate(kafka_failed_requests_total[{RATE}]))", "{{request}}"),),
            only=_JAVA,
            may_be_empty="A broker may say nothing of it before the first request has failed.",
        ),
    ),
)
_SPACE = Row(
    "Replicas and space",
    (
        Panel(
            "kafka-shrinks",
            "Replicas that fell behind",
            "How often a replica left those in sync, a second.",
            Unit.PER_SECOND,
            "PartitionsUnderReplicated",
            (Query(f"rate(kafka_isr_shrinks_total[{RATE}])", "{{replica}}"),),
            only=_JAVA,
        ),
        Panel(
            "kafka-leaders",
            "Leaders",
            "Partitions that each broker leads. After a restart Kafka evens them out within minutes.",
            Unit.COUNT,
            "BrokersMissing",
            (Query("kafka_leaders", "{{replica}}"),),
            only=_JAVA,
        ),
        Panel(
            "kafka-disks",
            "Disks that failed",
            "Folders of logs that a broker no longer uses.",
            Unit.COUNT,
            "PartitionsOffline",
            (Query("kafka_log_offline_directories", "{{replica}}"),),
            Kind.VALUE,
            at_least(critical=1),
            only=_JAVA,
        ),
        Panel(
            "kafka-space",
            "Space that a broker has used",
            "What a broker holds, of what it may hold, and what of it is not archived yet. Where it is full of what "
            "is not archived, the connector waits.",
            Unit.RATIO,
            "ArchiveLate",
            (
                Query("cdc_disk_used_ratio", "broker {{broker}}"),
                Query("cdc_disk_unarchived_ratio", "broker {{broker}}, not archived"),
            ),
            thresholds=at_least(0.8, 0.95),
            may_be_empty="The watchdog looks at it only where brokers have a bound.",
        ),
        Panel(
            "kafka-heap",
            "Heap of the brokers",
            "Used, of what is the most. It rises and falls; what stays near 1 is too small.",
            Unit.RATIO,
            "HeapFull",
            (
                Query(
                    'jvm_memory_used_bytes{area="heap",component="kafka"}'
                    ' / jvm_memory_max_bytes{area="heap",component="kafka"}',
                    "{{replica}}",
                ),
            ),
            thresholds=at_least(0.97),
            only=_JAVA,
        ),
        Panel(
            "kafka-gc",
            "Garbage collection of the brokers",
            "Share of the time in which a broker collects garbage.",
            Unit.RATIO,
            "GarbageCollectionLong",
            (
                Query(
                    f'sum by (replica) (rate(jvm_gc_collection_seconds_sum{{component="kafka"}}[{RATE}]))',
                    "{{replica}}",
                ),
            ),
            thresholds=at_least(0.1, 0.3),
            only=_JAVA,
        ),
    ),
)
KAFKA = Dashboard("kafka", "Kafka", "The brokers, their partitions and their load.", (_STANDING, _TRAFFIC, _SPACE))
