# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Each alert fires for what it is about, not before its time, and not while all is well: by promtool.

Longer than 400 lines: nearly half of it is the table of cases, one for each alert.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.alerts import rule_groups, scaled, selecting

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from debian_tools import program  # noqa: E402

DEFINITION = yaml.safe_load((ROOT / "roles/monitoring/files/alerts.yml").read_text())
ALERTS = {alert["alert"]: alert for group in DEFINITION.values() for alert in group}
RUNBOOKS = ROOT / "docs/runbooks"
PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Escalation"]
EVERYTHING = ("host", "java", "archive", "encrypted")
GONE = "ComponentGone"
HELD = {
    name: {*alert.get("inhibited_by", {}), *([GONE] if "depends_on" in alert else [])}
    for name, alert in ALERTS.items()
    if "inhibited_by" in alert or "depends_on" in alert
}
# By what is active, or was a short time ago, an alert says of itself that it is not.
TOLD = {
    name: {told for found in re.findall(r'ALERTS\{alertname=~?"([^"]*)"', alert["expr"]) for told in found.split("|")}
    for name, alert in ALERTS.items()
}
RULES = {
    rule["alert"]: rule
    for group in rule_groups(DEFINITION, EVERYTHING, "https://example.org/", 1)["groups"]
    for rule in group["rules"]
}
# Times are 15 s apart; four hours are enough for all.
FOR_EVER = "x1000"


@dataclass(frozen=True)
class Case:
    """``bad``, ``good``: series by name, as promtool writes values. ``labels``, ``value``: of what fires."""

    bad: dict[str, str]
    good: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    summary: str = ""


def flat(value: float) -> str:
    """The same value for ever."""
    return f"{value}+0{FOR_EVER}"


def gauge(series: str, bad: float, good: float, summary: str, **labels: str) -> Case:
    return Case({series: flat(bad)}, {series: flat(good)}, labels, summary)


def burns(slo: str) -> Case:
    return Case(
        {f'cdc:slo_burn:{window}{{slo="{slo}"}}': flat(value) for window, value in (("1h", 15), ("5m", 20))},
        # The fault is over, or it was so short that the hour has not seen it.
        {
            f'cdc:slo_burn:{window}{{slo="{slo}"}}': flat(value)
            for window, value in (("1h", 20), ("5m", 1), ("6h", 4), ("30m", 9))
        },
        {"slo": slo},
        f"{slo.title()} spends its error budget 15 times as fast as it may",
    )


