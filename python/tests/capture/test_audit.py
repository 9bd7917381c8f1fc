"""Each finding of the audit, by what the catalogue says; and that nothing is found where nothing is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cdc_pipeline.capture.audit import audit, left_out
from cdc_pipeline.capture.columns import field_names
from cdc_pipeline.capture.facts import (
    ColumnFacts,
    Facts,
    NamePattern,
    ServerFacts,
    Settings,
    SlotFacts,
    TableFacts,
)
from cdc_pipeline.capture.finding import Finding
from cdc_pipeline.names import Table, parse

A = Table("public", "a")
COLUMNS = (ColumnFacts("id", "integer", key=True), ColumnFacts("note", "text"))
SERVER = ServerFacts("shop")
OWN = Settings(managed=False, identity="keep", tables=("public.a",))


def found(
    settings: Settings = OWN, server: ServerFacts = SERVER, there: tuple[str, ...] = (), **changed: Any
) -> list[Finding]:
    """What is found of the table public.a that differs so."""
    table = TableFacts(**{"table": A, "columns": COLUMNS, **changed})
    others = tuple(parse(text) for text in there)
    return audit(Facts(server, {A: table}, (A, *others)), settings)


def codes(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(each.severity, each.code) for each in findings]


def of_tables(*texts: str, there: tuple[str, ...] = ()) -> list[Finding]:
    """What is found of tables that are all as they should be, but for their names."""
    tables = [parse(text) for text in texts]
    relations = {table: TableFacts(table, columns=COLUMNS) for table in tables}
    others = tuple(parse(text) for text in there)
    return audit(Facts(SERVER, relations, (*tables, *others)), replace(OWN, tables=texts))


def test_nothing_is_wrong() -> None:
    assert found() == []
    assert of_tables("public.a", 'public."Order Items"', '"my schema"."naïve"', "public.user$1") == []


@pytest.mark.parametrize(
    ("changed", "expected", "text"),
    [
        ({"kind": "v"}, ("refuse", "kind"), "it is a view"),
        ({"kind": "m"}, ("refuse", "kind"), "it is a materialized view"),
        ({"kind": "f"}, ("refuse", "kind"), "it is a foreign table"),
        ({"kind": "S"}, ("refuse", "kind"), "it is a sequence"),
        ({"persistence": "u"}, ("refuse", "unlogged"), 'ALTER TABLE "public"."a" SET LOGGED'),
        ({"persistence": "t"}, ("refuse", "temporary"), "do not stand in the WAL"),
        ({"children": (Table("public", "a_child"),)}, ("refuse", "inherited"), "public.a_child inherit from it"),
        (
            {"primary": False, "identity": "default", "identity_there": False},
            ("refuse", "no_identity"),
            "no primary key",
        ),
        ({"identity": "nothing", "identity_there": False}, ("refuse", "no_identity"), "REPLICA IDENTITY FULL"),
        ({"identity": "index", "identity_other": True}, ("refuse", "other_identity"), "that index alone"),
        ({"primary": False, "tells_apart": False}, ("warn", "no_key"), "no key tells its rows apart"),
        ({"hides_rows": True}, ("refuse", "row_security"), 'FOR SELECT TO "debezium" USING (true)'),
        ({"largest_row": 1_000_001}, ("warn", "row_size"), "a row of about 1000001 bytes"),
    ],
)
def test_what_a_table_is_like(changed: dict[str, Any], expected: tuple[str, str], text: str) -> None:
    (finding,) = found(**changed)
    assert (finding.severity, finding.code, finding.subject) == (*expected, "public.a")
    assert text in str(finding)


@pytest.mark.parametrize(
    ("columns", "expected", "text"),
    [
        ((ColumnFacts("twice", "integer", generated=True),), ("warn", "generated"), "twice: generated"),
        ((ColumnFacts("sum", "b.sum", ambiguous=True),), ("warn", "types_alike"), "sum (b.sum) has the name of one in"),
        ((ColumnFacts("Note", "text"),), ("refuse", "columns_alike"), 'note and "Note" differ by case alone'),
        ((ColumnFacts("order-no", "text"),), ("warn", "renamed"), '"order-no" as order_no'),
        ((ColumnFacts("__offset", "text"),), ("warn", "renamed"), "__offset as __offset_"),
        (
            (ColumnFacts("sel-ect", "text"), ColumnFacts("sel_ect", "text")),
            ("warn", "renamed"),
            '"sel-ect" as sel_ect_',
        ),
    ],
)
def test_what_its_columns_are_like(columns: tuple[ColumnFacts, ...], expected: tuple[str, str], text: str) -> None:
    (finding,) = found(columns=COLUMNS + columns)
    assert (finding.severity, finding.code) == expected
    assert text in finding.what


def test_what_the_run_may_not_grant_on_the_pipelines_own_server() -> None:
    (rights,) = found(replace(OWN, managed=True), can_read=False, can_grant=False)
    assert (rights.severity, rights.code) == ("refuse", "rights")
    assert rights.remedy == 'GRANT USAGE ON SCHEMA "public" TO "debezium"; GRANT SELECT ON "public"."a" TO "debezium"'


def test_what_a_run_still_does_is_not_missed() -> None:
    """Grants on any server, and identities on the pipeline's own."""
    lacking = {"can_read": False, "primary": False, "identity": "default", "identity_there": False}
    first = Settings(tables=("public.a",))
    assert codes(found(first, **lacking)) == []
    assert codes(found(replace(first, prepared=True), **lacking)) == [("refuse", "no_identity"), ("refuse", "rights")]
    assert codes(found(OWN, **lacking)) == [("refuse", "no_identity")]
    # The role is made by the run, too.
    assert codes(found(first, replace(SERVER, role=False), can_read=None)) == []
    # On a server of the user's own, the module capture_rights says what a run may not grant.
    assert codes(found(OWN, replace(SERVER, role=False), can_read=None, can_grant=False)) == []
    prepared = replace(OWN, prepared=True)
    (rights,) = found(prepared, replace(SERVER, role=False), can_read=None, can_grant=False)
    assert rights.remedy.startswith('CREATE ROLE "debezium" LOGIN REPLICATION; GRANT')


