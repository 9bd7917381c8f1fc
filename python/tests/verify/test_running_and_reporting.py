"""Steps, their times and failures; the report; the lines to paste; the command line."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.plan import parse_plan
from cdc_pipeline.instance.report import print_table, summary, write_report
from cdc_pipeline.verify.checks import COMPONENTS, STEPS
from cdc_pipeline.verify.cli import main
from cdc_pipeline.verify.runner import choose, run
from cdc_pipeline.verify.step import Step

ENDPOINTS = {
    "postgresql": {"host": "127.0.0.1", "port": 1, "dbname": "shop", "user": "postgres", "password": "p"},
    "kafka": {"bootstrap_servers": "127.0.0.1:1"},
    "schema_registry": {
        "url": "http://127.0.0.1:1",
        "reader": {"username": "reader", "password": "r"},
        "writer": {"username": "writer", "password": "w"},
    },
    "kafka_connect": {"url": "http://127.0.0.1:1"},
    "object_store": {
        "bucket": "b",
        "access_key_id": "k",
        "secret_access_key": "s",
        "endpoint_url": "http://127.0.0.1:1",
    },
    "archive": {"url": "http://127.0.0.1:1"},
}


def context() -> Context:
    return Context(parse_plan({"endpoints": ENDPOINTS}))


def test_what_a_step_found_before_it_failed_stays() -> None:
    def breaks(_):
        yield equal("postgresql.one", "first", 1, 1)
        raise ConnectionError("refused\nby the server")

    def works(_):
        yield equal("kafka.two", "second", 1, 2)

    steps = [Step("postgresql.step", "postgresql", breaks, "T4"), Step("kafka.step", "kafka", works)]
    found = run(steps, context())
    assert [(each.id, each.requirement, each.ok) for each in found] == [
        ("postgresql.one", "T4", True),
        ("postgresql.step", "T4", False),
        ("kafka.two", "", False),
    ]
    assert found[1].found == "ConnectionError: refused by the server"


def test_a_hint_leads_to_the_pipeline_that_was_looked_at() -> None:
    def fails(_):
        yield equal("services.x", "x", 1, 2, "Start it: {run start}; {cdc} status.")

    plan = parse_plan({"endpoints": ENDPOINTS, "command": "make INVENTORY=kind {}", "paths": {"home": "/x"}})
    assert (
        run([Step("services.x", "services", fails)], Context(plan))[0].hint
        == "Start it: make INVENTORY=kind start; /x/bin/cdc status."
    )


def test_shared_work_is_done_once_and_its_error_is_shared() -> None:
    shared = context()
    calls = []
    assert [shared.once("a", lambda: calls.append(1) or 7) for _ in range(3)] == [7, 7, 7]
    assert calls == [1]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            shared.once("b", lambda: calls.append(2) or 1 / 0)
    assert calls == [1, 2]


def ids(components, read_only=False, cluster=True) -> set[str]:
    return {step.id for step in choose(STEPS, components, read_only, cluster)[0]}


def test_components_bring_along_what_belongs_to_them() -> None:
    assert ids([]) == {step.id for step in STEPS}
    assert "end_to_end.parquet" in ids(["archive"])
    assert "end_to_end.kafka" in ids(["connectors"])
    assert "memory.total" not in ids(["kafka"])
    assert "memory.total" in ids(["kafka", "postgresql", "schema_registry", "kafka_connect"])
    assert "kafka.processes" in ids([], cluster=False)


def test_read_only_leaves_out_what_writes() -> None:
    left = choose(STEPS, [], True, True)
    writing = {step.id for step in STEPS if step.writes}
    assert writing >= {
        "postgresql.wal_streaming",
        "kafka.topic_life",
        "schema_registry.subject_life",
        "end_to_end.kafka",
        "end_to_end.parquet",
    }
    assert not writing & {step.id for step in left[0]}
    assert left[1] == len(writing)


FINDINGS = [
    Finding("postgresql.good", "something", "ü", "ü", True, "not shown", 0.12345, "T4"),
    Finding("kafka.bad", "another", {"a": 1}, [1, 2], False, "Do this.", 1.0),
]


def test_the_report_has_the_fields(tmp_path) -> None:
    path = tmp_path / "new" / "verify.json"
    write_report(FINDINGS, path)
    data = json.loads(path.read_text())
    assert data[0] == {
        "id": "postgresql.good",
        "requirement": "T4",
        "what": "something",
        "expected": "ü",
        "found": "ü",
        "ok": True,
        "seconds": 0.123,
    }
    assert data[1]["hint"] == "Do this." and data[1]["requirement"] == ""
    assert list(path.parent.iterdir()) == [path]


def test_the_table_is_plain_where_it_must_be() -> None:
    stream = io.StringIO()
    print_table(FINDINGS, stream)
    text = stream.getvalue()
    assert text.splitlines()[0].startswith("ok      postgresql.good  T4   0.12 s  something: ü")
    assert "FAILED  kafka.bad             1.00 s" in text and "\nkafka.bad: another\n" in text
    assert "next      Do this." in text
    assert "not shown" not in text and "✓" not in text
    assert summary(FINDINGS) == "1 of 2 checks FAILED"
    assert summary(FINDINGS[:1], 3) == "all 1 checks ok; 3 groups of checks that write were left out"
    assert summary([]) == "no checks were made"


def test_the_table_has_ticks_on_a_terminal_that_can() -> None:
    class Terminal(io.StringIO):
        encoding = "UTF-8"

        def isatty(self) -> bool:
            return True

    stream = Terminal()
    print_table([*FINDINGS, replace(FINDINGS[0], ok=False)], stream)
    assert "\npostgresql.good (T4): something\n" in stream.getvalue()
    assert stream.getvalue().startswith("✓  postgresql.good")


def test_the_command_line_says_what_is_wrong_with_a_plan(tmp_path, capsys) -> None:
    assert main([]) == 2
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"endpoints": {}, "expectd": {}}))
    assert main(["--plan", str(path)]) == 2
    said = capsys.readouterr().err
    assert "expectd is unknown; did you mean expected?" in said and "endpoints.kafka is missing" in said
    assert main(["--plan", str(tmp_path / "none.json")]) == 2


def test_servers_that_are_down_fail_their_checks_and_nothing_else(tmp_path, capsys) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"endpoints": ENDPOINTS}))
    report = tmp_path / "report.json"
    command = [
        "--plan",
        str(path),
        "--report",
        str(report),
        "--component",
        "postgresql",
        "--component",
        "schema_registry",
    ]
    assert main([*command, "--read-only"]) == 1
    assert {each["id"] for each in json.loads(report.read_text())} == {
        "postgresql.settings",
        "postgresql.tables",
        "schema_registry.access",
        "schema_registry.processes",
    }
    assert "FAILED" in capsys.readouterr().out


def test_the_probe_table_is_printed_without_a_plan(capsys) -> None:
    assert main(["--probe-sql"]) == 0
    assert "CREATE TABLE IF NOT EXISTS public.pipeline_probe" in capsys.readouterr().out
    assert main(["--probe-sql", "other.probe"]) == 0
    assert "CREATE TABLE IF NOT EXISTS other.probe" in capsys.readouterr().out


def test_every_component_has_a_name_of_the_requirements() -> None:
    assert set(COMPONENTS) >= {"postgresql", "kafka", "schema_registry", "kafka_connect", "connectors", "archive"}