BLACKBOX = 'up{job="blackbox_exporter",component="blackbox_exporter",replica="blackbox-exporter-0",instance="b:1"}'
# Absolute times are those of promtool, whose clock begins at 0.
CASES = {
    "ComponentGone": Case(
        {
            'probe_success{component="kafka",replica="kafka-0"}': flat(0),
            'probe_success{component="kafka",replica="kafka-1"}': flat(0),
        },
        {
            'probe_success{component="kafka",replica="kafka-0"}': flat(0),
            'probe_success{component="kafka",replica="kafka-1"}': flat(1),
        },
        {"component": "kafka"},
        "No replica of kafka answers",
    ),
    "ComponentDown": gauge(
        'probe_success{replica="kafka-1",instance="k:1"}',
        0,
        1,
        "kafka-1 does not answer at k:1",
        replica="kafka-1",
        instance="k:1",
    ),
    "TargetDown": gauge(
        'up{job="archive",replica="archive-0"}',
        0,
        1,
        "The metrics of archive-0 (archive) cannot be scraped",
        job="archive",
        replica="archive-0",
    ),
    "ScrapesFail": Case(
        {'up{job="archive",replica="archive-0"}': " ".join(["1 0"] * 500)},
        {'up{job="archive",replica="archive-0"}': f"1+0x20 0+0x20 1+0{FOR_EVER}"},
        {"job": "archive", "replica": "archive-0"},
        "Scrapes of archive-0 (archive) fail again and again",
    ),
    "MetricsMissing": Case(
        {'up{job="kafka",replica="kafka-1",instance="k:1"}': flat(1), 'kafka_leaders{instance="k:2"}': flat(7)},
        {
            'up{job="kafka",replica="kafka-1",instance="k:1"}': flat(1),
            'kafka_leaders{instance="k:1"}': flat(7),
            'up{job="archive",replica="archive-0",instance="a:1"}': flat(0),
        },
        {"job": "kafka", "replica": "kafka-1", "instance": "k:1"},
        "kafka-1 is scraped, and lacks metrics that alerts rely on",
    ),
    "CertificateExpiresSoon": Case(
        {'probe_ssl_earliest_cert_expiry{replica="a-0"}': flat(20 * 86400)},
        {'probe_ssl_earliest_cert_expiry{replica="a-0"}': flat(400 * 86400)},
        {"replica": "a-0"},
    ),
    "CertificateExpires": Case(
        {'probe_ssl_earliest_cert_expiry{replica="a-0"}': flat(5 * 86400)},
        {'probe_ssl_earliest_cert_expiry{replica="a-0"}': flat(20 * 86400)},
        {"replica": "a-0"},
    ),
    "MeasurementAbsent": Case(
        {
            "cdc_canary_commit_timestamp_seconds": flat(1),
            "cdc_postgresql_slot_active": flat(1),
            "probe_success": flat(1),
            'cdc:slo_missed{slo="capture"}': flat(0),
        },
        {
            "cdc_canary_commit_timestamp_seconds": flat(1),
            "cdc_postgresql_slot_active": flat(1),
            "cdc_connectors_connect_up": flat(1),
            "probe_success": flat(1),
            'cdc:slo_missed{slo="capture"}': flat(0),
        },
    ),
    "NotificationsFail": Case(
        {'alertmanager_notifications_failed_total{integration="email"}': f"0+1{FOR_EVER}"},
        {'alertmanager_notifications_failed_total{integration="email"}': flat(9)},
        {"integration": "email"},
        "Alertmanager could not tell a receiver by email",
    ),
    "ChangesSlow": Case(
        {"cdc_canary_commit_timestamp_seconds": flat(0)}, {"cdc_canary_commit_timestamp_seconds": f"0+15{FOR_EVER}"}
    ),
    "ChangesLate": Case(
        {"cdc_canary_commit_timestamp_seconds": flat(0)}, {"cdc_canary_commit_timestamp_seconds": f"0+15{FOR_EVER}"}
    ),
    "ArchiveLate": gauge('cdc_consumer_lag_seconds{group="g",topic="t"}', 301, 299, "", group="g"),
    "CaptureBudgetBurns": burns("capture"),
    "FreshnessBudgetBurns": burns("freshness"),
    "QualityBudgetBurns": burns("quality"),
    "PostgresqlDown": gauge("cdc_connectors_postgresql_up", 0, 1, "The watchdog does not reach PostgreSQL"),
    "SlotInactive": Case(
        {'cdc_connectors_slot_active{instance="c"}': flat(0), 'cdc_connectors_postgresql_up{instance="c"}': flat(1)},
        {'cdc_connectors_slot_active{instance="c"}': flat(0), 'cdc_connectors_postgresql_up{instance="c"}': flat(0)},
        {"instance": "c"},
    ),
    "SlotUnreserved": gauge(
        'cdc_postgresql_slot_wal_status_current{slot="s",status="unreserved"}',
        1,
        0,
        "The slot s is lost at the next checkpoint",
        slot="s",
        status="unreserved",
    ),
    "SlotLost": gauge(
        'cdc_postgresql_slot_wal_status_current{slot="s",status="lost"}', 1, 0, "", slot="s", status="lost"
    ),
    "WalRetained": Case(
        {
            'cdc_postgresql_slot_retained_bytes{instance="p",slot="s"}': flat(51),
            'cdc_postgresql_wal_slot_limit_bytes{instance="p"}': flat(100),
        },
        {
            'cdc_postgresql_slot_retained_bytes{instance="p",slot="s"}': flat(49),
            'cdc_postgresql_wal_slot_limit_bytes{instance="p"}': flat(100),
        },
        {"instance": "p", "slot": "s"},
        "The slot s keeps 51% of the WAL that it may",
    ),
    "WalRetainedMost": Case(
        {
            'cdc_postgresql_slot_retained_bytes{instance="p",slot="s"}': flat(81),
            'cdc_postgresql_wal_slot_limit_bytes{instance="p"}': flat(100),
        },
        {
            'cdc_postgresql_slot_retained_bytes{instance="p",slot="s"}': flat(81),
            'cdc_postgresql_wal_slot_limit_bytes{instance="p"}': flat(200),
        },
        {"instance": "p", "slot": "s"},
        "The slot s keeps 81% of the WAL that it may",
    ),
    "TransactionOld": gauge("cdc_postgresql_transaction_oldest_seconds", 301, 299, ""),
    "ConnectorFailed": gauge(
        "cdc_connectors_failed", 1, 0, "1 connectors or tasks have failed, though the watchdog restarts them"
    ),
    "ConnectorStuck": gauge(
        'cdc_connectors_troubles{what="w",state="s"}', 1, 0, "The watchdog says that w is stuck", what="w"
    ),
    "ConnectorRestartsOften": Case(
        {'cdc_connectors_restarts_total{connector="c"}': f"0+1{FOR_EVER}"},
        {'cdc_connectors_restarts_total{connector="c"}': flat(9)},
        {"connector": "c"},
    ),
    "ConnectDeadLetters": Case(
        {'kafka_connect_dead_letters_requests_total{connector="c",task="0"}': f"0+1{FOR_EVER}"},
        {'kafka_connect_dead_letters_requests_total{connector="c",task="0"}': flat(9)},
        {"connector": "c", "task": "0"},
        "The task c-0 has sent records to its topic of dead letters",
    ),
    "BrokersMissing": Case(
        {"cdc_kafka_brokers": flat(2), "cdc_kafka_brokers_expected": flat(3)},
        {"cdc_kafka_brokers": flat(3), "cdc_kafka_brokers_expected": flat(3)},
        {},
        "Only 2 brokers are there",
    ),
    "PartitionsOffline": gauge("cdc_kafka_offline_partitions", 4, 0, "4 partitions have no leader"),
    "PartitionsUnderMinIsr": gauge("cdc_kafka_under_min_isr_partitions", 4, 0, "4 partitions cannot be written to"),
    "PartitionsUnderReplicated": gauge(
        "cdc_kafka_under_replicated_partitions", 4, 0, "4 partitions have a replica that is behind"
    ),
    "ControllerNotOne": Case(
        {'kafka_controller_active{replica="a"}': flat(1), 'kafka_controller_active{replica="b"}': flat(1)},
        {'kafka_controller_active{replica="a"}': flat(1), 'kafka_controller_active{replica="b"}': flat(0)},
        {},
        "2 controllers are active, and not one",
    ),
    "HeapFull": Case(
        {
            'jvm_memory_used_bytes{area="heap",replica="k"}': flat(98),
            'jvm_memory_max_bytes{area="heap",replica="k"}': flat(100),
        },
        {
            'jvm_memory_used_bytes{area="heap",replica="k"}': flat(90),
            'jvm_memory_max_bytes{area="heap",replica="k"}': flat(100),
        },
        {"area": "heap", "replica": "k"},
        "The heap of k is full",
    ),
    "GarbageCollectionLong": Case(
        {'jvm_gc_collection_seconds_sum{component="kafka",replica="k",gc="Copy"}': f"0+6{FOR_EVER}"},
        {'jvm_gc_collection_seconds_sum{component="kafka",replica="k",gc="Copy"}': f"0+4{FOR_EVER}"},
        {"component": "kafka", "replica": "k"},
        "k collects garbage in 40% of its time",
    ),
    "ArchiveStopped": gauge(
        'cdc_archive_partition_stopped{topic="t",partition="3",reason="gap"}',
        1,
        0,
        "The archive has stopped at t, partition 3: gap",
        topic="t",
        partition="3",
        reason="gap",
    ),
    "ArchiveDeadLetters": Case(
        {'cdc_archive_rejected_total{topic="t",rule="r"}': f"0+1{FOR_EVER}"},
        {'cdc_archive_rejected_total{topic="t",rule="r"}': flat(9)},
        {"topic": "t", "rule": "r"},
        "Records of t went to its dead letters, by the rule r",
    ),
    "QualityLow": Case(
        {'cdc:slo_missed{slo="quality"}': flat(6), 'cdc:slo_total{slo="quality"}': flat(100)},
        {'cdc:slo_missed{slo="quality"}': flat(4), 'cdc:slo_total{slo="quality"}': flat(100)},
        {"slo": "quality"},
        "Only 94% of the records could be decoded",
    ),
    "ObjectStoreDown": gauge("cdc_archive_object_store_up", 0, 1, "The archive cannot write to the object store"),
    "ObjectStoreSlow": Case(
        {"cdc_archive_put_seconds_sum": f"0+6{FOR_EVER}", "cdc_archive_put_seconds_count": f"0+1{FOR_EVER}"},
        {"cdc_archive_put_seconds_sum": f"0+4{FOR_EVER}", "cdc_archive_put_seconds_count": f"0+1{FOR_EVER}"},
        {},
        "A PUT to the object store takes 6s",
    ),
    "DiskFull": Case(
        {
            'node_filesystem_avail_bytes{mountpoint="/",fstype="ext4"}': flat(4),
            'node_filesystem_size_bytes{mountpoint="/",fstype="ext4"}': flat(100),
        },
        {
            'node_filesystem_avail_bytes{mountpoint="/",fstype="ext4"}': flat(6),
            'node_filesystem_size_bytes{mountpoint="/",fstype="ext4"}': flat(100),
        },
        {"mountpoint": "/", "fstype": "ext4"},
        "/ has 4% left",
    ),
    "DiskFills": Case(
        # 2 less every 15 s: nothing is left after four hours.
        {
            'node_filesystem_avail_bytes{mountpoint="/",fstype="ext4"}': f"2000-2{FOR_EVER}",
            'node_filesystem_size_bytes{mountpoint="/",fstype="ext4"}': flat(10000),
        },
        {
            'node_filesystem_avail_bytes{mountpoint="/",fstype="ext4"}': flat(2000),
            'node_filesystem_size_bytes{mountpoint="/",fstype="ext4"}': flat(10000),
        },
        {"mountpoint": "/", "fstype": "ext4"},
    ),
    "Watchdog": Case({"any": flat(1)}, {}, {}, "Alerts are evaluated"),
}


