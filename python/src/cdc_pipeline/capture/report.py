"""An audit of a database, as JSON."""

from __future__ import annotations

from typing import Any

import psycopg

from cdc_pipeline.capture.audit import audit, grant, left_out
from cdc_pipeline.capture.catalogue import read_facts
from cdc_pipeline.capture.facts import Facts, Settings, TableFacts
from cdc_pipeline.capture.finding import REFUSE, Finding
from cdc_pipeline.names import Table, parse, shown


def examine(connection: psycopg.Connection[Any], settings: Settings) -> tuple[Facts, list[Finding]]:
    """What is there, and what stands against capturing it.

    Raises:
        psycopg.Error: the server does not answer, or refuses.
    """
    facts = read_facts(connection, settings)
    return facts, audit(facts, settings)


def document(facts: Facts, findings: list[Finding], settings: Settings) -> dict[str, Any]:
    """What the role postgresql uses afterwards."""
    named = [parse(text) for text in settings.tables]
    captured = dict.fromkeys([*named, *facts.matched, *(parse(text) for text in settings.own)])
    relations = [facts.relations[table] for table in sorted(captured) if table in facts.relations]
    missing = [table for table in map(parse, settings.own) if table not in facts.relations]
    return {
        "tables": [_table(each, settings) for each in relations if each.kind in ("r", "p")],
        "missing": [_names(table, settings) for table in missing],
        "matched": [table.text for table in facts.matched],
        "findings": [finding.as_record() for finding in findings],
        "refused": sum(finding.severity == REFUSE for finding in findings),
    }


def _table(facts: TableFacts, settings: Settings) -> dict[str, Any]:
    table = facts.table

    def columns(names: list[str]) -> list[str]:
        return [f"{table.text}.{shown(name)}" for name in names]

    return {
        **_names(table, settings),
        "id": table.id,
        "sql": table.sql,
        "tells_apart": facts.tells_apart,
        # An incremental snapshot reads by the key, and notes the table's name.
        "chunked": facts.keyed and table.is_chunked,
        "generated": columns(facts.generated),
        "left_out": columns(left_out(facts, settings)),
        "not_full": list(facts.not_full),
        "readable": bool(facts.can_read),
    }


def _names(table: Table, settings: Settings) -> dict[str, str]:
    return {"name": table.text, "schema": table.schema, "table": table.table, "grant": grant(table, settings)}
