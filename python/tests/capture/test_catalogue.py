"""What the queries read of a real server, and what is said of it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cdc_pipeline.capture.catalogue import read_facts
from cdc_pipeline.capture.facts import NamePattern, Settings, TableFacts
from cdc_pipeline.capture.report import document, examine
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from cdc_pipeline.names import Table

pytestmark = pytest.mark.integration
ROLE = f"capture_{uuid.uuid4().hex[:8]}"
TABLES = f"""
CREATE ROLE {ROLE} LOGIN REPLICATION;
CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO {ROLE};
CREATE TABLE s.keyed (id int PRIMARY KEY, u int UNIQUE);
CREATE TABLE s.keyless (id int); ALTER TABLE s.keyless REPLICA IDENTITY FULL;
CREATE TABLE s.identityless (id int);
CREATE TABLE s.nothing (id int PRIMARY KEY); ALTER TABLE s.nothing REPLICA IDENTITY NOTHING;
CREATE TABLE s.by_index (id int NOT NULL UNIQUE);
CREATE TABLE s.nullable (id int UNIQUE);
CREATE TABLE s.either (id int NOT NULL UNIQUE, u int UNIQUE);
CREATE TABLE s.partial (id int NOT NULL); CREATE UNIQUE INDEX ON s.partial (id) WHERE id > 0;
CREATE TABLE s.expression (id int NOT NULL); CREATE UNIQUE INDEX ON s.expression ((id + 1));
CREATE TABLE s.other (id int PRIMARY KEY, u int NOT NULL); CREATE UNIQUE INDEX other_u ON s.other (u);
ALTER TABLE s.other REPLICA IDENTITY USING INDEX other_u;
CREATE TABLE s.computed (id int PRIMARY KEY, "Net" numeric, twice numeric GENERATED ALWAYS AS ("Net" * 2) STORED,
    "Half" numeric GENERATED ALWAYS AS ("Net" / 2) STORED, gone int GENERATED ALWAYS AS (id) STORED);
ALTER TABLE s.computed DROP COLUMN gone;
ALTER TABLE s.computed REPLICA IDENTITY FULL;
CREATE TABLE s.parts (id int, d date, PRIMARY KEY (id, d)) PARTITION BY RANGE (d);
CREATE TABLE s."Part 1" PARTITION OF s.parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY RANGE (d);
CREATE TABLE s.leaf PARTITION OF s."Part 1" FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE s.full_leaf PARTITION OF s."Part 1" FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
ALTER TABLE s.full_leaf REPLICA IDENTITY FULL;
CREATE TYPE s.state AS ENUM ('a');
CREATE DOMAIN s.list AS int[]; CREATE TABLE s.by_list (id s.list PRIMARY KEY);
CREATE TABLE s.by_money (id money, n int, PRIMARY KEY (n, id)); CREATE TABLE s.by_bit (id bit(1) PRIMARY KEY);
CREATE TABLE s.by_numeric (id numeric(20, 0) PRIMARY KEY); CREATE TABLE s.by_range (id int4range PRIMARY KEY);
CREATE DOMAIN s.enums AS s.state; CREATE TABLE s.by_enum_domain (id s.enums PRIMARY KEY);
CREATE SCHEMA r; CREATE DOMAIN r.sum AS int; CREATE TYPE s.sum AS ENUM ('a'); CREATE DOMAIN s.total AS s.sum;
CREATE TABLE s.ambiguous (id int PRIMARY KEY, one r.sum, two s.sum[], three s.total, four text, five s.state);
CREATE TABLE s.alike (id int PRIMARY KEY, "Note" text, note text, other int);
CREATE VIEW s.view AS SELECT 1 AS id; CREATE MATERIALIZED VIEW s.matview AS SELECT 1 AS id; CREATE SEQUENCE s.seq;
CREATE UNLOGGED TABLE s.unlogged (id int PRIMARY KEY);
CREATE TABLE s.parent (id int PRIMARY KEY); CREATE TABLE s.child () INHERITS (s.parent);
CREATE TABLE s.secured (id int PRIMARY KEY); ALTER TABLE s.secured ENABLE ROW LEVEL SECURITY;
CREATE TABLE s.some_rows (id int PRIMARY KEY); ALTER TABLE s.some_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON s.some_rows FOR SELECT USING (id > 1);
CREATE TABLE s.all_rows (id int PRIMARY KEY); ALTER TABLE s.all_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON s.all_rows FOR SELECT TO {ROLE} USING (true);
CREATE TABLE s.for_others (id int PRIMARY KEY); ALTER TABLE s.for_others ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON s.for_others FOR SELECT TO CURRENT_USER USING (true);
CREATE TABLE s.restricted (id int PRIMARY KEY); ALTER TABLE s.restricted ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON s.restricted FOR SELECT USING (true);
CREATE POLICY r ON s.restricted AS RESTRICTIVE FOR SELECT USING (id > 1);
CREATE TABLE s."Order Items" (id int PRIMARY KEY, "sel-ect" int, sel_ect int);
CREATE TABLE s."say ""hi"" 100%% , \\x" (id int PRIMARY KEY);
CREATE TABLE s.large (id int PRIMARY KEY, t text); INSERT INTO s.large VALUES (1, repeat('x', 50000));
""".replace("%%", "%")
GRANTED = f"GRANT SELECT ON ALL TABLES IN SCHEMA s TO {ROLE}; REVOKE SELECT ON s.keyed FROM {ROLE}"
ODD = 'say "hi" 100% , \\x'


@pytest.fixture(scope="module")
def database() -> Iterator[psycopg.Connection[Any]]:
    """A database of these tests' own."""
    path = os.environ.get("CDC_ENDPOINTS")
    if not path:
        pytest.skip("CDC_ENDPOINTS does not name the endpoints file of a running pipeline")
    where = PostgresqlEndpoint(**json.loads(Path(path).read_text())["postgresql"])
    with postgresql.connect(where) as connection:
        connection.execute(f"CREATE DATABASE {ROLE}")
        try:
            with postgresql.connect(where, dbname=ROLE) as inside:
                inside.execute(TABLES)
                inside.execute(GRANTED)
                yield inside
        finally:
            connection.execute(f"DROP DATABASE {ROLE} WITH (FORCE)")
            connection.execute(f"DROP ROLE {ROLE}")


