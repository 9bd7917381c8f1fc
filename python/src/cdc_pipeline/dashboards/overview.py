"""Whether the pipeline keeps what it promises, and where it waits."""

from __future__ import annotations

from cdc_pipeline.dashboards.model import (
    ANSWERS,
    GOES_ON,
    RANGE,
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
    quantile,
)

_AGE = "max(time() - cdc_canary_commit_timestamp_seconds)"
# Series of different components have different labels, so that `or` keeps all of both.
_ARCHIVE_AGE = "max(cdc_consumer_lag_seconds or (time() - cdc_canary_commit_timestamp_seconds))"
_PUT = quantile(0.99, "cdc_archive_put_seconds")
_NO_PUT = "No object was written in the time of a rate."
_NO_RECORD = "No record was archived in the time that is shown."
_QUEUE = "1 - min(debezium_queue_events_free / debezium_queue_events_limit)"

_PROMISES = Row(
    "What is promised",
    (
        Panel(
            "kafka-age",
            "Freshness of Kafka",
            "How long ago the newest commit was that is known to be in Kafka, by the canary. Everything older is "
            "there, whether or not any table changes. About the interval of the canary is as fresh as it gets.",
            Unit.SECONDS,
            "ChangesLate",
            (Query(_AGE),),
            Kind.VALUE,
            at_least(60, 300),
        ),
        Panel(
            "archive-age",
            "Freshness of the archive",
            "The larger of the freshness of Kafka and the age of the oldest record that a watched consumer group, "
            "such as the archive's, has not read. The archive writes every minute or 1000 records, so up to a minute "
            "is normal.",
            Unit.SECONDS,
            "ArchiveLate",
            (Query(_ARCHIVE_AGE),),
            Kind.VALUE,
            at_least(180, 300),
        ),
        Panel(
            "quality",
            "Quality",
            "The share of the records which the archive could decode, of those whose offsets were committed in the "
            "time shown. The others are in topics of dead letters.",
            Unit.RATIO,
            "QualityLow",
            (
                Query(
                    f'1 - sum_over_time(cdc:slo_missed{{slo="quality"}}[{RANGE}])'
                    f" / (sum_over_time(cdc:slo_total[{RANGE}]) > 0)"
                ),
            ),
            Kind.VALUE,
            below(0.98, 0.95),
            only=(Has.ARCHIVE,),
            may_be_empty=_NO_RECORD,
        ),
        Panel(
            "availability",
            "Availability",
            "The share of the probes that were answered in the time shown, over all servers that clients use.",
            Unit.RATIO,
            "ComponentDown",
            (Query(f"avg(avg_over_time(probe_success[{RANGE}]))"),),
            Kind.VALUE,
            below(0.999, 0.99),
        ),
    ),
)
_NOTHING_RECORDED = "Rules record it from some minutes after the start on; of quality, once a record is archived."
_OBJECTIVES = Row(
    "Objectives, and what is left of their error budgets",
    (
        Panel(
            "objectives-kept",
            "Kept in 14 days",
            "The share of the time in which what was committed a minute ago was in Kafka (capture, of which 99.5 % are "
            "promised), and five minutes ago in an object (freshness, 99.5 %), and the share of the records that could "
            "be decoded (quality, 99.9 %).",
            Unit.RATIO,
            "CaptureBudgetBurns",
            (Query("cdc:slo_kept:14d", "{{slo}}"),),
            Kind.VALUE,
            may_be_empty=_NOTHING_RECORDED,
        ),
        Panel(
            "objectives-budget",
            "Error budget that is left",
            "The share of what may be missed in 14 days that was not missed yet. Below 0 the promise is broken.",
            Unit.RATIO,
            "FreshnessBudgetBurns",
            (Query("cdc:slo_budget_left:14d", "{{slo}}"),),
            Kind.VALUE,
            below(0.25, 0),
            may_be_empty=_NOTHING_RECORDED,
        ),
        Panel(
            "objectives-burn",
            "How fast the budgets are spent",
            "In the last hour: 1 spends all of a budget in 14 days. At 14.4, and in six hours at 6, there is an alert, "
            "unless the fault has an alert of its own.",
            Unit.COUNT,
            "QualityBudgetBurns",
            (Query("cdc:slo_burn:1h", "{{slo}}"),),
            thresholds=at_least(6, 14.4),
            may_be_empty=_NOTHING_RECORDED,
        ),
    ),
)
_WAITS = Row(
    "Where it waits",
    (
        Panel(
            "waits",
            "Where it waits",
            "What delays changes. Database: PostgreSQL does not answer, or a transaction is open for five "
            "minutes. Connect: no worker answers, a connector has failed, or the slot is not read. Kafka: no broker "
            "answers, partitions cannot be written to, or Debezium's queue is full. Archive: a record is unread for "
            "three minutes, though the store answers. S3: the store refuses, or takes more than 5 s for an object.",
            Unit.STATE,
            "ChangesLate",
            (
                Query(
                    "max((cdc_connectors_postgresql_up == bool 0)"
                    " or (cdc_postgresql_transaction_oldest_seconds > bool 300))",
                    "Database",
                ),
                Query(
                    # Where PostgreSQL is down, it is not Connect that is waited for.
                    "clamp_max(sum(cdc_connectors_failed > bool 0) + sum(cdc_connectors_connect_up == bool 0)"
                    " + sum(cdc_connectors_slot_active == bool 0), 1) * min(cdc_connectors_postgresql_up)",
                    "Connect",
                ),
                Query(
                    "clamp_max(sum(cdc_kafka_up == bool 0)"
                    " + (sum(cdc_kafka_under_min_isr_partitions > bool 0) or vector(1))"
                    f" + ({_QUEUE} > bool 0.9 or vector(0)), 1)",
                    "Kafka",
                ),
                Query(
                    # Nor the archive where the store is.
                    "(max(cdc_consumer_lag_seconds) > bool 180) * (min(cdc_archive_object_store_up) or vector(1))"
                    " or vector(0)",
                    "Archive",
                ),
                Query(
                    "clamp_max((sum(cdc_archive_object_store_up == bool 0) or vector(0))"
                    f" + ({_PUT} > bool 5 or vector(0)), 1)",
                    "S3",
                ),
            ),
            Kind.STATES,
            words=GOES_ON,
        ),
        Panel(
            "waits-database",
            "Database: WAL that is not confirmed",
            "WAL after what the connector has confirmed. It grows while the connector does not read or cannot write to "
            "Kafka; a long transaction also holds it.",
            Unit.BYTES,
            "WalRetained",
            (Query("max(cdc_connectors_slot_lag_bytes)", "WAL"),),
        ),
        Panel(
            "waits-connect",
            "Connect: Debezium's queue",
            "How full the queue between reading and sending is. A full one says that Kafka is what is slow; an empty "
            "one while Kafka is not fresh, that PostgreSQL or the connector is.",
            Unit.RATIO,
            "ChangesSlow",
            (Query(_QUEUE, "full"),),
            thresholds=at_least(0.8, 0.95),
            only=(Has.JAVA,),
        ),
        Panel(
            "waits-kafka",
            "Kafka: time of a write",
            "Of a hundred requests to write, 99 take at most so long, at each broker. The wait for the other replicas "
            "is in it.",
            Unit.SECONDS,
            "PartitionsUnderReplicated",
            (Query('kafka_request_seconds{request="Produce",quantile="0.99"}', "{{replica}}"),),
            thresholds=at_least(1, 5),
            only=(Has.JAVA,),
        ),
        Panel(
            "waits-archive",
            "Archive: age of what is not read",
            "Age of the oldest record that a consumer group has not read, of the topic where it is oldest.",
            Unit.SECONDS,
            "ArchiveLate",
            (Query("max by (group) (cdc_consumer_lag_seconds)", "{{group}}"),),
            thresholds=at_least(180, 300),
        ),
        Panel(
            "waits-s3",
            "S3: time of a PUT",
            "Of a hundred objects, 99 take at most so long to be written.",
            Unit.SECONDS,
            "ObjectStoreSlow",
            (Query(_PUT, "99 of 100"),),
            thresholds=at_least(1, 5),
            only=(Has.ARCHIVE,),
            may_be_empty=_NO_PUT,
        ),
    ),
)
_FLOW = Row(
    "What flows",
    (
        Panel(
            "kafka-age-over-time",
            "Freshness over time",
            "Freshness of Kafka and of the archive, as above, with the limit of five minutes.",
            Unit.SECONDS,
            "ChangesLate",
            (Query(_AGE, "Kafka"), Query(_ARCHIVE_AGE, "archive")),
            thresholds=at_least(critical=300),
        ),
        Panel(
            "changes",
            "Changes read from PostgreSQL",
            "Events that Debezium has read, a second.",
            Unit.PER_SECOND,
            "ChangesSlow",
            (Query(f"sum(rate(debezium_events_total[{RATE}]))", "events"),),
            only=(Has.JAVA,),
        ),
        Panel(
            "archived",
            "Rows archived",
            "Rows in objects whose offsets are committed, a second.",
            Unit.PER_SECOND,
            "ArchiveLate",
            (Query(f"sum(rate(cdc_archive_rows_total[{RATE}]))", "rows"),),
            only=(Has.ARCHIVE,),
            may_be_empty="The archive has written nothing since it was started.",
        ),
        Panel(
            "alerts",
            "Active alerts",
            "What is alerted now. docs/monitoring.md has a section of each name.",
            Unit.COUNT,
            "ComponentDown",
            (
                Query(
                    'sum by (alertname, severity) (ALERTS{alertstate="firing",severity!="none"})',
                    "{{alertname}} ({{severity}})",
                ),
            ),
            Kind.VALUE,
            at_least(critical=1),
            may_be_empty="No alert is active.",
        ),
        Panel(
            "servers",
            "Servers",
            "Whether each server answers at the port that clients use.",
            Unit.STATE,
            "ComponentDown",
            (Query("probe_success", "{{replica}}"),),
            Kind.STATES,
            words=ANSWERS,
        ),
    ),
)
OVERVIEW = Dashboard(
    "overview",
    "Overview",
    "Whether the pipeline keeps what it promises, and where it waits.",
    (_PROMISES, _OBJECTIVES, _WAITS, _FLOW),
)
