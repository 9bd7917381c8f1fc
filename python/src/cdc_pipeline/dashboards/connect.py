"""Kafka Connect and Debezium."""

from __future__ import annotations

from cdc_pipeline.dashboards.model import (
    ANSWERS,
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

_JAVA = (Has.JAVA,)
_WATCHDOG = Row(
    "Connectors",
    (
        Panel(
            "connect-up",
            "Kafka Connect",
            "Whether a worker answers the watchdog.",
            Unit.STATE,
            "ComponentDown",
            (Query("cdc_connectors_connect_up", "worker"),),
            Kind.STATES,
            words=ANSWERS,
        ),
        Panel(
            "connectors-failed",
            "Connectors and tasks that have failed",
            "The watchdog restarts them. One that stays here fails again and again.",
            Unit.COUNT,
            "ConnectorFailed",
            (Query("cdc_connectors_failed"),),
            Kind.VALUE,
            at_least(critical=1),
        ),
        Panel(
            "connectors-stuck",
            "What is stuck",
            "What runs and makes no progress, by its kind. `cdc status` says since when, why, and what to do.",
            Unit.COUNT,
            "ConnectorStuck",
            (Query("sum by (what) (cdc_connectors_troubles)", "{{what}}"),),
            Kind.VALUE,
            at_least(critical=1),
            may_be_empty="Nothing is stuck.",
        ),
        Panel(
            "connectors-restarts",
            "Restarts",
            "Restarts by the watchdog in the time of a rate.",
            Unit.COUNT,
            "ConnectorRestartsOften",
            (Query(f"sum by (connector) (increase(cdc_connectors_restarts_total[{RATE}]))", "{{connector}}"),),
            may_be_empty="No connector was restarted since the watchdog was started.",
        ),
        Panel(
            "connect-tasks",
            "Connectors and tasks",
            "How many each worker runs.",
            Unit.COUNT,
            "ConnectorStuck",
            (
                Query("kafka_connect_connectors", "{{replica}}, connectors"),
                Query("kafka_connect_tasks", "{{replica}}, tasks"),
            ),
            only=_JAVA,
        ),
    ),
)
_DEBEZIUM = Row(
    "Debezium",
    (
        Panel(
            "debezium-connected",
            "Debezium",
            "Whether it reads the slot.",
            Unit.STATE,
            "SlotInactive",
            (Query("debezium_connected", "{{server}}"),),
            Kind.STATES,
            only=_JAVA,
            words={0.0: ("not connected", Level.CRITICAL), 1.0: ("connected", Level.GOOD)},
        ),
        Panel(
            "debezium-lag",
            "Delay of the last event",
            "How long after its commit Debezium read the last event. It stands still while nothing changes: how fresh "
            "Kafka is, the canary says.",
            Unit.SECONDS,
            "ChangesSlow",
            (Query("debezium_lag_seconds", "{{server}}"),),
            thresholds=at_least(10, 60),
            only=_JAVA,
        ),
        Panel(
            "debezium-events",
            "Events read",
            "From PostgreSQL, a second, with those of the heartbeat.",
            Unit.PER_SECOND,
            "ChangesSlow",
            (Query(f"rate(debezium_events_total[{RATE}])", "{{server}}"),),
            only=_JAVA,
        ),
        Panel(
            "debezium-queue",
            "Queue of events",
            "How full the queue between reading and sending is. A full one says that Kafka is what is slow.",
            Unit.RATIO,
            "ChangesSlow",
            (Query("1 - debezium_queue_events_free / debezium_queue_events_limit", "{{server}}"),),
            thresholds=at_least(0.8, 0.95),
            only=_JAVA,
        ),
        Panel(
            "debezium-errors",
            "Events with an error",
            "Events that Debezium could not read, a second.",
            Unit.PER_SECOND,
            "ConnectDeadLetters",
            (Query(f"rate(debezium_erroneous_events_total[{RATE}])", "{{server}}"),),
            thresholds=at_least(0.001),
            only=_JAVA,
        ),
        Panel(
            "canary-delay",
            "Delay from commit to Kafka",
            "Of the canaries that have come to Kafka, by their commit.",
            Unit.SECONDS,
            "ChangesSlow",
            half_and_most("cdc_canary_delay_seconds"),
            thresholds=at_least(10, 60),
            may_be_empty="No canary came to Kafka in the time of a rate.",
        ),
    ),
)
_WORKERS = Row(
    "Workers",
    (
        Panel(
            "connect-records",
            "Records sent to Kafka",
            "By each task, a second.",
            Unit.PER_SECOND,
            "ChangesSlow",
            (Query(f"rate(kafka_connect_source_records_write_total[{RATE}])", "{{connector}}-{{task}}"),),
            only=_JAVA,
        ),
        Panel(
            "connect-errors",
            "Errors of tasks",
            "During the window of a rate, by kind of error.",
            Unit.COUNT,
            "ConnectDeadLetters",
            (
                Query(
                    f"sum by (connector, kind) (increase(kafka_connect_task_errors_total[{RATE}]))",
                    "{{connector}}, {{kind}}",
                ),
            ),
            thresholds=at_least(1),
            only=_JAVA,
        ),
        Panel(
            "connect-rebalances",
            "Rebalances",
            "In the time of a rate. They follow a worker that comes or goes, and a change of connectors.",
            Unit.COUNT,
            "ConnectorStuck",
            (Query(f"increase(kafka_connect_rebalances_total[{RATE}])", "{{replica}}"),),
            only=_JAVA,
        ),
        Panel(
            "connect-heap",
            "Heap of the workers",
            "Used, of what is the most.",
            Unit.RATIO,
            "HeapFull",
            (
                Query(
                    'jvm_memory_used_bytes{area="heap",component="kafka_connect"}'
                    ' / jvm_memory_max_bytes{area="heap",component="kafka_connect"}',
                    "{{replica}}",
                ),
            ),
            thresholds=at_least(0.97),
            only=_JAVA,
        ),
        Panel(
            "connect-gc",
            "Garbage collection of the workers",
            "Share of the time in which a worker collects garbage.",
            Unit.RATIO,
            "GarbageCollectionLong",
            (
                Query(
                    f'sum by (replica) (rate(jvm_gc_collection_seconds_sum{{component="kafka_connect"}}[{RATE}]))',
                    "{{replica}}",
                ),
            ),
            thresholds=at_least(0.1, 0.3),
            only=_JAVA,
        ),
    ),
)
CONNECT = Dashboard(
    "connect", "Connect and Debezium", "What reads PostgreSQL and writes to Kafka.", (_WATCHDOG, _DEBEZIUM, _WORKERS)
)