def test_a_table_that_is_not_there() -> None:
    def missing(table: str, *there: str) -> Finding:
        (finding,) = audit(Facts(SERVER, {}, tuple(map(parse, there))), replace(OWN, tables=(table,)))
        assert (finding.severity, finding.code) == ("refuse", "no_table")
        return finding

    assert missing("public.user", "public.users", "public.orders").why == "did you mean public.users?"
    assert missing("public.users", 'public."Users"').why == 'did you mean public."Users"?'
    assert missing("public.invoices", "sales.invoices").remedy == "write sales.invoices in cdc_tables"
    assert missing("public.users", "shop.parcels").why == "the database shop has shop.parcels"
    assert missing("public.users").why == "the database shop has no tables"


def test_the_pipelines_own_tables_may_be_missing() -> None:
    assert audit(Facts(SERVER), Settings(tables=("public.users",), own=("public.users", "public.probe"))) == []


def test_a_partition_beside_its_table() -> None:
    root = Table("public", "events")
    leaf = TableFacts(A, root=root, columns=COLUMNS)
    facts = Facts(SERVER, {A: leaf, root: TableFacts(root, kind="p", columns=COLUMNS)}, (root,))
    (finding,) = audit(facts, replace(OWN, tables=("public.a", "public.events")))
    assert (finding.code, finding.subject) == ("partition", "public.a")
    # By itself it is a table as any other.
    assert audit(facts, OWN) == []