@pytest.mark.parametrize(
    ("text", "scale", "found"), [("5m", 1, "300s"), ("1h", 0.1, "360s"), ("0s", 3, "0s"), ("1s", 0.1, "1s")]
)
def test_one_number_scales_all_times(text: str, scale: float, found: str):
    assert scaled(text, scale) == found


def test_windows_are_scaled_and_what_is_not_there_is_left_out():
    found = rule_groups(DEFINITION, [], "https://example.org/", 0.1)
    rules = {rule["alert"]: rule for group in found["groups"] for rule in group["rules"]}
    assert "[90s]" in rules["ConnectorRestartsOften"]["expr"]
    assert rules["TargetDown"]["for"] == "12s"
    assert "ArchiveStopped" not in rules and "DiskFull" not in rules
    assert rules["TargetDown"]["annotations"]["runbook_url"] == "https://example.org/TargetDown.md"


def test_every_alert_has_a_case_and_a_severity():
    assert set(CASES) == set(ALERTS)
    assert {alert["severity"] for alert in ALERTS.values()} == {"critical", "warning", "none"}
    assert {alert["only"] for alert in ALERTS.values() if "only" in alert} == set(EVERYTHING)


def test_every_alert_has_a_runbook_and_a_line():
    """Commands of a runbook are run by tests/tools/docs_run.py."""
    lines = re.findall(
        r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| (\w+) \|", (ROOT / "docs/monitoring.md").read_text(), re.MULTILINE
    )
    assert lines == [(name, alert["severity"]) for name, alert in ALERTS.items()]
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_a_runbook_says_what_to_do(name: str):
    text = (RUNBOOKS / f"{name}.md").read_text()
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    assert re.search(r"^<!-- run -->\n```sh\n", text, re.MULTILINE)
    # What holds the alert back is named; of what is gone, the alert that people are told of.
    first = text.partition("## ")[0]
    told = {"ComponentDown" if each == GONE and name != "ComponentDown" else each for each in HELD.get(name, ())}
    assert set(re.findall(r"\[(\w+)\]\(\1\.md\)", first)) == told | TOLD[name]
    for linked in re.findall(r"\]\(([^)#]+)", text):
        assert (RUNBOOKS / linked).exists(), linked


