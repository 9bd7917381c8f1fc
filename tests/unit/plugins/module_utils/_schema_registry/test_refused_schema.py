# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._schema_registry.refused_schema import refusal


def cause(*diffs):
    return (
        "io.apicurio.registry.rest.client.exception.RuleViolationException: Incompatible artifact: "
        f"postgres.public.users-value [AVRO], num of incompatible diffs: {{{len(diffs)}}}, "
        f"list of diff types: [{', '.join(diffs)}]"
    )


MISSING = "code at /fields/2"
NULL = "reader type: STRING not compatible with writer type: NULL at /fields/3/type/0"
TYPE = "reader union lacking writer type: LONG at /fields/4/type/1"


@pytest.mark.parametrize(
    ("diffs", "changes", "remedies"),
    [
        ([MISSING], ["code: new, NOT NULL and without a default"], ["fix the column in the database"]),
        ([NULL], ["column 4 of the table: made NOT NULL"], ["fix the column in the database"]),
        ([TYPE], ["column 5 of the table: a new type"], ["let the new type in", "postgres.public.users-value"]),
        ([MISSING, NULL, TYPE], ["code: ", "column 4 ", "column 5 "], ["fix the column", "let the new type in"]),
    ],
)
def test_each_column_is_told_with_how_to_mend_it(diffs, changes, remedies):
    found = refusal(cause(*diffs))
    assert found.subject == "postgres.public.users-value"
    assert [text[: len(start)] for text, start in zip(found.changes, changes, strict=True)] == changes
    assert [text for text in ("fix the column", "let the new type in") if text in found.remedy] == [
        text for text in ("fix the column", "let the new type in") if any(text in each for each in remedies)
    ]
    assert "max_slot_wal_keep_size" in found.remedy


def test_another_cause_is_no_refusal():
    assert refusal("java.net.ConnectException: Connection refused") is None
