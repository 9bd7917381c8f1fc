"""The archive, and the quality of what it reads."""

from __future__ import annotations

from cdc_pipeline.dashboards.model import (
    RANGE,
    RATE,
    Dashboard,
    Has,
    Kind,
    Level,
    Panel,
    Query,
    Row,
    Unit,
    at_least,
    half_and_most,
)

_ARCHIVE = (Has.ARCHIVE,)
_NOTHING_WRITTEN = "The archive has written nothing since it was started."
_LAG = Row(
    "How far it is",
    (
        Panel(
            "consumer-lag-seconds",
            "Age of what is not read",
            "Age of the oldest record that a consumer group has not read, of each topic where it is not 0. Beyond "
            "monitoring_topics_most topics, the further ones are together.",
            Unit.SECONDS,
            "ArchiveLate",
            (Query("cdc_consumer_lag_seconds > 0", "{{group}}, {{topic}}"),),
            thresholds=at_least(180, 300),
            may_be_empty="Everything is read.",
        ),
        Panel(
            "consumer-lag-records",
            "Offsets that are not read",
            "Of each consumer group, with the markers of transactions.",
            Unit.COUNT,
            "ArchiveLate",
            (Query("sum by (group) (cdc_consumer_lag_records)", "{{group}}"),),
        ),
        Panel(
            "archive-lag",
            "Age of what no object holds",
            "Of the partition where it is oldest. The archive writes every minute or 1000 records.",
            Unit.SECONDS,
            "ArchiveLate",
            (Query("max(cdc_archive_lag_seconds)", "oldest"),),
            thresholds=at_least(180, 300),
            only=_ARCHIVE,
        ),
        Panel(
            "archive-delay",
            "Delay from Kafka to an object",
            "From the first record of an object to its committed offset.",
            Unit.SECONDS,
            "ArchiveLate",
            half_and_most("cdc_archive_delay_seconds"),
            only=_ARCHIVE,
            may_be_empty="No object was written in the time of a rate.",
        ),
        Panel(
            "archive-stopped",
            "Partitions that are stopped",
            "The archive does not continue where that would leave a gap. Their records wait in Kafka, for an operator.",
            Unit.COUNT,
            "ArchiveStopped",
            (Query("sum(cdc_archive_partition_stopped) or vector(0)"),),
            Kind.VALUE,
            at_least(critical=1),
            only=_ARCHIVE,
        ),
        Panel(
            "archive-waits",
            "Whom it waits for",
            "Whether the object store and the schema registry do what the archive asks, and whether it has paused "
            "reading, since its memory is full of what it cannot write.",
            Unit.STATE,
            "ObjectStoreDown",
            (
                Query("1 - min(cdc_archive_object_store_up)", "object store"),
                Query("1 - min(cdc_archive_schema_registry_up)", "schema registry"),
                Query("max(cdc_archive_paused)", "reading"),
            ),
            Kind.STATES,
            only=_ARCHIVE,
            words={0.0: ("flows", Level.GOOD), 1.0: ("waits", Level.WARNING)},
        ),
    ),
)
_WORK = Row(
    "What it does",
    (
        Panel(
            "archive-rows",
            "Rows archived",
            "A second, by topic.",
            Unit.PER_SECOND,
            "ArchiveLate",
            (Query(f"sum by (topic) (rate(cdc_archive_rows_total[{RATE}]))", "{{topic}}"),),
            only=_ARCHIVE,
            may_be_empty=_NOTHING_WRITTEN,
        ),
        Panel(
            "archive-transactions",
            "Transactions of Kafka",
            "By which offsets are committed, a second, by result.",
            Unit.PER_SECOND,
            "ArchiveLate",
            (Query(f"sum by (result) (rate(cdc_archive_transactions_total[{RATE}]))", "{{result}}"),),
            only=_ARCHIVE,
            may_be_empty=_NOTHING_WRITTEN,
        ),
        Panel(
            "archive-retries",
            "Steps that are tried again",
            "In the time of a rate, by step.",
            Unit.COUNT,
            "ArchiveLate",
            (Query(f"sum by (step) (increase(cdc_archive_retries_total[{RATE}]))", "{{step}}"),),
            thresholds=at_least(1),
            only=_ARCHIVE,
            may_be_empty="No step has failed since the archive was started.",
        ),
        Panel(
            "archive-buffered",
            "Memory of what is not archived",
            "Records that are read and not written yet. At its bound the archive reads no further until it has "
            "written.",
            Unit.BYTES,
            "ArchiveLate",
            (Query("cdc_archive_buffered_bytes", "{{replica}}"),),
            only=_ARCHIVE,
        ),
    ),
)
_QUALITY = Row(
    "Quality",
    (
        Panel(
            "archive-quality",
            "Quality by topic",
            "The share of a topic's records in the time shown that could be decoded.",
            Unit.RATIO,
            "ArchiveDeadLetters",
            # A topic of which nothing was ever rejected has no such counter.
            (
                Query(
                    f"1 - (sum by (topic) (increase(cdc_archive_rejected_total[{RANGE}]))"
                    f" or 0 * sum by (topic) (increase(cdc_archive_records_consumed_total[{RANGE}])))"
                    f" / (sum by (topic) (increase(cdc_archive_records_consumed_total[{RANGE}])) > 0)",
                    "{{topic}}",
                ),
            ),
            Kind.VALUE,
            only=_ARCHIVE,
            may_be_empty="No record was read in the time that is shown.",
        ),
        Panel(
            "archive-rejected",
            "Dead letters of the archive",
            "Records that went to a topic of dead letters in the time of a rate, by topic and rule.",
            Unit.COUNT,
            "ArchiveDeadLetters",
            (
                Query(
                    f"sum by (topic, rule) (increase(cdc_archive_rejected_total[{RATE}]))",
                    "{{topic}}, {{rule}}",
                ),
            ),
            thresholds=at_least(1),
            only=_ARCHIVE,
            may_be_empty="No record was rejected since the archive was started.",
        ),
        Panel(
            "connect-rejected",
            "Dead letters of Connect",
            "Records that a connector could not convert, in the time of a rate.",
            Unit.COUNT,
            "ConnectDeadLetters",
            (
                Query(
                    f"sum by (connector) (increase(kafka_connect_dead_letters_requests_total[{RATE}]))", "{{connector}}"
                ),
            ),
            thresholds=at_least(1),
            only=(Has.JAVA,),
        ),
        Panel(
            "connect-dropped",
            "Records for no topic",
            "Records that the connector dropped, since no table of the pipeline has their topic, a second.",
            Unit.PER_SECOND,
            "ConnectDeadLetters",
            (Query(f"sum(rate(cdc_connect_dropped_total[{RATE}]))", "dropped"),),
            only=(Has.JAVA,),
            may_be_empty="A worker may say nothing of it before it has dropped a record.",
        ),
        Panel(
            "archive-topics-missing",
            "Topics that are missing",
            "Configured topics that do not exist.",
            Unit.COUNT,
            "ArchiveStopped",
            (Query("max(cdc_archive_topics_missing)"),),
            Kind.VALUE,
            at_least(1),
            only=_ARCHIVE,
        ),
    ),
)
ARCHIVE = Dashboard(
    "archive", "Archive and quality", "How far the archive is, and what it could not decode.", (_LAG, _WORK, _QUALITY)
)
