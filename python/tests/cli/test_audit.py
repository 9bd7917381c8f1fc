"""`cdc audit`: what is asked for, what is printed, and the exit code."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import psycopg
import pytest
from cdc_pipeline.capture.facts import Facts, ServerFacts, Settings
from cdc_pipeline.capture.finding import REFUSE, WARN, Finding
from cdc_pipeline.instance.context import Context

KNOWN = Finding(WARN, "no_key", "public.users", "no key", "so", "add one")
REFUSED = Finding(REFUSE, "kind", "public.v", "it is a view", "so", "take it out")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the audit will find, and afterwards what it was asked for."""
    answer: dict[str, Any] = {"findings": []}

    def examine(_connection: object, settings: Settings) -> tuple[Facts, list[Finding]]:
        answer["settings"] = settings
        return Facts(ServerFacts("d")), answer["findings"]

    monkeypatch.setattr("cdc_pipeline.cli.audit.examine", examine)
    monkeypatch.setattr(Context, "postgresql", lambda _context: contextlib.nullcontext())
    return answer


def test_the_captured_tables_and_those_that_are_named(cdc, instance_in, found: dict[str, Any]) -> None:
    code, out, _err = cdc("audit", 'public."Order Items"', "--home", instance_in())
    assert (code, out) == (0, "Nothing prevents capturing.\n")
    assert found["settings"].tables == ("public.users", "sales.orders", "public.empty", 'public."Order Items"')


def test_a_refusal_is_code_1_and_the_rest_is_not(cdc, instance_in, found: dict[str, Any]) -> None:
    home = instance_in()
    found["findings"] = [KNOWN]
    code, out, _err = cdc("audit", "--home", home)
    assert code == 0 and "add one" in out
    found["findings"] = [REFUSED, KNOWN]
    code, out, _err = cdc("audit", "--json", "--home", home)
    assert (code, [each["code"] for each in json.loads(out)]) == (1, ["kind", "no_key"])


def test_what_is_no_table_is_wrong_usage(cdc, instance_in) -> None:
    code, _out, err = cdc("audit", "users", "--home", instance_in())
    assert code == 2 and "users is not written as schema.table" in err


def test_a_server_that_is_away(cdc, instance_in, found: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_context: Context) -> None:
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(Context, "postgresql", refuse)
    code, _out, err = cdc("audit", "--home", instance_in())
    assert code == 1 and "PostgreSQL at 127.0.0.1:1 cannot be queried: connection refused" in err