@pytest.fixture(scope="module")
def found(database: psycopg.Connection[Any]) -> dict[str, TableFacts]:
    """Every relation of the schema s, by its name."""
    rows = database.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind NOT IN ('i', 'I')"
    )
    texts = tuple(Table("s", name).text for (name,) in rows.fetchall())
    relations = read_facts(database, Settings(role=ROLE, tables=texts)).relations
    assert {table.text for table in relations} == set(texts)
    return {table.table: facts for table, facts in relations.items()}


def test_keys_columns_and_identities(found: dict[str, TableFacts]) -> None:
    unkeyed = {
        "keyless",
        "identityless",
        "nullable",
        "either",
        "partial",
        "expression",
        "view",
        "matview",
        "seq",
        "child",
    }
    assert {name for name, facts in found.items() if not facts.tells_apart} == unkeyed
    assert {name for name, facts in found.items() if facts.tells_apart and not facts.keyed} == {
        "by_bit",
        "by_enum_domain",
        "by_list",
        "by_money",
        "by_range",
    }
    ambiguous = {(n, c.name) for n, facts in found.items() for c in facts.columns if c.ambiguous}
    assert ambiguous == {("ambiguous", "one"), ("ambiguous", "two"), ("ambiguous", "three")}
    assert found["computed"].generated == ["twice", "Half"]
    assert [column.name for column in found["parts"].columns if column.key] == ["id", "d"]
    assert (found["computed"].not_full, found["keyed"].not_full) == ((), ("s.keyed",))
    assert found["parts"].not_full == ('s."Part 1"', "s.leaf", "s.parts")
    without = {"identityless", "nothing", "by_index", "nullable", "either", "partial", "expression", "child"}
    kinds = {"view", "matview", "seq"}
    assert {name for name, facts in found.items() if not facts.identity_there} - kinds == without
    assert {name for name, facts in found.items() if facts.identity_other} == {"other"}


