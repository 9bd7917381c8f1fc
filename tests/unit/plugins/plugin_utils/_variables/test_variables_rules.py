# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.errors import SpecError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.ports import needed_ports
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.rules import _issuer, rule_problems
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.stated import Stated
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.units import mebibytes

GOOD: dict[str, Any] = {
    "cdc_runtime": "local",
    "cdc_instance": "local",
    "cdc_home": "/var/lib/cdc-pipeline/local",
    "cdc_cache": "/var/cache/cdc-pipeline",
    "cdc_user": "cdc",
    "cdc_port_offset": 0,
    "cdc_tables": ["public.users"],
    "cdc_probe_table": "public.pipeline_probe",
    "cdc_bucket": "cdc-archive",
    "cdc_topic_prefix": "postgres",
    "kafka_replicas": 3,
    "kafka_replication_factor": 3,
    "kafka_min_insync_replicas": 2,
    "kafka_heap": "320m",
    "kafka_memory": {"request": "682Mi", "limit": "682Mi"},
    "kafka_storage_size": "3413Mi",
    "kafka_topic_partitions": 6,
    "kafka_connect_memory": {"request": "768Mi", "limit": "1Gi"},
    "cdc_max_row_bytes": "16Mi",
    "cdc_topics": [f"postgres.public.t{number}" for number in range(6)],
    "archive_engine": "service",
    "postgresql_memory": {"request": "768Mi", "limit": "768Mi"},
    "postgresql_settings": {
        "shared_buffers": "256MB",
        "work_mem": "4MB",
        "maintenance_work_mem": "64MB",
        "max_connections": 60,
    },
    "postgresql_managed": True,
    "object_store_managed": True,
}


SPECS: dict[str, list[dict[str, Any]]] = {
    "kafka": [
        {
            "name": "kafka",
            "command": ["kafka"],
            "replicas": 3,
            "ports": {"client": {"port": 9092, "step": 1}, "controller": {"port": 19092, "step": 1}},
        }
    ],
    "postgresql": [{"name": "postgresql", "command": ["postgres"], "ports": {"sql": {"port": 5432}}}],
    "archive": [{"name": "archive", "command": ["archive"], "ports": {"http": {"port": 30095}}}],
}


def stated(**changed: list[dict[str, Any]]) -> Stated:
    specs = {**SPECS, **changed}
    workloads = {}
    for role, group in specs.items():
        with contextlib.suppress(SpecError):
            workloads[role] = [parse_workload(spec) for spec in group]
    return Stated(specs, workloads)


def whats(specs: Stated | None = None, **changed: Any) -> list[str]:
    given = {**GOOD, **changed}
    return [problem.what for problem in rule_problems(given.get, given, specs or stated())]