def test_what_holds_an_alert_back_is_active_for_longer():
    """Or the alert would be sent when the fault is over."""
    assert len(HELD) > 10
    for name, above in HELD.items():
        assert above and all(keeps(each) > keeps(name) for each in above), name


def test_what_a_server_that_is_down_brings_comes_after_it():
    """Or it would be sent first: the scrape that sees the one may come 30 s after that of the other."""
    held = {name for name, above in HELD.items() if "ComponentDown" in above}
    # It speaks of five minutes, and so comes late enough.
    for name in held - {"ChangesLate"}:
        assert seconds(RULES[name]) >= 2 * seconds(RULES["ComponentDown"]), name
    for name in {name for name, above in HELD.items() if GONE in above}:
        assert seconds(RULES[name]) >= seconds(RULES[GONE]) + 30, name


@pytest.mark.parametrize(
    ("above", "problem"),
    [({"a": ["b"], "b": ["a"]}, "holds itself back"), ({"a": ["c"]}, "held back by c, which is not an alert")],
)
def test_what_holds_itself_back_is_refused(above: dict[str, list[str]], problem: str):
    alerts = [
        {
            "alert": name,
            "expr": "1",
            "for": "0s",
            "severity": "warning",
            "summary": "",
            "inhibited_by": dict.fromkeys(by),
        }
        for name, by in above.items()
    ]
    with pytest.raises(ValueError, match=problem):
        rule_groups({"area": alerts}, [], "", 1)