def test_kinds_families_rights_and_policies(found: dict[str, TableFacts]) -> None:
    assert {name: facts.kind for name, facts in found.items() if facts.kind != "r"} == {
        "view": "v",
        "matview": "m",
        "seq": "S",
        "parts": "p",
        "Part 1": "p",
    }
    assert {name for name, facts in found.items() if facts.persistence != "p"} == {"unlogged"}
    assert {name for name, facts in found.items() if facts.root == Table("s", "parts")} == {
        "Part 1",
        "leaf",
        "full_leaf",
    }
    assert {name: facts.children for name, facts in found.items() if facts.children} == {
        "parent": (Table("s", "child"),)
    }
    assert {name for name, facts in found.items() if facts.hides_rows} == {
        "secured",
        "some_rows",
        "for_others",
        "restricted",
    }
    assert {name for name, facts in found.items() if not facts.can_read} == {"keyed", "seq"}
    assert 50_000 < (found["large"].largest_row or 0) < 51_000


def test_a_role_that_is_not_there_yet(database: psycopg.Connection[Any]) -> None:
    tables = ("s.keyed", "s.all_rows", "s.secured")
    facts = read_facts(database, Settings(role="nobody_of_that_name", tables=tables))
    assert not facts.server.role
    assert {table.table for table, each in facts.relations.items() if each.hides_rows} == {"all_rows", "secured"}
    assert {each.can_read for each in facts.relations.values()} == {None}


def test_what_is_said(database: psycopg.Connection[Any]) -> None:
    tables = (
        "s.view",
        "s.unlogged",
        "s.parent",
        "s.secured",
        "s.alike",
        "s.leaf",
        "s.parts",
        "s.keyles",
    )
    settings = Settings(
        role=ROLE, tables=(*tables, "s.computed", 's."Order Items"', "s.identityless"), max_row_bytes=10_000
    )
    facts, findings = examine(database, replace(settings, managed=False, identity="keep", excluded=("s.parts.d",)))
    said = {(each.subject, each.code) for each in findings if each.subject != "server"}
    assert said == {
        ("s.view", "kind"),
        ("s.unlogged", "unlogged"),
        ("s.parent", "inherited"),
        ("s.secured", "row_security"),
        ("s.alike", "columns_alike"),
        ("s.leaf", "partition"),
        ("s.parts.d", "excluded_key"),
        ("s.keyles", "no_table"),
        ("s.computed", "generated"),
        ('s."Order Items"', "renamed"),
        ("s.identityless", "no_identity"),
        ("s.identityless", "no_key"),
    }
    (missing,) = [each for each in findings if each.code == "no_table"]
    assert missing.why == "did you mean s.keyless?"
    found = document(facts, findings, settings)
    assert "s.view" not in {table["name"] for table in found["tables"]}
    (computed,) = [table for table in found["tables"] if table["name"] == "s.computed"]
    assert computed["left_out"] == ["s.computed.twice", 's.computed."Half"']


def test_the_remedy_for_row_level_security_works(database: psycopg.Connection[Any]) -> None:
    settings = Settings(role=ROLE, tables=("s.some_rows",))
    (finding,) = [each for each in examine(database, settings)[1] if each.code == "row_security"]
    database.execute("BEGIN")
    database.execute(finding.remedy.split(";")[0])
    assert not read_facts(database, settings).relations[Table("s", "some_rows")].hides_rows
    database.execute("ROLLBACK")


def test_patterns_mean_permanent_tables(database: psycopg.Connection[Any]) -> None:
    settings = Settings(
        patterns=(NamePattern("s", "*part*"), NamePattern("s", "*%*")), without=(NamePattern("s", "partial"),)
    )
    assert [table.table for table in read_facts(database, settings).matched] == ["parts", ODD]
    every = {table.table for table in read_facts(database, Settings(patterns=(NamePattern("s", "*"),))).matched}
    assert {"keyed", "Order Items"} < every
    assert every.isdisjoint({"view", "matview", "seq", "unlogged", "leaf", "Part 1"})


def test_any_name_is_found(database: psycopg.Connection[Any], found: dict[str, TableFacts]) -> None:
    assert found[ODD].can_read
    assert not [
        each
        for each in examine(database, Settings(role=ROLE, slot="of_none", tables=(Table("s", ODD).text,)))[1]
        if each.severity == "refuse"
    ]
