# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables as people name and make them, added to a running pipeline; and what is refused before anything changes."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from archived import context_of, objects_of, rows_of
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from cdc_pipeline.names import parse, quoted
from conftest import Capture
from site_runs import Run, Site, shared_tables
from waiting import until

SCHEMA = f"names {uuid.uuid4().hex[:6]}"
ODD = ["Order Items", "user$1", "naïve", "a.b", "c,d", 'say "hi" now', "100%", "back\\slash", "Mixed", "it's"]
DEFAULTS = shared_tables()


def execute(running: Site, *statements: str) -> list[tuple[Any, ...]]:
    with postgresql.connect(PostgresqlEndpoint(**running.endpoints()["postgresql"])) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def schema(running: Site) -> Iterator[str]:
    """A schema with a blank in its name, quoted."""
    name = quoted(SCHEMA)
    execute(running, f"CREATE SCHEMA {name}")
    yield name
    execute(running, f"DROP SCHEMA {name} CASCADE")


def state(running: Site) -> dict[str, Any]:
    """What of the pipeline a refused run may not change."""
    context = context_of(running)
    name = context.plan.expected.connectors.names[0]
    return {
        "connectors": sorted(context.kafka_connect.get("/connectors").json()),
        "config": context.kafka_connect.get(f"/connectors/{name}/config").json(),
        "topics": sorted(context.kafka_admin.list_topics(timeout=10).topics),
        "publications": execute(running, "SELECT * FROM pg_publication_tables ORDER BY 1, 2, 3"),
        # A run before this one may have started some, which count as running when they have been up for a while.
        "processes": until(running.processes, lambda found: {"archive-0", "connectors-0"} <= {*found}, 60, "all run"),
    }


def attempt(running: Site, *tables: Any, **variables: Any) -> Run:
    return running.run("--tags", "connectors,archive", cdc_tables=[*DEFAULTS, *tables], **variables)


def refused(audit: subprocess.CompletedProcess[str], schema: str) -> list[tuple[str, str]]:
    """Code and subject of what is refused of a schema; tables of tests before this one may be gone."""
    found = [each for each in json.loads(audit.stdout) if each["severity"] == "refuse"]
    return [(each["code"], each["subject"]) for each in found if each["subject"].startswith(schema)]


@pytest.mark.full
def test_any_name_is_captured_with_its_rows_and_verifies(running: Site, schema: str, capture: Capture) -> None:
    """C2, C7: blanks, points, commas, quotes, percent signs, capitals, and what is no ASCII."""
    tables = [f"{schema}.{quoted(name)}" for name in ODD]
    for table in tables:
        execute(
            running,
            f'CREATE TABLE {table} (id int PRIMARY KEY, "sel-ect" int, sel_ect int)',
            f"INSERT INTO {table} SELECT n, n, -n FROM generate_series(1, 3) AS n",
        )
    texts = [parse(table).text for table in tables]
    # The first one is what the summary shows.
    everything = [*texts, *DEFAULTS]
    running.run("--tags", "connectors,archive", cdc_tables=everything).must_succeed()
    again = running.run("--tags", "connectors,archive,summary", cdc_tables=everything).must_succeed()
    assert again.changed == 0
    assert f"SELECT * FROM {texts[0]} LIMIT 5" in again.output
    for table in tables:
        execute(running, f"INSERT INTO {table} VALUES (4, 4, -4)", f"DELETE FROM {table} WHERE id = 1")
    running.run(playbook="playbooks/verify.yml", cdc_tables=everything).must_succeed()
    context = context_of(running)
    assert f"{running.context().plan.expected.connectors.names[0]}-rows" not in state(running)["connectors"]
    for text in texts:
        rows = sorted((row["id"], row["__op"], row["sel_ect_"]) for row in rows_of(objects_of(context, text, 5)))
        assert rows == [(1, "d", 1), (1, "r", 1), (2, "r", 2), (3, "r", 3), (4, "c", 4)], text
    shown = query(running, f"SELECT count(*) AS n FROM {tables[0]}")
    assert shown == [{"n": 3}]
    found = json.loads(cdc(running, "tables", "--json").stdout)["tables"]
    assert set(texts) <= {each["table"] for each in found if each["captured"]}


