"""The metrics that dashboards, alerts and runbooks rely on. docs/monitoring.md says what each means."""

from __future__ import annotations

ALWAYS = (
    "up",
    "alertmanager_config_last_reload_successful",
    "alertmanager_notifications_failed_total",
    "alertmanager_notifications_total",
    "probe_success",
    "probe_duration_seconds",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "prometheus_config_last_reload_successful",
    "prometheus_tsdb_head_series",
    "prometheus_tsdb_storage_blocks_bytes",
    "cdc_canary_commit_timestamp_seconds",
    "cdc_canary_delay_seconds_bucket",
    "cdc_canary_interval_seconds",
    "cdc_canary_overdue",
    "cdc_canary_seen_total",
    "cdc_canary_sent_total",
    "cdc_consumer_lag_records",
    "cdc_consumer_lag_seconds",
    "cdc_kafka_brokers",
    "cdc_kafka_brokers_expected",
    "cdc_kafka_offline_partitions",
    "cdc_kafka_partitions",
    "cdc_kafka_under_min_isr_partitions",
    "cdc_kafka_under_replicated_partitions",
    "cdc_kafka_up",
    "cdc_monitor_failures_total",
    "cdc_postgresql_connections_limit",
    "cdc_postgresql_connections_used",
    "cdc_postgresql_database_commits_total",
    "cdc_postgresql_database_rollbacks_total",
    "cdc_postgresql_database_size_bytes",
    "cdc_postgresql_publication_tables",
    "cdc_postgresql_slot_active",
    "cdc_postgresql_slot_lag_bytes",
    "cdc_postgresql_slot_retained_bytes",
    "cdc_postgresql_slot_safe_bytes",
    "cdc_postgresql_slot_wal_status_current",
    "cdc_postgresql_transaction_oldest_prepared_seconds",
    "cdc_postgresql_transaction_oldest_seconds",
    "cdc_postgresql_wal_size_bytes",
    "cdc_postgresql_wal_slot_limit_bytes",
    "cdc_postgresql_wal_written_bytes_total",
    "cdc_connectors_connect_up",
    "cdc_connectors_failed",
    "cdc_connectors_postgresql_up",
    "cdc_connectors_slot_active",
    "cdc_connectors_slot_lag_bytes",
    "cdc_connectors_slot_retained_bytes",
    "cdc_connectors_slot_safe_bytes",
)
ENCRYPTED = ("probe_ssl_earliest_cert_expiry",)
ARCHIVE = (
    "cdc_archive_buffered_bytes",
    "cdc_archive_delay_seconds_bucket",
    "cdc_archive_lag_records",
    "cdc_archive_lag_seconds",
    "cdc_archive_object_store_up",
    "cdc_archive_partitions_assigned",
    "cdc_archive_paused",
    "cdc_archive_put_seconds_bucket",
    "cdc_archive_put_seconds_count",
    "cdc_archive_put_seconds_sum",
    "cdc_archive_schema_registry_up",
    "cdc_archive_topics_missing",
    "cdc_archive_transaction_seconds_count",
)
JAVA = (
    "debezium_connected",
    "debezium_erroneous_events_total",
    "debezium_events_total",
    "debezium_lag_seconds",
    "debezium_queue_events_free",
    "debezium_queue_events_limit",
    "jvm_gc_collection_seconds_sum",
    "jvm_memory_max_bytes",
    "jvm_memory_used_bytes",
    "jvm_threads_current",
    "kafka_connect_connectors",
    "kafka_connect_dead_letters_requests_total",
    "kafka_connect_rebalances_total",
    "kafka_connect_source_records_write_total",
    "kafka_connect_task_errors_total",
    "kafka_connect_tasks",
    "kafka_controller_active",
    "kafka_controller_fenced_brokers",
    "kafka_controller_offline_partitions",
    "kafka_isr_shrinks_total",
    "kafka_leaders",
    "kafka_log_offline_directories",
    "kafka_network_idle_ratio",
    "kafka_received_bytes_total",
    "kafka_received_records_total",
    "kafka_request_handlers_idle_ratio",
    "kafka_request_seconds",
    "kafka_sent_bytes_total",
    "kafka_under_min_isr_partitions",
    "kafka_under_replicated_partitions",
)
HOST = (
    "node_cpu_seconds_total",
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
    "node_load1",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes",
    "node_network_receive_bytes_total",
)

SOMETIMES = (
    "ALERTS",
    "cdc:slo_budget_left:14d",
    "cdc:slo_burn:1h",
    "cdc:slo_kept:14d",
    "cdc:slo_missed",
    "cdc:slo_total",
    "cdc_archive_bytes_total",
    "cdc_archive_partition_stopped",
    "cdc_archive_records_consumed_total",
    "cdc_archive_rejected_total",
    "cdc_archive_retries_total",
    "cdc_archive_rows_total",
    "cdc_archive_transactions_total",
    "cdc_connect_dropped_total",
    "cdc_connectors_restarts_total",
    "cdc_connectors_troubles",
    "cdc_disk_unarchived_ratio",
    "cdc_disk_used_ratio",
    "kafka_failed_requests_total",
)
"""What dashboards and alerts use, and which has no data as long as nothing of its kind has happened."""


def relied_on(encrypted: bool, archive: bool, host: bool, java: bool) -> tuple[str, ...]:
    """The names.

    Args:
        encrypted: whether the pipeline is.
        archive: whether the collection's own service archives.
        host: whether the pipeline runs on a host, and that is watched, too.
        java: whether brokers and workers have metrics, as public images have not.
    """
    some = ((encrypted, ENCRYPTED), (archive, ARCHIVE), (host, HOST), (java, JAVA))
    return (*ALWAYS, *(name for there, names in some if there for name in names))
