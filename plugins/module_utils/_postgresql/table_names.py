# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Names of tables and columns: how variables write them, and what PostgreSQL, Debezium and Kafka call them. Pure.

A name is written as in SQL, and means the same. Nothing is folded: what PostgreSQL would fold is refused. The services
have their half of this, which reads only what :attr:`Table.text` writes, in `cdc_pipeline/names.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import InvalidError

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
# A part of a name as it is written: with quotes, or up to the next point.
_PART = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"|(?P<bare>[^".]*)')
_EXCLUDED = "!"
_ANY = "*"
_DEAD_LETTERS = ".dlq"
# PostgreSQL cuts longer ones.
_LONGEST = 63
# What begins a regular expression of Debezium's in which case matters.
_CASE_MATTERS = "(?-i)"
_TABLE_KEYS, _COLUMN_KEYS = ("schema", "table"), ("schema", "table", "column")
_AS_WRITTEN = 'write names as in SQL: public.users, "Sales"."Order Items"; in YAML, put the whole in single quotes'


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _shown(name: str) -> str:
    return name if _PLAIN.match(name) else _quoted(name)


def pattern_of(*parts: str) -> str:
    """The regular expression that matches these parts with points between them, in a list of Debezium's."""
    # Debezium parts lists at commas and cuts blanks off, so that neither may stand in an entry.
    return _CASE_MATTERS + r"\.".join("".join(_escaped(character) for character in part) for part in parts)


def _escaped(character: str) -> str:
    if character.isspace() or character in ",\\" or ord(character) < 0x20:
        return f"\\u{ord(character):04x}"
    if character.isascii() and not (character.isalnum() or character == "_"):
        return "\\" + character
    return character


@dataclass(frozen=True, order=True)
class Table:
    """A table.

    :param schema: as PostgreSQL's catalogue has it, without quotes; so is `table`.
    """

    schema: str
    table: str

    @property
    def text(self) -> str:
        """As it is written in variables and shown: public.users, public."Order Items"."""
        return f"{_shown(self.schema)}.{_shown(self.table)}"

    @property
    def sql(self) -> str:
        """In a statement, every part quoted."""
        return f"{_quoted(self.schema)}.{_quoted(self.table)}"

    @property
    def id(self) -> str:
        """As Debezium calls it: public.Order Items. Two tables may have the same."""
        return f"{self.schema}.{self.table}"

    @property
    def regex(self) -> str:
        """An entry of `table.include.list` that matches :attr:`id`."""
        return pattern_of(self.schema, self.table)

    @property
    def chunked(self) -> bool:
        """Whether Debezium reads its :attr:`id` back as it has written it, as an incremental snapshot needs."""
        return not re.search(r"[\s.\"'`]", self.schema + self.table)

    def topic(self, prefix: str) -> str:
        """Its topic. What a topic's name may not hold is an underscore, for each of Java's characters."""
        parts = [part for part in (prefix, self.schema, self.table) if part.strip("".join(map(chr, range(0x21))))]
        return "".join(
            character if re.match(r"[A-Za-z0-9._-]", character) else "_" * (1 + (ord(character) > 0xFFFF))
            for character in ".".join(parts)
        )


@dataclass(frozen=True, order=True)
class Column:
    """A column of a table."""

    table: Table
    column: str

    @property
    def text(self) -> str:
        """As it is written and shown."""
        return f"{self.table.text}.{_shown(self.column)}"

    @property
    def regex(self) -> str:
        """An entry of `column.exclude.list`."""
        return pattern_of(self.table.schema, self.table.table, self.column)


@dataclass(frozen=True)
class Pattern:
    """Tables whose names fit. `*` stands for any characters of a part."""

    schema: str
    table: str

    def fits(self, table: Table) -> bool:
        """Whether it means this table."""
        return _fits(self.schema, table.schema) and _fits(self.table, table.table)

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.schema}.{self.table}"


def _fits(pattern: str, name: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split(_ANY)), name, re.DOTALL) is not None


