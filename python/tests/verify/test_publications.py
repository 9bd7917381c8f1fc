"""Publications: what is ok and what is not, without a server."""

from __future__ import annotations

import pytest
from cdc_pipeline.verify.publications import OPERATIONS, Published, judge_all_tables, judge_capture

CAPTURED = ("public.a", "public.b")
GOOD = Published(False, True, OPERATIONS, CAPTURED)


def capture(found: Published | None) -> tuple[bool, str]:
    (finding,) = judge_capture("p", CAPTURED, found)
    assert finding.id == "postgresql.capture_publication"
    return finding.ok, str(finding.found)


def test_just_the_captured_tables() -> None:
    assert capture(GOOD)[0]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, "no such publication"),
        (GOOD._replace(tables=("public.a",)), "without public.b"),
        (GOOD._replace(tables=(*CAPTURED, "public.c")), "beside them public.c"),
        (GOOD._replace(tables=(), all_tables=True), "FOR ALL TABLES"),
        (GOOD._replace(schemas=("shop",)), "all tables of shop"),
        (GOOD._replace(partial=("public.a",)), "some rows or columns of public.a"),
        (GOOD._replace(operations=("insert", "update")), "only insert, update"),
        (GOOD._replace(via_root=False), "without publish_via_partition_root"),
    ],
)
def test_anything_else(found: Published | None, why: str) -> None:
    assert capture(found) == (False, why)


def test_the_publication_of_all_tables_harms_nobody() -> None:
    every = Published(True, False, OPERATIONS)

    def failed(found: Published | None, *unidentified: str) -> set[str]:
        return {finding.id for finding in judge_all_tables("p", found, unidentified) if not finding.ok}

    assert failed(every) == set()
    assert failed(every, "public.log") == {"postgresql.unidentified"}
    assert failed(None) == failed(GOOD) == failed(every._replace(operations=("insert",))) == {"postgresql.publication"}
