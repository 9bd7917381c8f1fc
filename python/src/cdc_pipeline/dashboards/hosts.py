"""The host, and the processes or pods of the pipeline."""

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

_HOST = (Has.HOST,)
# Of a disk that is mounted several times, each place counts.
_DISKS = '{fstype!~"tmpfs|ramfs"}'
_HOSTS = Row(
    "Host",
    (
        Panel(
            "host-cpu",
            "Processors in use",
            "Share of all processors that work.",
            Unit.RATIO,
            "ChangesSlow",
            (Query(f'1 - avg(rate(node_cpu_seconds_total{{mode="idle"}}[{RATE}]))', "in use"),),
            thresholds=at_least(0.9),
            only=_HOST,
        ),
        Panel(
            "host-load",
            "Load",
            "Processes that run or wait for a processor or a disk, on average over a minute.",
            Unit.COUNT,
            "ChangesSlow",
            (Query("node_load1", "a minute"),),
            only=_HOST,
        ),
        Panel(
            "host-memory",
            "Memory left",
            "Memory that processes can still have, of all.",
            Unit.RATIO,
            "HeapFull",
            (Query("node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "available"),),
            thresholds=below(0.1, 0.03),
            only=_HOST,
        ),
        Panel(
            "host-disks",
            "Space left on disks",
            "Of each disk.",
            Unit.RATIO,
            "DiskFull",
            (Query(f"node_filesystem_avail_bytes{_DISKS} / node_filesystem_size_bytes{_DISKS}", "{{mountpoint}}"),),
            thresholds=below(0.2, 0.05),
            only=_HOST,
        ),
        Panel(
            "host-network",
            "Network",
            "Bytes received, of each network but the host's own.",
            Unit.BYTES_PER_SECOND,
            "ChangesSlow",
            (Query(f'rate(node_network_receive_bytes_total{{device!="lo"}}[{RATE}])', "{{device}}"),),
            only=_HOST,
            may_be_empty="A host may have no network but its own.",
        ),
    ),
)
_PROCESSES = Row(
    "Processes and pods",
    (
        Panel(
            "scraped",
            "What is scraped",
            "Whether the metrics of each process can be read. Where they cannot, alerts on it are blind.",
            Unit.STATE,
            "TargetDown",
            (Query('max by (replica) (up{job!~"probe-.*"})', "{{replica}}"),),
            Kind.STATES,
            words=ANSWERS,
        ),
        Panel(
            "process-cpu",
            "CPU time",
            "Cores that each process uses which has metrics.",
            Unit.CORES,
            "ChangesSlow",
            (Query(f"sum by (replica) (rate(process_cpu_seconds_total[{RATE}]))", "{{replica}}"),),
        ),
        Panel(
            "process-memory",
            "Memory",
            "Resident memory of each process that has metrics.",
            Unit.BYTES,
            "HeapFull",
            (Query("max by (replica) (process_resident_memory_bytes)", "{{replica}}"),),
        ),
        Panel(
            "process-age",
            "Time since the start",
            "Of each process that has metrics. One that is short says that the process was restarted.",
            Unit.SECONDS,
            "ComponentDown",
            (Query("time() - max by (replica) (process_start_time_seconds)", "{{replica}}"),),
            Kind.VALUE,
        ),
        Panel(
            "jvm-threads",
            "Threads of Java",
            "Of brokers and workers.",
            Unit.COUNT,
            "HeapFull",
            (Query("jvm_threads_current", "{{replica}}"),),
            only=(Has.JAVA,),
        ),
    ),
)
_WATCHING = Row(
    "Certificates, and what watches",
    (
        Panel(
            "certificates",
            "Time until certificates end",
            "Of each server that is probed, the certificate of its chain that ends first.",
            Unit.SECONDS,
            "CertificateExpiresSoon",
            (Query("probe_ssl_earliest_cert_expiry - time()", "{{replica}}"),),
            Kind.VALUE,
            below(30 * 86400, 7 * 86400),
            only=(Has.ENCRYPTED,),
        ),
        Panel(
            "probe-seconds",
            "Time of probes",
            "How long each server takes to answer.",
            Unit.SECONDS,
            "ComponentDown",
            (Query("probe_duration_seconds", "{{replica}}"),),
            thresholds=at_least(1, 5),
        ),
        Panel(
            "monitor-failures",
            "Steps of the service that measures that failed",
            "In the time of a rate, by step: sending the canary, reading it, looking at groups and partitions.",
            Unit.COUNT,
            "MeasurementAbsent",
            (Query(f"sum by (step) (increase(cdc_monitor_failures_total[{RATE}]))", "{{step}}"),),
            thresholds=at_least(1),
        ),
        Panel(
            "notifications",
            "Notifications of alerts",
            "In the time of a rate, by the way that they go: those that were sent, and those that failed.",
            Unit.COUNT,
            "NotificationsFail",
            (
                Query(f"sum by (integration) (increase(alertmanager_notifications_total[{RATE}]))", "{{integration}}"),
                Query(
                    f"sum by (integration) (increase(alertmanager_notifications_failed_total[{RATE}]))",
                    "{{integration}} failed",
                ),
            ),
        ),
        Panel(
            "prometheus-series",
            "Series of Prometheus",
            "Time series that it holds in memory.",
            Unit.COUNT,
            "TargetDown",
            (Query("prometheus_tsdb_head_series", "series"),),
        ),
        Panel(
            "prometheus-disk",
            "Disk of Prometheus",
            "Of its blocks, which monitoring_retention_size bounds.",
            Unit.BYTES,
            "DiskFull",
            (Query("prometheus_tsdb_storage_blocks_bytes", "blocks"),),
        ),
    ),
)
HOSTS = Dashboard(
    "hosts", "Hosts and pods", "Processors, memory and disks, and what watches.", (_HOSTS, _PROCESSES, _WATCHING)
)
