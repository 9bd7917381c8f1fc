"""The services read what the playbooks write, and call it the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cdc_pipeline.names import Table, parse, parse_column, shown
from hypothesis import given
from hypothesis import strategies as st

NAMES_FILE = Path(__file__).resolve().parents[3] / "tests/support/names.json"
CASES = json.loads(NAMES_FILE.read_text(encoding="utf-8"))["tables"]
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=15)


@pytest.mark.parametrize("case", CASES, ids=[case["text"] for case in CASES])
def test_the_names_of_a_table(case: dict[str, str]) -> None:
    table = parse(case["text"])
    assert (table.schema, table.table, table.text) == (case["schema"], case["table"], case["text"])
    assert (table.id, table.topic("postgres"), table.is_chunked) == (case["id"], case["topic"], case["chunked"])


@given(NAMES, NAMES, NAMES)
def test_what_is_written_is_read(schema: str, table: str, column: str) -> None:
    found = Table(schema, table)
    assert parse(found.text) == parse(found.sql) == found
    assert parse_column(f"{found.text}.{shown(column)}") == (found, column)


@pytest.mark.parametrize("text", ["users", "", "a.b.c", 'a."b', 'a."b"c', '"".b', "a."])
def test_what_is_no_table(text: str) -> None:
    with pytest.raises(ValueError, match="is not written as"):
        parse(text)
