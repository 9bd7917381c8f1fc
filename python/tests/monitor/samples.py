"""Samples of every metric that dashboards use, as a pipeline under load has them, for a Prometheus of tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

STEP = 30
Value = Callable[[float], float]
BUCKETS = (0.05, 0.25, 1, 5, 30, 60)
_SERVERS = {
    "kafka": 3,
    "kafka_connect": 1,
    "connectors": 1,
    "archive": 1,
    "object_store": 1,
    "postgresql": 1,
    "schema_registry": 1,
    "prometheus": 1,
    "monitor": 1,
    "postgresql_exporter": 1,
    "blackbox_exporter": 1,
    "node_exporter": 1,
}
_WITH_METRICS = tuple(name for name in _SERVERS if name not in ("object_store", "postgresql", "schema_registry"))


def at(component: str, number: int = 0) -> dict[str, str]:
    """The labels that every sample has."""
    replica = f"{component.replace('_', '-')}-{number}"
    return {"component": component, "replica": replica, "instance": f"{replica}:1", "job": component}


def flat(value: float) -> Value:
    return lambda _time: value


def wave(low: float, high: float, minutes: float = 20) -> Value:
    """Between two values, up and down."""
    return lambda time: low + (high - low) * (1 + math.sin(time / (minutes * 60) * 2 * math.pi)) / 2


def grows(rate: float) -> Value:
    """A counter."""
    return lambda time: time % 1e6 * rate


def ago(seconds: float) -> Value:
    """A time since the epoch that is always so long ago."""
    return lambda time: time - seconds


Series = tuple[str, dict[str, str], Value]


def _histogram(name: str, labels: dict[str, str], rate: float) -> Iterator[Series]:
    for index, limit in enumerate((*map(str, BUCKETS), "+Inf")):
        yield f"{name}_bucket", {**labels, "le": limit}, grows(rate * min(1, (index + 1) / 3))
    yield f"{name}_count", labels, grows(rate)


def _plain(component: str, given: dict[str, Value], **labels: str) -> Iterator[Series]:
    for name, value in given.items():
        yield name, {**at(component), **labels}, value


def _every_server() -> Iterator[Series]:
    for component, replicas in _SERVERS.items():
        for number in range(replicas):
            labels = {**at(component, number), "job": f"probe-{component}"}
            yield "probe_success", labels, flat(1)
            yield "probe_duration_seconds", labels, wave(0.002, 0.02)
            yield "probe_ssl_earliest_cert_expiry", labels, ago(-300 * 86400)
            if component in _WITH_METRICS:
                labels = at(component, number)
                yield "up", labels, flat(1)
                yield "process_cpu_seconds_total", labels, grows(0.05)
                yield "process_resident_memory_bytes", labels, wave(50e6, 300e6)
                yield "process_start_time_seconds", labels, ago(86400)


def _java() -> Iterator[Series]:
    for component, replicas in (("kafka", 3), ("kafka_connect", 1)):
        for number in range(replicas):
            labels = at(component, number)
            yield "jvm_memory_used_bytes", {**labels, "area": "heap"}, wave(50e6, 190e6, 3)
            yield "jvm_memory_max_bytes", {**labels, "area": "heap"}, flat(256e6)
            yield "jvm_gc_collection_seconds_sum", {**labels, "gc": "G1 Young Generation"}, grows(0.004)
            yield "jvm_threads_current", labels, flat(80)
    for number in range(3):
        labels = at("kafka", number)
        yield "kafka_controller_active", labels, flat(1 if number == 1 else 0)
        for name, value in {
            "kafka_received_records_total": grows(3000),
            "kafka_received_bytes_total": grows(600e3),
            "kafka_sent_bytes_total": grows(1200e3),
            "kafka_isr_shrinks_total": flat(3),
            "kafka_leaders": flat(40),
            "kafka_log_offline_directories": flat(0),
            "kafka_request_handlers_idle_ratio": wave(0.8, 0.95),
            "kafka_network_idle_ratio": wave(0.9, 0.99),
        }.items():
            yield name, labels, value
        yield "kafka_failed_requests_total", {**labels, "request": "Fetch"}, flat(2)
        for request in ("Produce", "FetchConsumer"):
            for quantile in ("0.50", "0.95", "0.99"):
                yield "kafka_request_seconds", {**labels, "request": request, "quantile": quantile}, wave(0.004, 0.2)
    task = {"connector": "postgres-cdc", "task": "0"}
    debezium = {
        "debezium_connected": flat(1),
        "debezium_lag_seconds": wave(0.1, 0.9),
        "debezium_events_total": grows(9000),
        "debezium_erroneous_events_total": flat(0),
        "debezium_queue_events_free": wave(20000, 32000),
        "debezium_queue_events_limit": flat(32768),
        "cdc_connect_dropped_total": flat(0),
    }
    yield from _plain("kafka_connect", debezium, server="postgres")
    worker = {name: flat(1) for name in ("connectors", "tasks", "rebalances_total")}
    yield from _plain("kafka_connect", {f"kafka_connect_{name}": value for name, value in worker.items()})
    of_task = {
        "kafka_connect_source_records_write_total": grows(9000),
        "kafka_connect_dead_letters_requests_total": flat(0),
    }
    yield from _plain("kafka_connect", of_task, **task)
    yield from _plain("kafka_connect", {"kafka_connect_task_errors_total": flat(0)}, **task, kind="retries")


def _source() -> Iterator[Series]:
    slot = {
        "slot_active": flat(1),
        "slot_retained_bytes": wave(20e6, 90e6),
        "slot_lag_bytes": wave(1e6, 9e6),
        "slot_safe_bytes": wave(900e6, 1000e6),
    }
    exporter = {f"cdc_postgresql_{name}": value for name, value in slot.items()}
    yield from _plain("postgresql_exporter", exporter, slot="debezium")
    for status in ("reserved", "extended", "unreserved", "lost"):
        state = {"cdc_postgresql_slot_wal_status_current": flat(1 if status == "reserved" else 0)}
        yield from _plain("postgresql_exporter", state, slot="debezium", status=status)
    server = {
        "wal_slot_limit_bytes": flat(1 << 30),
        "wal_size_bytes": wave(200e6, 400e6),
        "wal_written_bytes_total": grows(5e6),
        "transaction_oldest_seconds": wave(0, 4, 1),
        "transaction_oldest_prepared_seconds": flat(0),
        "connections_used": flat(12),
        "connections_limit": flat(100),
    }
    yield from _plain("postgresql_exporter", {f"cdc_postgresql_{name}": value for name, value in server.items()})
    yield from _plain("postgresql_exporter", {"cdc_postgresql_publication_tables": flat(8)}, publication="debezium")
    database = {"commits_total": grows(90), "rollbacks_total": grows(0.1), "size_bytes": flat(3e9)}
    named = {f"cdc_postgresql_database_{name}": value for name, value in database.items()}
    yield from _plain("postgresql_exporter", named, database="ecommerce")
    watchdog = {"postgresql_up": 1, "connect_up": 1, "failed": 0, "slot_active": 1, "slot_lag_bytes": 4e6}
    yield from _plain("connectors", {f"cdc_connectors_{name}": flat(value) for name, value in watchdog.items()})
    yield from _plain("connectors", {"cdc_connectors_restarts_total": flat(1)}, connector="postgres-cdc")
    for broker in "123":
        yield from _plain(
            "connectors",
            {"cdc_disk_used_ratio": wave(0.3, 0.5), "cdc_disk_unarchived_ratio": flat(0.01)},
            broker=broker,
        )


def _measured() -> Iterator[Series]:
    monitor = {
        "canary_commit_timestamp_seconds": ago(6),
        "kafka_up": flat(1),
        "kafka_brokers": flat(3),
        "kafka_brokers_expected": flat(3),
        "kafka_offline_partitions": flat(0),
        "kafka_under_min_isr_partitions": flat(0),
        "kafka_under_replicated_partitions": flat(0),
    }
    yield from _plain("monitor", {f"cdc_{name}": value for name, value in monitor.items()})
    yield from _histogram("cdc_canary_delay_seconds", at("monitor"), 0.1)
    for step in ("send", "read", "look"):
        yield from _plain("monitor", {"cdc_monitor_failures_total": flat(0)}, step=step)
    for topic in ("postgres.public.orders", "postgres.public.users"):
        lag = {"cdc_consumer_lag_seconds": wave(0, 60, 2), "cdc_consumer_lag_records": wave(0, 900, 2)}
        yield from _plain("monitor", lag, group="cdc-archive", topic=topic)
        archived = {"rows_total": 4000, "bytes_total": 90e3, "records_consumed_total": 4000}
        counted = {f"cdc_archive_{name}": grows(rate) for name, rate in archived.items()}
        yield from _plain("archive", counted, topic=topic)
        yield from _plain("archive", {"cdc_archive_lag_seconds": wave(0, 60, 2)}, topic=topic, partition="0")
    rejected = {"cdc_archive_rejected_total": lambda time: float(int(time / 600))}
    yield from _plain("archive", rejected, topic="postgres.public.orders", rule="schema")
    archive = {
        "object_store_up": flat(1),
        "schema_registry_up": flat(1),
        "paused": flat(0),
        "topics_missing": flat(0),
        "buffered_bytes": wave(1e6, 40e6),
    }
    yield from _plain("archive", {f"cdc_archive_{name}": value for name, value in archive.items()})
    yield from _histogram("cdc_archive_put_seconds", at("archive"), 8)
    yield from _histogram("cdc_archive_delay_seconds", at("archive"), 4)
    yield from _plain("archive", {"cdc_archive_transactions_total": grows(2)}, result="committed")
    yield from _plain("archive", {"cdc_archive_retries_total": flat(1)}, step="put")


def _recorded() -> Iterator[Series]:
    """By rules."""
    for name, kept, left in (("capture", 0.9991, 0.82), ("freshness", 0.9971, 0.42), ("quality", 0.99988, 0.88)):
        labels = {"slo": name}
        yield "cdc:slo_kept:14d", labels, flat(kept)
        yield "cdc:slo_budget_left:14d", labels, flat(left)
        yield "cdc:slo_burn:1h", labels, wave(0, 3)
    yield "cdc:slo_missed", {"slo": "quality"}, wave(0, 0.2)
    yield "cdc:slo_total", {"slo": "quality"}, flat(480000)


def _host() -> Iterator[Series]:
    for cpu in "01":
        yield from _plain("node_exporter", {"node_cpu_seconds_total": grows(0.6)}, cpu=cpu, mode="idle")
    disk = {"node_filesystem_avail_bytes": flat(60e9), "node_filesystem_size_bytes": flat(100e9)}
    yield from _plain("node_exporter", disk, mountpoint="/", fstype="ext4", device="/dev/vda1")
    host = {
        "node_load1": wave(0.5, 2),
        "node_memory_MemAvailable_bytes": wave(8e9, 12e9),
        "node_memory_MemTotal_bytes": flat(24e9),
    }
    yield from _plain("node_exporter", host)
    yield from _plain("node_exporter", {"node_network_receive_bytes_total": grows(2e6)}, device="eth0")
    told = {"alertmanager_notifications_total": grows(0.01), "alertmanager_notifications_failed_total": flat(0)}
    yield from _plain("alertmanager", told, integration="email")
    prometheus = {"prometheus_tsdb_head_series": flat(1230), "prometheus_tsdb_storage_blocks_bytes": wave(20e6, 60e6)}
    yield from _plain("prometheus", prometheus)


def series() -> Iterator[Series]:
    """Name, labels, and value by time."""
    for some in (_every_server, _java, _source, _measured, _recorded, _host):
        yield from some()


def openmetrics(start: int, end: int) -> Iterator[str]:
    """The lines that promtool makes blocks of."""
    for name, labels, value in sorted(series(), key=lambda each: each[0]):
        shown = ",".join(f'{key}="{text}"' for key, text in labels.items())
        for time in range(start, end + 1, STEP):
            yield f"{name}{{{shown}}} {value(time)!r} {time}\n"
    yield "# EOF\n"
