"""What stands against capturing, by what was found. Pure.

`docs/names-and-audit.md` lists the findings.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from cdc_pipeline.capture.audit_server import audit_server
from cdc_pipeline.capture.columns import renamed
from cdc_pipeline.capture.facts import KINDS, Facts, Settings, TableFacts
from cdc_pipeline.capture.finding import REFUSE, WARN, Finding
from cdc_pipeline.names import Table, parse, parse_column, quoted, shown

_SHOWN = 5
_TAKE_OUT = "take it out of cdc_tables"


def audit(facts: Facts, settings: Settings) -> list[Finding]:
    """Everything, refusals first."""
    named = [parse(text) for text in settings.tables]
    own = [parse(text) for text in settings.own]
    captured = list(dict.fromkeys([*named, *facts.matched, *own]))
    found = [
        *audit_server(facts, settings),
        *_patterns(facts, settings),
        *(
            each
            for table in named
            if table not in facts.relations and table not in own
            for each in _missing(table, facts)
        ),
        *_names(captured, facts, settings),
        *_excluded(captured, facts, settings),
    ]
    for table in captured:
        if table in facts.relations:
            found += _relation(facts.relations[table], captured, facts, settings)
    return sorted(found, key=lambda each: each.severity != REFUSE)


def left_out(facts: TableFacts, settings: Settings) -> list[str]:
    """The columns of a table that are not captured: generated ones, and those that are excluded."""
    wanted = [column for table, column in map(parse_column, settings.excluded) if table == facts.table]
    names = {column.name for column in facts.columns}
    return list(dict.fromkeys([*facts.generated, *(name for name in wanted if name in names)]))


def grant(table: Table, settings: Settings) -> str:
    """The statements that let the CDC role read a table."""
    role = quoted(settings.role)
    return f"GRANT USAGE ON SCHEMA {quoted(table.schema)} TO {role}; GRANT SELECT ON {table.sql} TO {role}"


# Names.


def _patterns(facts: Facts, settings: Settings) -> Iterator[Finding]:
    if settings.patterns and not facts.matched:
        yield Finding(
            REFUSE,
            "no_match",
            "cdc_tables",
            f"no table fits {', '.join(f'{each.schema}.{each.table}' for each in settings.patterns)}",
            f"the database {facts.server.database} has {_some(facts.there)}",
            "write a pattern that fits, or name the tables",
        )


def _missing(table: Table, facts: Facts) -> Iterator[Finding]:
    by_text = {each.text: each for each in facts.there}
    near = difflib.get_close_matches(table.text, by_text, n=1, cutoff=0.7)
    same = [each.text for each in facts.there if each.id.lower() == table.id.lower()] or [
        each.text for each in facts.there if each.table == table.table
    ]
    meant = (same or near)[:1]
    yield Finding(
        REFUSE,
        "no_table",
        table.text,
        "there is no such table",
        f"did you mean {meant[0]}?" if meant else f"the database {facts.server.database} has {_some(facts.there)}",
        f"write {meant[0]} in cdc_tables" if meant else f"create it, or {_TAKE_OUT}",
    )


def _names(captured: list[Table], facts: Facts, settings: Settings) -> Iterator[Finding]:
    topics: dict[str, Table] = {}
    cased: dict[str, Table] = {}
    for table in captured:
        topic = table.topic(settings.prefix)
        # Kafka makes no topic whose name differs from another's by . and _ alone, nor the one of the dead letters.
        wanted = [f"{topic}{end}".replace(".", "_") for end in ("", settings.dead_letters)]
        others = [other for name in wanted if (other := topics.setdefault(name, table)) != table]
        if others:
            theirs = others[0].topic(settings.prefix)
            yield Finding(
                REFUSE,
                "topic",
                table.text,
                f"its topics, {topic} and {topic}{settings.dead_letters}, and those of {others[0].text}, {theirs} and"
                f" {theirs}{settings.dead_letters}, are not apart to Kafka",
                "what a topic's name may not hold becomes _, and Kafka takes . and _ for the same in a new name",
                f"rename one of the tables, or {_TAKE_OUT}",
            )
        elif topic.endswith(settings.dead_letters):
            yield Finding(
                REFUSE,
                "topic",
                table.text,
                f"its topic {topic} ends with {settings.dead_letters}",
                "so do the names of dead letter topics",
                f"rename the table, or {_TAKE_OUT}",
            )
        alike = cased.setdefault(table.id.lower(), table)
        if alike != table and alike.id != table.id:
            yield Finding(
                REFUSE if settings.fold_case else WARN,
                "case",
                table.text,
                f"its name and {alike.text} differ by case alone",
                "Iceberg's sink writes both into one table"
                if settings.fold_case
                else "DuckDB takes them for one: `cdc sql` shows one of them with _ at its end",
                "rename one of the tables" if settings.fold_case else "rename one of the tables, if that troubles you",
            )
        same = [each for each in (*facts.there, *captured) if each.id == table.id and each != table]
        if same:
            yield Finding(
                REFUSE,
                "same_id",
                table.text,
                f"Debezium calls it {table.id}, and so it calls {same[0].text}",
                "it would capture both, and take one for the other",
                "rename one of the tables",
            )
        if any(part[0] == '"' or part[-1] == '"' for part in (table.schema, table.table)):
            yield Finding(
                REFUSE,
                "quote",
                table.text,
                "its name or its schema's begins or ends with a quotation mark",
                "Debezium takes such a name for one that is quoted already, and reads another table",
                f"rename it, or {_TAKE_OUT}",
            )


def _excluded(captured: list[Table], facts: Facts, settings: Settings) -> Iterator[Finding]:
    for table, name in map(parse_column, settings.excluded):
        text = f"{table.text}.{shown(name)}"
        if table not in captured:
            if table not in facts.there:
                yield _no_column(text, "there is no such table", [other.text for other in captured], table.text)
            continue
        relation = facts.relations.get(table)
        if relation is None:
            continue
        column = next((column for column in relation.columns if column.name == name), None)
        if column is None:
            names = [shown(other.name) for other in relation.columns]
            yield _no_column(text, "there is no such column", names, shown(name))
        elif column.key:
            yield Finding(
                REFUSE,
                "excluded_key",
                text,
                "a column of the key cannot be left out",
                "rows are identified by it",
                "take it out of cdc_excluded_columns",
            )


def _no_column(text: str, what: str, known: list[str], name: str) -> Finding:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    why = f"did you mean {near[0]}?" if near else f"known are {', '.join(known[:_SHOWN]) or 'none'}"
    return Finding(REFUSE, "excluded_column", text, what, why, "correct it in cdc_excluded_columns, or take it out")


# A table.


def _relation(table: TableFacts, captured: list[Table], facts: Facts, settings: Settings) -> Iterator[Finding]:
    name = table.table.text
    if table.kind not in ("r", "p"):
        yield Finding(
            REFUSE,
            "kind",
            name,
            f"it is a {KINDS.get(table.kind, 'relation of another kind')}",
            "PostgreSQL writes no changes of it",
            f"capture the tables that it reads, or {_TAKE_OUT}",
        )
        return
    if table.persistence != "p":
        unlogged = table.persistence == "u"
        yield Finding(
            REFUSE,
            "unlogged" if unlogged else "temporary",
            name,
            f"it is {'unlogged' if unlogged else 'temporary'}",
            "its changes do not stand in the WAL",
            f"ALTER TABLE {table.table.sql} SET LOGGED, or {_TAKE_OUT}" if unlogged else _TAKE_OUT,
        )
        return
    if table.root is not None and table.root in captured:
        yield Finding(
            REFUSE,
            "partition",
            name,
            f"it is a partition of {table.root.text}, which is captured",
            "its changes come as of that table",
            _TAKE_OUT,
        )
    if table.children:
        yield Finding(
            REFUSE,
            "inherited",
            name,
            f"{_some(table.children)} inherit from it",
            "a snapshot would bring their rows as its own, and their changes would come as of themselves",
            f"capture those instead and take it out of cdc_tables, or ALTER TABLE {table.children[0].sql} NO INHERIT "
            f"{table.table.sql}",
        )
    yield from _identity(table, settings)
    yield from _rights(table, facts, settings)
    yield from _columns(table, settings)
    if table.largest_row is not None and table.largest_row > settings.max_row_bytes:
        yield Finding(
            WARN,
            "row_size",
            name,
            f"a row of about {table.largest_row} bytes was seen",
            f"a record has {settings.max_row_bytes} bytes at most: of a larger one, the largest values are left out,"
            " and named in __cut",
            "leave such columns out by cdc_excluded_columns, or raise the limit",
        )


def _identity(table: TableFacts, settings: Settings) -> Iterator[Finding]:
    name, is_set = table.table.text, settings.identity == "full" and not settings.prepared
    full = f"ALTER TABLE {table.table.sql} REPLICA IDENTITY FULL"
    if not is_set and not table.identity_there:
        yield Finding(
            REFUSE,
            "no_identity",
            name,
            f"it has no {'primary key' if not table.primary else 'replica identity'}",
            "once it is published, PostgreSQL refuses UPDATE and DELETE of it",
            f"add a primary key, or {full}" if not table.primary else full,
        )
    elif not is_set and table.identity_other:
        yield Finding(
            REFUSE,
            "other_identity",
            name,
            "its replica identity is an index that is not the primary key",
            "of a deleted row PostgreSQL sends the columns of that index alone",
            f"ALTER TABLE {table.table.sql} REPLICA IDENTITY DEFAULT, or FULL",
        )
    if not table.tells_apart:
        yield Finding(
            WARN,
            "no_key",
            name,
            "no key tells its rows apart",
            "its records have no key, and `cdc sql` shows its changes alone, not its current rows",
            "add a primary key, if you want those",
        )


def _rights(table: TableFacts, facts: Facts, settings: Settings) -> Iterator[Finding]:
    name, role = table.table.text, quoted(settings.role)
    made = "" if facts.server.role else f"CREATE ROLE {role} LOGIN REPLICATION; "
    # On a server of the user's own, a run itself says what it may not grant, with all else that it may not.
    if not table.can_read and (settings.prepared or (settings.managed and not table.can_grant)):
        yield Finding(
            REFUSE,
            "rights",
            name,
            f"the role {settings.role} may not read it",
            "its snapshot would fail" if settings.prepared else "and the user that sets up may not grant it",
            f"{made}{grant(table.table, settings)}",
        )
    if table.hides_rows:
        policy = f"CREATE POLICY cdc_reads_all ON {table.table.sql} FOR SELECT TO {role} USING (true)"
        yield Finding(
            REFUSE,
            "row_security",
            name,
            f"row level security keeps rows from the role {settings.role}",
            "a snapshot would lack them, while all their changes come",
            f"{made}{policy}; restrictive policies must let it read all rows as well",
        )


def _columns(table: TableFacts, settings: Settings) -> Iterator[Finding]:
    name = table.table.text
    alike = _alike([column.name for column in table.columns])
    if alike:
        yield Finding(
            REFUSE,
            "columns_alike",
            name,
            f"the names of the columns {' and '.join(shown(each) for each in alike)} differ by case alone",
            "Debezium stops at such a table, and with it all others",
            f"rename one of the columns, or {_TAKE_OUT}",
        )
    if table.generated:
        listed = ", ".join(shown(column) for column in table.generated)
        yield Finding(
            WARN,
            "generated",
            name,
            f"{listed}: generated, so not captured",
            "PostgreSQL does not send them",
            "compute them from the others",
        )
    out = left_out(table, settings)
    ambiguous = [column for column in table.columns if column.ambiguous and column.name not in out]
    if ambiguous:
        listed = ", ".join(f"{shown(column.name)} ({column.type})" for column in ambiguous)
        yield Finding(
            WARN,
            "types_alike",
            name,
            f"the type of {listed} has the name of one in another schema",
            "Debezium finds types by their names alone, and may stop at a value of it, and with it all tables",
            f"rename one of the types, or {_TAKE_OUT}",
        )
    names = {} if alike else renamed([column.name for column in table.columns if column.name not in out])
    if names:
        listed = ", ".join(f"{shown(column)} as {new}" for column, new in names.items())
        yield Finding(
            WARN,
            "renamed",
            name,
            f"archived under another name: {listed}",
            "Avro does not allow the column's own, or the archive has such a column, or two differ by case alone",
            "nothing; `cdc sql` shows the new names",
        )


def _alike(names: Iterable[str]) -> list[str]:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            return [other, name]
    return []


def _some(tables: Iterable[Table]) -> str:
    names = [table.text for table in tables]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) + more) if names else "no tables"
