# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Any name that PostgreSQL allows is written, read and rendered; what it would fold, and what is none, is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.filter.captured_tables import captured_tables
from ansible_collections.cdc.pipeline.plugins.filter.column_as import column_as
from ansible_collections.cdc.pipeline.plugins.filter.table_as import table_as
from ansible_collections.cdc.pipeline.plugins.module_utils._connect.debezium_offsets import captured
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import InvalidError
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.table_names import (
    Table,
    collisions,
    parse_column,
    parse_table,
    parse_tables,
)
from hypothesis import given
from hypothesis import strategies as st

CASES = json.loads((Path(__file__).resolve().parents[4] / "support/names.json").read_text(encoding="utf-8"))["tables"]
# Every character but the zero byte and lone surrogates, often of those that mean something elsewhere.
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from(
    " .,\"'`\\%_*!$-^(){}|[]A"
)
NAMES = st.text(CHARACTERS, min_size=1, max_size=15).filter(lambda name: len(name.encode()) <= 63)
TABLES = st.builds(Table, NAMES, NAMES)


@pytest.mark.parametrize("case", CASES, ids=[case["text"] for case in CASES])
def test_the_names_of_a_table(case):
    table = parse_table(case["text"])
    assert (table.schema, table.table, table.text) == (case["schema"], case["table"], case["text"])
    assert (table.id, table.topic("postgres"), table.chunked) == (case["id"], case["topic"], case["chunked"])
    assert parse_table({"schema": case["schema"], "table": case["table"]}) == table
    assert table_as(case["text"], "topic", "postgres") == case["topic"]


@given(TABLES)
def test_what_is_written_is_read(table):
    assert parse_table(table.text) == table
    assert parse_table(table.sql) == table
    assert parse_table({"schema": table.schema, "table": table.table}) == table
    assert captured_tables([table.text, table.sql]) == [table.text]


@given(TABLES, NAMES)
def test_columns_are_written_and_read(table, name):
    column = parse_column({"schema": table.schema, "table": table.table, "column": name})
    assert parse_column(column.text) == column
    assert column_as(column.text, "regex") == column.regex
    assert _matches(column.regex, f"{table.id}.{name}")


@given(st.lists(TABLES, min_size=1, max_size=5, unique=True), TABLES)
def test_the_include_list_names_these_tables_and_no_other(tables, other):
    config = {"table.include.list": ",".join(table.regex for table in tables)}
    ids = {table.id for table in tables}
    assert set(captured(config, [table.id for table in tables])) == ids
    assert bool(captured(config, [other.id])) == (other.id in ids)


def _matches(entry: str, name: str) -> bool:
    assert "," not in entry and entry == entry.strip()
    return re.fullmatch(entry.removeprefix("(?-i)"), name) is not None


@given(TABLES)
def test_every_topic_is_one_that_kafka_takes(table):
    topic = table.topic("postgres")
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic + ".dlq")


@pytest.mark.parametrize(
    ("entry", "what", "remedy"),
    [
        ("users", "a table is written as schema.table", "write public.users"),
        ("Public.users", "PostgreSQL takes Public for public", 'write "Public"'),
        (
            "public.Users",
            "PostgreSQL takes Users for users",
            'write "Users" for the name with these capitals, or users',
        ),
        ("public.order items", "order items takes quotes", '"order items"'),
        ("public.naïve", "naïve takes quotes", '"naïve"'),
        ("public.1st", "1st takes quotes", '"1st"'),
        (
            "shop.public.users",
            "a table is written as schema.table",
            "with quotes around a name that has a point itself",
        ),
        ('public."users', "after public. there is", "written twice"),
        ('public."us"ers', "after public.", "written twice"),
        ('public.""', "a name has 1 to 63 bytes", "that PostgreSQL shows"),
        ("public.", "a part of it is empty", "names as in SQL"),
        (".users", "a part of it is empty", "names as in SQL"),
        ("", "a table is written as schema.table", "write it as schema.table"),
        ("public." + "x" * 64, "a name has 1 to 63 bytes", "that PostgreSQL shows"),
        ('public."' + "ü" * 32 + '"', "a name has 1 to 63 bytes", "that PostgreSQL shows"),
        ({"schema": "public"}, "a map has the keys schema, table", "names as in SQL"),
        ({"schema": "public", "table": 7}, "a map has the keys schema, table", "names as in SQL"),
        ({"schema": "public", "table": ""}, "a name has 1 to 63 bytes", "that PostgreSQL shows"),
        (7, "neither text nor a map", "names as in SQL"),
        ("Sales.*", "Sales is not allowed in a pattern", "a-z"),
        ('"Sales".*', "is not allowed in a pattern", "a-z"),
    ],
)
def test_what_is_refused_with_a_hint(entry, what, remedy):
    with pytest.raises(InvalidError) as raised:
        parse_tables([entry])
    assert what in raised.value.what
    assert remedy in raised.value.remedy


def test_nothing_is_folded():
    assert captured_tables(['public."Users"', "public.users"]) == ['public."Users"', "public.users"]


def test_patterns_mean_what_the_database_has():
    there = [
        parse_table(text) for text in ("sales.a", "sales.tmp_1", 'sales."Big One"', "shop.a", "sales.kept", "sales.ab")
    ]
    wanted = parse_tables(["shop.a", "sales.*", "!sales.tmp_*", "! sales.kept"])
    assert [table.text for table in wanted.matched(there)] == ['sales."Big One"', "sales.a", "sales.ab"]
    assert [table.text for table in parse_tables(["*.a"]).matched(there)] == ["sales.a", "shop.a"]
    assert captured_tables(["shop.a", "sales.*"], ["public.probe", ""], ["sales.a"]) == [
        "shop.a",
        "sales.a",
        "public.probe",
    ]


def test_patterns_of_which_nobody_knows_what_they_mean_are_an_error():
    with pytest.raises(Exception, match="the database has not been asked yet"):
        captured_tables(["sales.*"])
    assert captured_tables(["sales.*"], matched=[]) == []


@pytest.mark.parametrize(
    ("entries", "what"),
    [(["public.a", "!public.b"], "there is none"), (["a.b", "a.*", "!a.b"], "names a.b and takes it out")],
)
def test_exclusions_that_make_no_sense(entries, what):
    with pytest.raises(InvalidError, match=what):
        parse_tables(entries)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('public."a b"', "public.a_b"),
        ("a_b.c", "a.b_c"),
        ('"a.b".c', 'a."b.c"'),
        ('public."a,b"', 'public."a b"'),
        ("public.users", "public.users_dlq"),
    ],
)
def test_topics_that_kafka_does_not_keep_apart(first, second):
    tables = [parse_table(first), parse_table(second)]
    assert collisions([*tables, parse_table("public.other")], "postgres") == [tuple(tables)]


def test_forms():
    text = 'public."Order Items"'
    found = {form: table_as(text, form) for form in ("schema", "table", "text", "sql", "id", "regex")}
    assert found == {
        "schema": "public",
        "table": "Order Items",
        "text": text,
        "sql": '"public"."Order Items"',
        "id": "public.Order Items",
        "regex": r"(?-i)public\.Order\u0020Items",
    }
    with pytest.raises(Exception, match="There is no form"):
        table_as(text, "xml")