def cdc(running: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [running.home / "bin" / "cdc", *arguments, "--home", running.home]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def query(running: Site, statement: str) -> list[dict[str, Any]]:
    done = cdc(running, "sql", "--json", statement)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.full
def test_a_table_without_a_key_comes_with_its_rows_and_verifies(running: Site, schema: str, capture: Capture) -> None:
    """C5: also rows that are alike, and an empty table."""
    table, empty = f"{schema}.keyless", f"{schema}.keyless_and_empty"
    for each in (table, empty):
        execute(running, f"CREATE TABLE {each} (n int, note text)", f"ALTER TABLE {each} REPLICA IDENTITY FULL")
    execute(running, f"INSERT INTO {table} VALUES (1, 'a'), (1, 'a'), (2, NULL)")
    texts = [parse(each).text for each in (table, empty)]
    capture(*texts)
    execute(running, f"UPDATE {table} SET note = 'b' WHERE n = 2", f"INSERT INTO {empty} VALUES (9, 'x')")
    running.run(playbook="playbooks/verify.yml", cdc_tables=[*DEFAULTS, *texts]).must_succeed()
    context = context_of(running)
    rows = sorted((row["n"], row["__op"], row["note"]) for row in rows_of(objects_of(context, texts[0], 4)))
    assert rows == [(1, "r", "a"), (1, "r", "a"), (2, "r", None), (2, "u", "b")]
    assert [row["__op"] for row in rows_of(objects_of(context, texts[1], 1))] == ["c"]


@pytest.mark.full
def test_patterns_and_excluded_columns(running: Site) -> None:
    name = f"sales_{uuid.uuid4().hex[:6]}"
    execute(running, f"CREATE SCHEMA {name}")
    try:
        for table in ("orders", "tmp_orders", "kept"):
            execute(
                running,
                f"CREATE TABLE {name}.{table} (id int PRIMARY KEY, secret text, note text)",
                f"INSERT INTO {name}.{table} VALUES (1, 's', 'n')",
            )
        variables = {"cdc_excluded_columns": [f"{name}.orders.secret"]}
        run = attempt(running, f"{name}.*", f"!{name}.tmp_*", **variables).must_succeed()
        assert f"{name}.kept, {name}.orders" in run.output
        context = context_of(running)
        (row,) = rows_of(objects_of(context, f"{name}.orders", 1))
        assert (row["note"], "secret" in row) == ("n", False)
        assert f"postgres.{name}.tmp_orders" not in state(running)["topics"]
        attempt(running, f"{name}.*", cdc_excluded_columns=[f"{name}.orders.id"]).must_fail_with(
            "a column of the key cannot be left out"
        )
    finally:
        attempt(running).must_succeed()
        execute(running, f"DROP SCHEMA {name} CASCADE")


def test_what_cannot_be_captured_is_refused_before_anything_changes(running: Site, schema: str) -> None:
    """C3, C4, B4's neighbours: all of it in one run, each with its remedy."""
    execute(
        running,
        f"CREATE VIEW {schema}.view AS SELECT 1 AS id",
        f"CREATE UNLOGGED TABLE {schema}.unlogged (id int PRIMARY KEY)",
        f"CREATE TABLE {schema}.parent (id int PRIMARY KEY)",
        f"CREATE TABLE {schema}.child () INHERITS ({schema}.parent)",
        f"CREATE TABLE {schema}.secured (id int PRIMARY KEY)",
        f"ALTER TABLE {schema}.secured ENABLE ROW LEVEL SECURITY",
        f'CREATE TABLE {schema}.alike (id int PRIMARY KEY, "Id" int)',
        f'CREATE TABLE {schema}."x y" (id int PRIMARY KEY)',
        f"CREATE TABLE {schema}.x_y (id int PRIMARY KEY)",
    )
    before = state(running)
    wrong = ["view", "unlogged", "parent", "secured", "alike", '"x y"']
    run = attempt(running, "public.user", *(f"{schema}.{name}" for name in wrong))
    run.must_fail_with(
        "nothing of the pipeline has been changed",
        "did you mean public.users?",
        "it is a view",
        "it is unlogged",
        "inherit from it",
        "FOR SELECT TO",
        "differ by case alone",
    )
    assert state(running) == before
    # Names that go together in no case are refused by the variables alone.
    attempt(running, f'{schema}."x y"', f"{schema}.x_y").must_fail_with("are one to Kafka")
    attempt(running, "public.Users").must_fail_with("PostgreSQL takes Users for users")
    attempt(running, f"{schema}.gone.*").must_fail_with("a table is written as schema.table")
    assert state(running) == before
    found = cdc(running, "audit", f"{schema}.view", "--json")
    assert found.returncode == 1
    assert refused(found, schema) == [("kind", parse(f"{schema}.view").text)]
    assert refused(cdc(running, "audit", "--json"), schema) == []


@pytest.mark.full
def test_the_remedy_for_row_level_security(running: Site, schema: str, capture: Capture) -> None:
    """C4: with the policy that the refusal names, all rows come."""
    table = f"{schema}.policed"
    execute(
        running,
        f"CREATE TABLE {table} (id int PRIMARY KEY)",
        f"INSERT INTO {table} SELECT generate_series(1, 50)",
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    )
    attempt(running, table).must_fail_with("row level security keeps rows")
    findings = json.loads(cdc(running, "audit", table, "--json").stdout)
    (finding,) = [each for each in findings if each["code"] == "row_security"]
    execute(running, finding["remedy"].split(";")[0])
    capture(table)
    assert len(rows_of(objects_of(context_of(running), parse(table).text, 50))) == 50
