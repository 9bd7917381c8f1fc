"""The overview names the part that waits, and no other: by promtool."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml
from cdc_pipeline.dashboards.model import RATE
from cdc_pipeline.dashboards.overview import OVERVIEW
from prometheus import programs

(WAITS,) = (panel for panel in OVERVIEW.panels() if panel.id == "waits")
OPEN = 'cdc_postgresql_transaction_oldest_seconds{component="postgresql_exporter"}'
LAG = 'cdc_consumer_lag_seconds{component="monitor",group="g",topic="t"}'
FREE = 'debezium_queue_events_free{component="kafka_connect"}'
# A pipeline that is well. Counters grow by 15 s.
WELL = {
    'cdc_connectors_postgresql_up{component="connectors"}': "1+0x60",
    'cdc_connectors_connect_up{component="connectors"}': "1+0x60",
    'cdc_connectors_failed{component="connectors"}': "0+0x60",
    'cdc_connectors_slot_active{component="connectors"}': "1+0x60",
    OPEN: "3+0x60",
    'cdc_kafka_up{component="monitor"}': "1+0x60",
    'cdc_kafka_under_min_isr_partitions{component="monitor"}': "0+0x60",
    FREE: "900+0x60",
    'debezium_queue_events_limit{component="kafka_connect"}': "1000+0x60",
    LAG: "60+0x60",
    'cdc_archive_object_store_up{component="archive"}': "1+0x60",
    'cdc_archive_put_seconds_bucket{component="archive",le="1"}': "0+10x60",
    'cdc_archive_put_seconds_bucket{component="archive",le="10"}': "0+10x60",
    'cdc_archive_put_seconds_bucket{component="archive",le="+Inf"}': "0+10x60",
}
NONE = "_x60"


def named(name: str) -> str:
    """The series of a metric of :data:`WELL`."""
    (found,) = (series for series in WELL if series.startswith(f"{name}{{"))
    return found


# What differs where something is wrong, and the part that waits then.
FAULTS: dict[str, tuple[dict[str, str], str]] = {
    "all is well": ({}, ""),
    "PostgreSQL does not answer": (
        # The watchdog's view of the slot is of before, or says that nobody reads it.
        {named("cdc_connectors_postgresql_up"): "0+0x60", named("cdc_connectors_slot_active"): "0+0x60"},
        "Database",
    ),
    "a transaction is open": ({OPEN: "301+0x60"}, "Database"),
    "its exporter is down": ({OPEN: NONE}, ""),
    "a task has failed": ({named("cdc_connectors_failed"): "2+0x60"}, "Connect"),
    "no worker answers": ({named("cdc_connectors_connect_up"): "0+0x60", FREE: NONE}, "Connect"),
    "somebody else has the slot": ({named("cdc_connectors_slot_active"): "0+0x60"}, "Connect"),
    "no broker answers": (
        {named("cdc_kafka_up"): "0+0x60", named("cdc_kafka_under_min_isr_partitions"): NONE, LAG: NONE},
        "Kafka",
    ),
    "two brokers are away": ({named("cdc_kafka_under_min_isr_partitions"): "7+0x60"}, "Kafka"),
    "Kafka is slow": ({FREE: "20+0x60"}, "Kafka"),
    "no metrics of Java": ({FREE: NONE}, ""),
    "the archive does not run": ({LAG: "181+0x60", named("cdc_archive_object_store_up"): NONE}, "Archive"),
    "the store refuses": ({LAG: "400+0x60", named("cdc_archive_object_store_up"): "0+0x60"}, "S3"),
    "the store is slow": ({'cdc_archive_put_seconds_bucket{component="archive",le="1"}': "0+0x60"}, "S3"),
}


def expected(query: int, waits: str) -> dict[str, Any]:
    stated = WAITS.queries[query]
    value = 1 if stated.legend == waits else 0
    return {
        "expr": stated.expr.replace(RATE, "2m"),
        "eval_time": "10m",
        "exp_samples": [{"labels": "{}", "value": value}],
    }


def test_each_fault_is_found(tmp_path: Path) -> None:
    tests = [
        {
            "name": name,
            "interval": "15s",
            "input_series": [{"series": series, "values": values} for series, values in (WELL | differs).items()],
            "promql_expr_test": [expected(query, waits) for query in range(len(WAITS.queries))],
        }
        for name, (differs, waits) in FAULTS.items()
    ]
    assert {waits for _differs, waits in FAULTS.values()} == {"", *(query.legend for query in WAITS.queries)}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump({"tests": tests}))
    tool = programs(tmp_path) / "promtool"
    done = subprocess.run([tool, "test", "rules", tmp_path / "tests.yml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