@pytest.mark.parametrize("name", [name for name, told in TOLD.items() if told])
def test_what_has_told_of_a_time_is_known_and_comes_first(name: str):
    """Or both would be told of one fault."""
    assert TOLD[name] <= set(ALERTS)
    assert all(seconds(RULES[each]) + 60 <= seconds(RULES[name]) for each in TOLD[name])


def seconds(rule: dict[str, Any]) -> int:
    return int(rule["for"].removesuffix("s"))


def keeps(name: str) -> int:
    """For how many seconds an alert stays active that has ended."""
    return int(RULES[name]["keep_firing_for"].removesuffix("s"))


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> str:
    return program("prometheus", "promtool", tmp_path_factory.mktemp("prometheus"))


def test_each_fires_in_time_and_for_nothing_else(promtool: str, tmp_path: Path):
    rules = rule_groups(DEFINITION, EVERYTHING, "https://example.org/", 1)
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules))
    subprocess.run([promtool, "check", "rules", tmp_path / "rules.yml"], check=True, capture_output=True)
    holds(promtool, tmp_path, {name: cases(rule, CASES[name]) for name, rule in RULES.items()})


WITHIN = {"namespace": "here"}


@pytest.mark.parametrize(
    ("expression", "narrowed"),
    [
        ("up == 0", 'up{namespace="here"} == 0'),
        ('a{b="up"} / on (a) group_left () c', 'a{namespace="here",b="up"} / on (a) group_left () c{namespace="here"}'),
        ("sum by (a) (increase(b[60s])) > 1e3", 'sum by (a) (increase(b{namespace="here"}[60s])) > 1e3'),
        ("sum(a) by (b) unless c offset 60s", 'sum(a{namespace="here"}) by (b) unless c{namespace="here"} offset 60s'),
        ("time() - vector(1)", "time() - vector(1)"),
    ],
)
def test_every_selector_of_an_expression_is_narrowed(expression: str, narrowed: str):
    assert selecting(expression, WITHIN) == narrowed
    assert selecting(expression, {}) == expression


def test_within_a_namespace_only_its_own_series_count(promtool: str, tmp_path: Path):
    """All as above. What is bad here is good there, and the other way round, which changes nothing."""
    rules = {
        rule["alert"]: rule
        for group in rule_groups(DEFINITION, EVERYTHING, "https://example.org/", 1, WITHIN)["groups"]
        for rule in group["rules"]
    }
    found = {}
    for name, rule in rules.items():
        case = CASES[name]
        bad = placed(case.bad, "here") | placed(case.good, "there")
        good = placed(case.good, "here") | placed(case.bad, "there") if case.good else {}
        found[name] = cases(rule, Case(bad, good, case.labels))
    holds(promtool, tmp_path, found, rules)


def placed(named: dict[str, str], namespace: str) -> dict[str, str]:
    """The same series with a label of the namespace that they are of."""
    return {selecting(name, {"namespace": namespace}): values for name, values in named.items()}


def test_the_first_dead_letters_of_a_topic_are_enough(promtool: str, tmp_path: Path):
    """They come at once, after ten minutes; not where it is Prometheus alone that begins then."""
    name = "ArchiveDeadLetters"
    counter, scraped = 'cdc_archive_rejected_total{topic="t",rule="r",instance="a"}', 'up{instance="a"}'
    late = f"_x40 3+0{FOR_EVER}"
    summary = "Records of t went to its dead letters, by the rule r"
    fires = {
        "exp_labels": {**RULES[name]["labels"], "topic": "t", "rule": "r"},
        "exp_annotations": {**RULES[name]["annotations"], "summary": summary},
    }
    over = 600 + 60 + keeps(name) + 60
    found = [
        active(name, {counter: late, scraped: flat(1)}, {585: [], 615: [fires], over: []}),
        active(name, {counter: late, scraped: f"_x40 1+0{FOR_EVER}"}, {615: [], 675: [], over: []}),
    ]
    holds(promtool, tmp_path, {name: found})