@dataclass(frozen=True)
class Wanted:
    """What `cdc_tables` says.

    :param tables: those that are named.
    :param patterns: of further ones.
    :param without: patterns, and tables, that patterns do not mean.
    """

    tables: tuple[Table, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    without: tuple[Pattern | Table, ...] = ()

    def matched(self, there: Iterable[Table]) -> list[Table]:
        """The tables of the database that the patterns mean, in their order, without those that are named."""
        return sorted(
            table
            for table in set(there)
            if table not in self.tables
            and any(each.fits(table) for each in self.patterns)
            and not any(each == table if isinstance(each, Table) else each.fits(table) for each in self.without)
        )


def parse_tables(entries: Iterable[Any], option: str = "cdc_tables") -> Wanted:
    """The entries of a list of tables.

    :param entries: each schema.table, a pattern, one of both after `!`, or a map of schema and table.
    :raises InvalidError: for the first entry that is not right.
    """
    tables: list[Table] = []
    patterns: list[Pattern] = []
    without: list[Pattern | Table] = []
    for entry in entries:
        excluded, found = parse_entry(entry, option)
        if excluded:
            without.append(found)
        elif isinstance(found, Pattern):
            patterns.append(found)
        else:
            tables.append(found)
    if without and not patterns:
        raise InvalidError(
            f"{option}: an entry with ! removes tables from a pattern, and there is none",
            where=option,
            remedy="remove the entry, or name a pattern such as sales.*",
        )
    for table in tables:
        if any(each == table for each in without):
            raise InvalidError(
                f"{option} names {table.text} and takes it out with !",
                where=option,
                remedy="remove one of the two entries",
            )
    return Wanted(tuple(tables), tuple(patterns), tuple(without))


def parse_entry(entry: Any, option: str = "cdc_tables") -> tuple[bool, Table | Pattern]:
    """What one entry means, and whether it is taken out of patterns.

    :raises InvalidError: it is not right.
    """
    text = entry.strip() if isinstance(entry, str) else entry
    excluded = isinstance(text, str) and text.startswith(_EXCLUDED)
    return excluded, _parse(text.removeprefix(_EXCLUDED).strip() if excluded else text, option)


def parse_table(entry: Any, option: str = "table") -> Table:
    """One table.

    :raises InvalidError: it is not right, or a pattern.
    """
    found = _parse(entry.strip() if isinstance(entry, str) else entry, option)
    if isinstance(found, Pattern):
        raise _wrong(option, entry, "a pattern stands for many tables, and one is wanted", _AS_WRITTEN)
    return found


def parse_column(entry: Any, option: str = "cdc_excluded_columns") -> Column:
    """A column as schema.table.column, or a map of the three.

    :raises InvalidError: it is not right.
    """
    if isinstance(entry, Mapping):
        schema, table, column = _mapped(entry, _COLUMN_KEYS, option)
    else:
        parts = _parts(str(entry).strip(), option, _COLUMN_KEYS)
        schema, table, column = (_name(part, entry, option) for part in parts)
    return Column(Table(schema, table), column)


def _parse(entry: Any, option: str) -> Table | Pattern:
    if isinstance(entry, Mapping):
        return Table(*_mapped(entry, _TABLE_KEYS, option))
    if not isinstance(entry, str):
        raise _wrong(option, entry, "it is neither text nor a map of schema and table", _AS_WRITTEN)
    parts = _parts(entry, option, _TABLE_KEYS)
    if any(_ANY in part and not part.startswith('"') for part in parts):
        for part in parts:
            if not re.fullmatch(r"[a-z0-9_$*]+", part):
                raise _wrong(
                    option, entry, f"{part} is not allowed in a pattern", "write patterns with a-z, 0-9, _, $ and *"
                )
        return Pattern(*parts)
    return Table(*(_name(part, entry, option) for part in parts))


def _parts(entry: str, option: str, keys: Sequence[str]) -> list[str]:
    """The parts of a name as they are written, between points that are not in quotes."""
    found, at = [], 0
    while True:
        part = _PART.match(entry, at)
        found.append(part.group() if part else "")
        at += len(found[-1])
        if at == len(entry):
            break
        if entry[at] != ".":
            rest = 'a quote within a quoted name is written twice ("")' if '"' in entry else _AS_WRITTEN
            raise _wrong(option, entry, f"after {entry[:at]} there is {entry[at:]}", rest)
        at += 1
    if len(found) != len(keys):
        written = ".".join(keys)
        remedy = f"write public.{entry}" if len(found) == 1 < len(keys) == 2 and entry else f"write it as {written}"
        if len(found) > len(keys):
            remedy = f"write it as {written}, with quotes around a name that has a point itself"
        raise _wrong(option, entry, f"a {keys[-1]} is written as {written}", remedy)
    return found


def _name(part: str, entry: str, option: str) -> str:
    """The name that one part means."""
    if part.startswith('"'):
        return _possible(part[1:-1].replace('""', '"'), entry, option)
    if not part:
        raise _wrong(option, entry, "a part of it is empty", _AS_WRITTEN)
    if _PLAIN.match(part):
        return _possible(part, entry, option)
    lower = part.lower()
    if lower != part and _PLAIN.match(lower):
        raise _wrong(
            option,
            entry,
            f"without quotes, PostgreSQL takes {part} for {lower}",
            f"write {_quoted(part)} for the name with these capitals, or {lower} for that without",
        )
    raise _wrong(
        option, entry, f"{part} takes quotes", f"write {_quoted(part)}; in YAML, put the whole in single quotes"
    )


def _mapped(entry: Mapping[str, Any], keys: Sequence[str], option: str) -> list[str]:
    if set(entry) != set(keys) or not all(isinstance(entry[key], str) for key in keys):
        raise _wrong(option, dict(entry), f"a map has the keys {', '.join(keys)}, each with a text", _AS_WRITTEN)
    return [_possible(entry[key], dict(entry), option) for key in keys]


def _possible(name: str, entry: Any, option: str) -> str:
    if not name or "\0" in name or len(name.encode(errors="surrogatepass")) > _LONGEST:
        why = f"a name has 1 to {_LONGEST} bytes, and no zero byte"
        raise _wrong(option, entry, why, "use the name that PostgreSQL shows: \\d in psql lists them")
    return name


def _wrong(option: str, entry: Any, why: str, remedy: str) -> InvalidError:
    return InvalidError(f"{option}: {why}", where=option, why=f"written is {entry}", remedy=remedy)


def captured(entries: Iterable[Any], own: Iterable[Any] = (), matched: Iterable[Any] | None = None) -> list[Table]:
    """What is captured: what `cdc_tables` names, what its patterns have been found to mean, and the pipeline's own.

    :param own: tables that the pipeline brings; empty entries are left out.
    :param matched: the tables of the patterns, as the database was asked for them; None when it was not.
    :raises InvalidError: for a wrong entry, or patterns of which nobody knows yet what they mean.
    """
    wanted = parse_tables(entries)
    if wanted.patterns and matched is None:
        raise InvalidError(
            "cdc_tables has patterns, and the database has not been asked yet what they mean",
            where="cdc_tables",
            why=", ".join(each.text for each in wanted.patterns),
            remedy="run it while PostgreSQL runs, or with the tag postgresql; or name the tables",
        )
    found = [*wanted.tables, *(parse_table(each) for each in (matched if wanted.patterns else None) or ())]
    return list(dict.fromkeys([*found, *(parse_table(each) for each in own if each)]))


def collisions(tables: Iterable[Table], prefix: str) -> list[tuple[Table, Table]]:
    """Tables whose topics Kafka does not keep apart: it takes . and _ for one in the name of a new topic.

    Each has a further topic, of its dead letters.
    """
    seen: dict[str, Table] = {}
    found = []
    for table in tables:
        names = [f"{table.topic(prefix)}{end}".replace(".", "_") for end in ("", _DEAD_LETTERS)]
        others = [other for name in names if (other := seen.setdefault(name, table)) != table]
        found += [(other, table) for other in others[:1]]
    return found


_FORMS = {
    "schema": lambda table: table.schema,
    "table": lambda table: table.table,
    "text": lambda table: table.text,
    "sql": lambda table: table.sql,
    "id": lambda table: table.id,
    "regex": lambda table: table.regex,
}


def as_form(name: Any, form: str, prefix: str = "") -> str:
    """A table in one of its forms: schema, table, text, sql, id, regex; or topic, which takes the prefix.

    :raises InvalidError: it is not a table's name, or there is no such form.
    """
    table = parse_table(name)
    if form == "topic":
        return table.topic(prefix)
    if form not in _FORMS:
        raise InvalidError(f"There is no form {form} of a name", remedy=f"use one of topic, {', '.join(_FORMS)}")
    return _FORMS[form](table)