@pytest.mark.parametrize(
    ("tables", "there", "expected"),
    [
        (('public."a b"', "public.a_b"), (), [("refuse", "topic")]),
        (("a_b.c", "a.b_c"), (), [("refuse", "topic")]),
        (("public.dlq",), (), [("refuse", "topic")]),
        (("public.users", "public.users_dlq"), (), [("refuse", "topic")]),
        (("public.users_dlq", "public.users"), (), [("refuse", "topic")]),
        (('public."users.dlq"',), (), [("refuse", "topic")]),
        (('"a.b".c',), ('a."b.c"',), [("refuse", "same_id")]),
        (('public."a"""',), (), [("refuse", "quote")]),
        (('public."Users"', "public.users"), (), [("warn", "case")]),
    ],
)
def test_names_that_are_taken_for_others(
    tables: tuple[str, ...], there: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert codes(of_tables(*tables, there=there)) == expected


def test_names_that_iceberg_takes_for_one() -> None:
    tables = {table: TableFacts(table, columns=COLUMNS) for table in map(parse, ('public."Users"', "public.users"))}
    settings = replace(OWN, tables=tuple(table.text for table in tables), fold_case=True)
    assert codes(audit(Facts(SERVER, tables, tuple(tables)), settings)) == [("refuse", "case")]


def test_patterns_that_mean_nothing() -> None:
    settings = Settings(patterns=(NamePattern("sales", "*"),), tables=("public.a",), managed=False, identity="keep")
    assert codes(found(settings)) == [("refuse", "no_match")]
    facts = Facts(SERVER, {A: TableFacts(A, columns=COLUMNS)}, (A,), matched=(A,))
    assert audit(facts, replace(settings, tables=())) == []


@pytest.mark.parametrize(
    ("column", "expected", "why"),
    [
        ("public.a.note", [], ""),
        ("public.a.id", [("refuse", "excluded_key")], "rows are identified by it"),
        ("public.a.notes", [("refuse", "excluded_column")], "did you mean note?"),
        ("public.b.note", [("refuse", "excluded_column")], "did you mean public.a?"),
        ("public.other.note", [], ""),
    ],
)
def test_columns_that_are_left_out_on_purpose(column: str, expected: list[tuple[str, str]], why: str) -> None:
    findings = found(replace(OWN, excluded=(column,)), there=("public.other",))
    assert codes(findings) == expected
    assert [why] * len(findings) == [each.why for each in findings]


def test_all_that_is_left_out_is_named() -> None:
    columns = (*COLUMNS, ColumnFacts("g", "integer", generated=True))
    settings = replace(OWN, excluded=("public.a.note", "public.b.id"))
    assert left_out(TableFacts(A, columns=columns), settings) == ["g", "note"]


@pytest.mark.parametrize(
    ("changed", "expected", "text"),
    [
        ({"wal_level": "replica"}, ("refuse", "wal_level"), "wal_level is replica"),
        ({"slots": 4, "slots_used": 4}, ("refuse", "slots"), "4 of 4 of max_replication_slots"),
        ({"slots": 4, "slots_used": 3}, ("warn", "slots"), "so does verification"),
        ({"senders": 4, "senders_used": 4}, ("refuse", "senders"), "4 of 4 of max_wal_senders"),
        ({"slot": SlotFacts("other")}, ("refuse", "slot_database"), "belongs to other"),
        ({"slot": SlotFacts("shop"), "slots": 4, "slots_used": 4}, ("warn", "slots"), "verification takes one more"),
        ({"slot": SlotFacts("shop", wal_status="lost")}, ("warn", "wal_status"), "nobody can read any more"),
        ({"slot": SlotFacts("shop", wal_status="unreserved")}, ("warn", "wal_status"), "is soon removed"),
        ({"wal_keep_mib": -1}, ("warn", "wal_keep"), "may fill the disk"),
        ({"wal_keep_mib": 64}, ("warn", "wal_keep"), "loses its slot"),
        ({"encoding": "SQL_ASCII"}, ("refuse", "encoding"), "SQL_ASCII"),
        ({"plugins": {"some_output_plugins": "test_decoding"}}, ("warn", "output_plugins"), "add pgoutput"),
        (
            {"transactions": 1800.0, "oldest": "process 7 of app"},
            ("warn", "old_transaction"),
            "a transaction of process 7 of app has been open for 30 minutes",
        ),
        ({"prepared": 1800.0}, ("warn", "prepared"), "a prepared transaction"),
    ],
)
def test_what_the_server_is_like(changed: dict[str, Any], expected: tuple[str, str], text: str) -> None:
    (finding,) = found(server=replace(SERVER, **changed))
    assert (finding.severity, finding.code, finding.subject) == (*expected, "server")
    assert text in str(finding)


@pytest.mark.parametrize(
    "changed",
    [
        {"slot": SlotFacts("shop")},
        {"plugins": {"some_output_plugins": "pgoutput, test_decoding"}},
        {"plugins": {"some_output_plugins": "*"}},
        {"transactions": 10.0},
    ],
)
def test_a_server_that_will_do(changed: dict[str, Any]) -> None:
    assert found(server=replace(SERVER, **changed)) == []


def test_refusals_come_first() -> None:
    assert [each.severity for each in found(kind="v", server=replace(SERVER, wal_keep_mib=1))] == ["refuse", "warn"]


def test_fields_have_the_names_that_the_transform_gives() -> None:
    columns = ["sel-ect", "sel_ect", "1st", "__offset", "__TEXT", "plain", "Grüße", "a b", "a-b", "😀"]
    assert field_names(columns) == {
        "sel-ect": "sel_ect_",
        "sel_ect": "sel_ect",
        "1st": "_1st",
        "__offset": "__offset_",
        "__TEXT": "__TEXT_",
        "plain": "plain",
        "Grüße": "Gr__e",
        "a b": "a_b",
        "a-b": "a_b_",
        "😀": "__",
    }