def test_one_slow_object_is_no_slow_store(promtool: str, tmp_path: Path):
    """One object a minute, of which the fifth takes a minute."""
    objects = [at // 4 for at in range(60)]
    named = {
        "cdc_archive_put_seconds_count": " ".join(map(str, objects)),
        "cdc_archive_put_seconds_sum": " ".join(str(each + (60 if each >= 5 else 0)) for each in objects),
    }
    silent = active("ObjectStoreSlow", named, {at: [] for at in range(60, 900, 15)})
    holds(promtool, tmp_path, {"ObjectStoreSlow": [silent]})


def test_what_probes_is_down_where_it_cannot_be_asked(promtool: str, tmp_path: Path):
    name = "ComponentDown"
    labels = dict(re.findall(r'(\w+)="([^"]*)"', BLACKBOX))
    summary = "blackbox-exporter-0 does not answer at b:1"
    fires = {
        "exp_labels": {**RULES[name]["labels"], **labels},
        "exp_annotations": {**RULES[name]["annotations"], "summary": summary},
    }
    found = [
        active(name, {BLACKBOX: flat(0)}, {45: [], 90: [fires]}),
        active(name, {BLACKBOX: flat(1)}, {45: [], 90: []}),
    ]
    holds(promtool, tmp_path, {name: found})


def active(name: str, named: dict[str, str], expected: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """What promtool is to see of an alert, by seconds."""
    tests = [{"eval_time": f"{at}s", "alertname": name, "exp_alerts": alerts} for at, alerts in expected.items()]
    return {"name": name, "interval": "15s", "input_series": series(named), "alert_rule_test": tests}


def holds(
    promtool: str, folder: Path, tests: dict[str, list[dict[str, Any]]], known: dict[str, dict[str, Any]] = RULES
) -> None:
    """Promtool finds so, by alert. Each by itself: promtool evaluates all that it is given."""
    files = []
    for name, each in tests.items():
        rules = {"groups": [{"name": name, "rules": [known[name]]}]}
        (folder / f"{name}.rules.yml").write_text(yaml.safe_dump(rules))
        files.append(folder / f"{name}.yml")
        stated = {"rule_files": [f"{name}.rules.yml"], "evaluation_interval": "15s", "tests": each}
        files[-1].write_text(yaml.safe_dump(stated))
    done = subprocess.run([promtool, "test", "rules", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def cases(rule: dict[str, Any], case: Case) -> list[dict[str, Any]]:
    """What promtool is to see: the alert after its time, and none before, nor where all is well."""
    name = rule["alert"]
    late = seconds(rule) + 1200
    expected = {**rule["labels"], **case.labels}
    fires = {"eval_time": f"{late}s", "alertname": name}
    shown = {"exp_labels": expected}
    silent = [{"eval_time": f"{at}s", "alertname": name, "exp_alerts": []} for at in (60, late)]
    wait = [{"eval_time": f"{seconds(rule) - 15}s", "alertname": name, "exp_alerts": []}] if seconds(rule) else []
    found = [
        {
            "name": f"{name} fires",
            "interval": "15s",
            "input_series": series(case.bad),
            "alert_rule_test": [*wait, fires],
        }
    ]
    if case.summary:
        shown["exp_annotations"] = {"summary": case.summary, "runbook_url": rule["annotations"]["runbook_url"]}
        fires["exp_alerts"] = [shown]
    else:
        found[0]["alert_rule_test"] = wait
        # The text has a value that is not of interest: that it fires is asked of Prometheus' own series.
        labels = "".join(f',{key}="{value}"' for key, value in expected.items())
        query = f'count(ALERTS{{alertname="{name}",alertstate="firing"{labels}}})'
        found[0]["promql_expr_test"] = [
            {"expr": query, "eval_time": f"{late}s", "exp_samples": [{"labels": "{}", "value": 1}]}
        ]
    if case.good:
        found.append(
            {
                "name": f"{name} is silent",
                "interval": "15s",
                "input_series": series(case.good),
                "alert_rule_test": silent,
            }
        )
    return found


def series(named: dict[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in named.items()]
