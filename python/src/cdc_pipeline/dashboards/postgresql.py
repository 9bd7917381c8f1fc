"""PostgreSQL and its WAL."""

from __future__ import annotations

from cdc_pipeline.dashboards.model import (
    ANSWERS,
    RATE,
    Dashboard,
    Kind,
    Level,
    Panel,
    Query,
    Row,
    Unit,
    at_least,
    below,
)

_SLOT = Row(
    "Replication slot",
    (
        Panel(
            "slot-active",
            "Slots that are read",
            "Whether somebody reads the slot. While nobody does, PostgreSQL keeps its WAL until the limit.",
            Unit.STATE,
            "SlotInactive",
            (Query("cdc_postgresql_slot_active", "{{slot}}"),),
            Kind.STATES,
            words={0.0: ("not read", Level.CRITICAL), 1.0: ("read", Level.GOOD)},
        ),
        Panel(
            "slot-status",
            "State of the WAL of a slot",
            "As PostgreSQL names it: reserved and extended are good. What unreserved needs may be removed by the next "
            "checkpoint; what lost needs was removed.",
            Unit.STATE,
            "SlotUnreserved",
            # One number for each, of which only that of the present state counts.
            (
                Query(
                    'max by (slot) ((cdc_postgresql_slot_wal_status_current{status="extended"} * 1)'
                    ' or (cdc_postgresql_slot_wal_status_current{status="unreserved"} * 2)'
                    ' or (cdc_postgresql_slot_wal_status_current{status="lost"} * 3))',
                    "{{slot}}",
                ),
            ),
            Kind.STATES,
            words={
                0.0: ("reserved", Level.GOOD),
                1.0: ("extended", Level.GOOD),
                2.0: ("unreserved", Level.CRITICAL),
                3.0: ("lost", Level.CRITICAL),
            },
        ),
        Panel(
            "slot-used",
            "WAL kept for a slot, of what it may",
            "WAL that PostgreSQL keeps for a slot, divided by max_slot_wal_keep_size. Beyond 1 the slot is lost at a "
            "checkpoint. 0 where there is no limit.",
            Unit.RATIO,
            "WalRetained",
            (
                Query(
                    "cdc_postgresql_slot_retained_bytes / on (instance) group_left () "
                    "cdc_postgresql_wal_slot_limit_bytes",
                    "{{slot}}",
                ),
            ),
            thresholds=at_least(0.5, 0.8),
        ),
        Panel(
            "slot-retained",
            "WAL kept for a slot",
            "From the oldest WAL that the slot needs to the newest.",
            Unit.BYTES,
            "WalRetained",
            (Query("cdc_postgresql_slot_retained_bytes", "{{slot}}"),),
        ),
        Panel(
            "slot-lag",
            "WAL that is not confirmed",
            "WAL after what the reader of the slot has confirmed. Debezium confirms what is in Kafka, and a heartbeat "
            "every few seconds has it move while no table changes.",
            Unit.BYTES,
            "ChangesSlow",
            (Query("cdc_postgresql_slot_lag_bytes", "{{slot}}"),),
        ),
        Panel(
            "slot-safe",
            "WAL until a slot can be lost",
            "What may still be written before the slot can be lost. Without a limit there is no number.",
            Unit.BYTES,
            "WalRetainedMost",
            (Query("cdc_postgresql_slot_safe_bytes < +Inf", "{{slot}}"),),
            thresholds=below(critical=1),
            may_be_empty="max_slot_wal_keep_size is not set, so that no slot can be lost.",
        ),
    ),
)
_WAL = Row(
    "WAL and transactions",
    (
        Panel(
            "wal-written",
            "WAL written",
            "Bytes a second.",
            Unit.BYTES_PER_SECOND,
            "WalRetained",
            (Query(f"rate(cdc_postgresql_wal_written_bytes_total[{RATE}])", "WAL"),),
        ),
        Panel(
            "wal-size",
            "Size of the WAL on disk",
            "Of all files in pg_wal.",
            Unit.BYTES,
            "DiskFills",
            (Query("cdc_postgresql_wal_size_bytes", "pg_wal"),),
        ),
        Panel(
            "transaction-oldest",
            "Oldest transaction",
            "Age of the oldest transaction that is open, and of the oldest that is prepared. A slot cannot move past "
            "its beginning, and Debezium sees a transaction only when it has ended.",
            Unit.SECONDS,
            "TransactionOld",
            (
                Query("cdc_postgresql_transaction_oldest_seconds", "open"),
                Query("cdc_postgresql_transaction_oldest_prepared_seconds", "prepared"),
            ),
            thresholds=at_least(300, 1800),
        ),
        Panel(
            "transactions",
            "Transactions",
            "Of the captured database, a second.",
            Unit.PER_SECOND,
            "ChangesSlow",
            (
                Query(f"rate(cdc_postgresql_database_commits_total[{RATE}])", "committed"),
                Query(f"rate(cdc_postgresql_database_rollbacks_total[{RATE}])", "rolled back"),
            ),
        ),
    ),
)
_SERVER = Row(
    "Server",
    (
        Panel(
            "postgresql-up",
            "PostgreSQL",
            "Whether the watchdog can sign in.",
            Unit.STATE,
            "PostgresqlDown",
            (Query("cdc_connectors_postgresql_up", "PostgreSQL"),),
            Kind.STATES,
            words=ANSWERS,
        ),
        Panel(
            "connections",
            "Connections used",
            "Connections of clients, divided by max_connections.",
            Unit.RATIO,
            "PostgresqlDown",
            (Query("cdc_postgresql_connections_used / cdc_postgresql_connections_limit", "used"),),
            thresholds=at_least(0.8, 0.95),
        ),
        Panel(
            "database-size",
            "Size of the database",
            "Of the captured database on disk.",
            Unit.BYTES,
            "DiskFills",
            (Query("cdc_postgresql_database_size_bytes", "{{database}}"),),
        ),
        Panel(
            "publication",
            "Tables of a publication",
            "What is captured. Snapshots use a publication of their own.",
            Unit.COUNT,
            "ConnectorStuck",
            (Query("cdc_postgresql_publication_tables", "{{publication}}"),),
            Kind.VALUE,
        ),
    ),
)
POSTGRESQL = Dashboard(
    "postgresql",
    "PostgreSQL and WAL",
    "What the source writes, and what it keeps for the slot.",
    (_SLOT, _WAL, _SERVER),
)