def test_the_defaults_are_right():
    assert whats() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("cdc_instance", "My Instance", "cdc_instance must be a short name"),
        ("cdc_home", "relative/path", "must be an absolute path"),
        ("cdc_home", "/srv/../etc", "must be an absolute path"),
        ("cdc_home", "/srv/my pipeline", "must not contain blanks"),
        ("cdc_home", "/var/lib/", "must be a folder of its own"),
        ("cdc_home", "/", "must be a folder of its own"),
        ("cdc_home", "/srv/" + "x" * 200, "longer than 150 bytes"),
        ("cdc_home", "/var/cache/cdc-pipeline/home", "must not be in cdc_cache"),
        ("cdc_port_offset", 30001, "must be 0 to 30000"),
        ("cdc_port_offset", -1, "must be 0 to 30000"),
        ("cdc_tables", ["users"], "written as schema.table"),
        ("cdc_tables", ["public.users", "public.users"], "names public.users twice"),
        ("cdc_tables", ["public.users", {"schema": "public", "table": "users"}], "names public.users twice"),
        ("cdc_tables", ["public.Users"], "PostgreSQL takes Users for users"),
        ("cdc_tables", ["public.users", "!public.*"], "removes tables from a pattern, and there is none"),
        ("cdc_tables", ["a_b.c", "a.b_c"], "The topics of a_b.c and a.b_c are one to Kafka"),
        ("cdc_excluded_columns", ["public.users"], "a column is written as schema.table.column"),
        ("cdc_tables", ["public.pipeline_probe"], "may not name the probe table"),
        ("cdc_probe_table", "probe", "cdc_probe_table: a table is written"),
        ("cdc_message_prefixes", [""], "a prefix has characters"),
        ("cdc_message_prefixes", ["a\nb"], "none of them a control character"),
        ("cdc_message_prefixes", ["heartbeat"], "the prefix of the connector's own messages"),
        ("cdc_message_prefixes", ["outbox", "outbox"], "has 'outbox' twice"),
        ("cdc_bucket", "My_Bucket", "cdc_bucket must be 3 to 63"),
        ("kafka_replicas", 2, "must be an odd number"),
        ("kafka_replicas", 0, "must be an odd number"),
        ("kafka_replication_factor", 4, "must be 1 to kafka_replicas"),
        ("kafka_min_insync_replicas", 4, "must be 1 to kafka_replication_factor"),
        ("kafka_memory", {"request": "1Gi", "limit": "682Mi"}, "the request is above the limit"),
        ("kafka_memory", {"request": "1Gi", "limit": "much"}, "must be an amount of memory"),
        ("kafka_heap", "640m", "leaves the JVM too little"),
        ("cdc_max_row_bytes", "512Ki", "cdc_max_row_bytes must be 1Mi to 256Mi"),
        ("cdc_max_row_bytes", "257Mi", "cdc_max_row_bytes must be 1Mi to 256Mi"),
        ("cdc_max_row_bytes", "large", "cdc_max_row_bytes must be 1Mi to 256Mi"),
        ("kafka_connect_memory", {"request": "256Mi", "limit": "480Mi"}, "kafka_connect_memory.limit is too small"),
        ("connectors_settings_extra", {"max.queue.size.in.bytes": 2**29}, "kafka_connect_memory.limit is too small"),
        ("connectors_settings_extra", {"producer.override.buffer.memory": 2**30}, "kafka_connect_memory.limit is too"),
        ("connectors_settings_extra", {"producer.override.max.request.size": 2**20}, "below what a row of cdc_max_row"),
        ("connectors_settings_extra", {"transforms.lossless.max.bytes": 2**25}, "is above cdc_max_row_bytes"),
        ("kafka_settings_extra", {"message.max.bytes": 1048588}, "kafka_settings_extra: message.max.bytes is below"),
        ("kafka_settings_extra", {"log.segment.bytes": 2**20}, "kafka_settings_extra: log.segment.bytes is below"),
        ("kafka_topic_config", {"max.message.bytes": 1048588}, "kafka_topic_config: max.message.bytes is below"),
        ("kafka_topic_config", {"retention.ms": 604800000}, "by retention.ms, Kafka would delete records that are not"),
        ("kafka_topic_config", {"retention.bytes": 10**9}, "by retention.bytes, Kafka would delete records that"),
        ("kafka_topic_config", {"cleanup.policy": "compact"}, "by cleanup.policy, Kafka would delete records that"),
        ("kafka_heap", "256m", "kafka_heap is too small for records"),
        ("kafka_heap", "500m", "kafka_memory.limit is too small for kafka_heap"),
        ("postgresql_memory", {"request": "1Mi", "limit": "512Mi"}, "postgresql_memory.limit is too small"),
        ("postgresql_settings_extra", {"shared_buffers": "1GB"}, "postgresql_memory.limit is too small"),
        ("postgresql_settings_extra", {"max_connections": 300}, "postgresql_memory.limit is too small"),
        ("postgresql_managed", False, "settings to reach your server are missing"),
        ("object_store_managed", False, "settings to reach your server are missing"),
    ],
)
def test_one_thing_is_wrong(name, value, expected):
    (what,) = whats(**{name: value})
    assert expected in what


def test_replicas_on_one_host_need_ports_of_their_own():
    two = stated(archive=[{**SPECS["archive"][0], "replicas": 2}])
    assert whats(two) == ["archive_replicas must be 1 on the runtime local, where the replicas would share one port"]
    assert whats(two, cdc_runtime="kubernetes", cdc_network_clients=["any"]) == []


def test_rows_that_a_process_cannot_hold_are_refused_with_the_sum_and_what_helps():
    given = {**GOOD, "cdc_max_row_bytes": "64Mi"}
    found = {problem.what: problem for problem in rule_problems(given.get, given, stated())}
    connect = found["kafka_connect_memory.limit is too small for cdc_max_row_bytes and the connector's buffers"]
    assert connect.found == (
        "1138Mi (160Mi the worker itself + 512Mi a row on its way (8 times cdc_max_row_bytes) + 16Mi twice "
        "max.queue.size.in.bytes + 66Mi producer.override.buffer.memory + 384Mi the rows that a snapshot reads at a "
        "time) above 672Mi, the heap of 1Gi"
    )
    assert connect.remedy == "raise kafka_connect_memory.limit to 1647Mi or more, or lower cdc_max_row_bytes"
    broker = found["kafka_heap is too small for records of cdc_max_row_bytes"]
    assert broker.remedy == "raise kafka_heap to 656m and kafka_memory with it, or lower cdc_max_row_bytes"
    # What is advised is enough.
    advised = {
        "kafka_connect_memory": {"request": "768Mi", "limit": "1647Mi"},
        "kafka_heap": "656m",
        "kafka_memory": {"request": "1Gi", "limit": "1176Mi"},
    }
    assert whats(cdc_max_row_bytes="64Mi", **advised) == []


def test_whoever_says_how_many_rows_a_snapshot_reads_knows_how_large_they_are():
    assert whats(connectors_settings_extra={"snapshot.fetch.size": 10_240}) == []


def test_sink_connectors_need_memory_as_well():
    small = {"request": "1Mi", "limit": "728Mi"}
    assert whats(kafka_connect_memory=small) == []
    assert len(whats(kafka_connect_memory=small, archive_engine="connect")) == 1


def test_newest_segments_that_alone_fill_a_volume_are_refused():
    many = [f"postgres.public.t{number}" for number in range(40)]
    given = {"cdc_topics": many, "cdc_runtime": "kubernetes", "cdc_network_clients": ["any"]}
    (what,) = whats(**given)
    assert what == "kafka_storage_size is too small for the topics of the captured tables"
    assert whats(**given, kafka_storage_size="5400Mi") == []
    assert whats(**given, kafka_topic_partitions=2) == []
    # On one host the disk is not the brokers' alone.
    assert whats(cdc_topics=many) == []


def test_everything_is_reported_at_once():
    assert len(whats(cdc_home="relative", kafka_replicas=2, cdc_tables=["users", "orders"])) == 4


def test_values_that_are_not_known_are_not_judged():
    assert rule_problems({}.get, (), Stated()) == []


def test_ports_of_replicas_with_offset():
    ports = needed_ports({**GOOD, "cdc_port_offset": 100}.get, stated().all())
    assert {"port": 9194, "listener": "kafka-2 (client)"} in ports
    assert {"port": 5532, "listener": "postgresql-0 (sql)"} in ports
    assert len(ports) == 8


def test_a_role_that_runs_nothing_needs_no_port():
    ports = needed_ports(GOOD.get, stated(postgresql=[]).all())
    assert all("postgresql" not in item["listener"] for item in ports)


def test_two_workloads_may_not_want_one_port():
    archive = {**SPECS["archive"][0], "ports": {"http": {"port": 9093}}}
    assert whats(stated(archive=[archive])) == ["The port 9093 is used twice"]
    exporter = {**SPECS["archive"][0], "name": "exporter"}
    assert whats(stated(archive=[*SPECS["archive"], exporter])) == ["The port 30095 is used twice"]


@pytest.mark.parametrize(
    ("amount", "java", "expected"),
    [
        ("768Mi", False, 768),
        ("1Gi", False, 1024),
        ("320m", True, 320),
        ("1g", True, 1024),
        ("x", False, None),
        (None, False, None),
    ],
)
def test_amounts(amount, java, expected):
    assert mebibytes(amount, java=java) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"certificates_issuer": {}}, []),
        ({"certificates_issuer": {"kind": None, "name": None, "group": None}}, []),
        ({"certificates_issuer": {"name": "corporate"}}, []),
        ({"certificates_issuer": {"name": "x", "kind": "Foo", "group": "issuers.example.org"}}, []),
        ({"certificates_issuer": {"name": "corporate"}, "cdc_runtime": "local"}, ["is for a pipeline in a cluster"]),
        ({"certificates_issuer": {"kind": "Issuer"}}, ["does not name the issuer"]),
        ({"certificates_issuer": {"name": "x", "kind": "Foo"}}, ["must be ClusterIssuer or Issuer"]),
        (
            {"certificates_issuer": {"name": "x"}, "certificates_authority": {"certificate": "a", "key": "b"}},
            ["both name an issuer"],
        ),
    ],
)
def test_who_signs_by_cert_manager(given, expected):
    found = [each.what for each in _issuer({"cdc_runtime": "kubernetes", **given}.get)]
    assert len(found) == len(expected)
    assert all(part in what for part, what in zip(expected, found, strict=True))


def test_logins_over_http():
    given = {"kafka_connect_reader": "a", "kafka_connect_writer": "a", "archive_reader": "a:b", "watchdog_reader": "w"}
    assert whats(**given) == [], "nobody signs in"
    said = whats(cdc_security=True, **given)
    assert [each.split(" must ")[0] for each in said] == [
        "archive_reader",
        "kafka_connect_reader and kafka_connect_writer",
    ]
    assert whats(cdc_security=True, **{**given, "kafka_connect_reader": "b", "archive_reader": "a.b@c"}) == []


def test_who_is_told_of_alerts(tmp_path):
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: []\n")
    slack = {"url": "https://hooks.slack.com/services/x"}
    given = {"monitoring_receivers": [{"name": "a", "slack": slack}], "monitoring_rules_files": [str(rules)]}
    assert whats(**given, monitoring_dead_man_url="https://example.org/ping") == []
    said = whats(
        monitoring_receivers=[{"name": "a"}],
        monitoring_rules_files=[f"{rules}.missing"],
        monitoring_dead_man_url="example.org/ping",
    )
    assert whats(monitoring_rules_files=[str(rules), str(rules)]) == [f"monitoring_rules_files names {rules} twice"]
    assert whats(monitoring_rules_files=["rules.yml"]) == ["monitoring_rules_files has a path that is not absolute"]
    assert said == [
        "The receiver 'a' in monitoring_receivers receives no notifications",
        f"There is no file {rules}.missing, which monitoring_rules_files names",
        "monitoring_dead_man_url is not a URL with http:// or https://",
    ]
