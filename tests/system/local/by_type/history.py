# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Changes of a table, with what PostgreSQL itself says that it has after each of them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
from shapes import Valid
from tables import Column, Table, identifier, literal

# As the capture's session has them: what PostgreSQL's output functions give depends on them.
SETTINGS = (
    "-c bytea_output=hex -c intervalstyle=postgres -c extra_float_digits=1 -c lc_monetary=C -c DateStyle=ISO"
    " -c TimeZone=UTC -c client_encoding=UTF8 -c search_path="
)
Texts = Mapping[str, str | None]


@dataclass(frozen=True)
class Change:
    """A change as PostgreSQL sends it.

    Attributes:
        operation: c, u, d or t, as Debezium names them.
        transaction: its id.
        texts: of the columns after it, or of the row that was deleted; none of a TRUNCATE.
        may_be_unsent: columns whose values PostgreSQL need not have sent.
    """

    operation: str
    transaction: int
    texts: Texts
    may_be_unsent: frozenset[str] = frozenset()


@dataclass
class History:
    """A table, its rows now, and what was done to it since `started`."""

    table: Table
    rows: dict[str, Texts] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def started(self) -> None:
        """Forget what was done: it is before capture."""
        self.changes.clear()


class Writer:
    """Writes to one table. A row is told apart by its ctid, since a key may be of any type."""

    def __init__(self, connection: psycopg.Connection, history: History, valid: Valid, rng: random.Random) -> None:
        self._connection = connection
        self._history = history
        self._table = history.table
        self._valid = valid
        self._rng = rng
        self._names = [each.name for each in self._table.columns]
        self._extremes = {
            each.name: iter(each.shape.extremes(rng, valid)) for each in self._table.columns if not each.generated
        }

    def insert(self, count: int) -> None:
        """So many rows; at first every extreme, and later any values."""
        for _index in range(count):
            values = {each.name: self._value(each, extreme=True) for each in self._table.sent}
            values = {name: value for name, value in values.items() if value != "DEFAULT"}
            # Another row may have the key already; types of few values are soon used up.
            for _again in range(5):
                names, marks = ", ".join(map(identifier, values)), ", ".join(values.values())
                if self._do("c", f"INSERT INTO {self._table.qualified} ({names}) VALUES ({marks})"):
                    break
                keys = [each for each in self._table.columns if each.name in self._table.key]
                values |= {each.name: literal(each.shape.any(self._rng, self._valid)) for each in keys}

    def insert_extremes(self, most: int) -> None:
        """Rows until every extreme was there, or so many."""
        longest = max(len(each.shape.extremes(self._rng, self._valid)) for each in self._table.sent)
        self.insert(min(longest, most))

    def change(self, count: int, large: bool = False) -> None:
        """So many updates, of one column, of several, or of the key.

        Args:
            large: instead give values that are stored out of line to rows, and then change other columns of them.
        """
        if large:
            self._toast()
        for _index in range(count):
            if not self._history.rows:
                return
            ctid = self._rng.choice(list(self._history.rows))
            columns = self._rng.sample(self._table.sent, k=self._rng.randint(1, min(4, len(self._table.sent))))
            self._update(ctid, {each.name: self._value(each) for each in columns})

    def _toast(self) -> None:
        for ctid in list(self._history.rows)[:2]:
            columns = [each for each in self._table.sent if each.name not in self._table.key]
            some = self._rng.sample(columns, k=min(6, len(columns)))
            large = {each.name: each.shape.large(self._rng, self._valid) for each in some}
            given = {name: literal(text) for name, text in large.items() if text is not None}
            moved = self._update(ctid, given) if given else ctid
            others = [each for each in columns if each.name not in given]
            if moved and others:
                other = self._rng.choice(others)
                moved = self._update(moved, {other.name: self._value(other)})
            if moved:
                key = next(each for each in self._table.columns if each.name == self._table.key[0])
                self._update(moved, {key.name: self._value(key)})

    def delete(self, count: int) -> None:
        """So many rows."""
        for ctid in self._rng.sample(list(self._history.rows), k=min(count, len(self._history.rows))):
            self._do("d", f"DELETE FROM {self._table.qualified} WHERE ctid = '{ctid}'", ctid)

    def truncate(self) -> None:
        """All rows."""
        with self._connection.transaction():
            self._connection.execute(f"TRUNCATE {self._table.qualified}")
            self._history.changes.append(Change("t", self._transaction(), {}))
        self._history.rows.clear()

    def _update(self, ctid: str, values: Mapping[str, str]) -> str | None:
        sets = ", ".join(f"{identifier(name)} = {value}" for name, value in values.items())
        return self._do("u", f"UPDATE {self._table.qualified} SET {sets} WHERE ctid = '{ctid}'", ctid)

    def _value(self, column: Column, extreme: bool = False) -> str:
        """SQL of a value of a column."""
        key = column.name in self._table.key
        if column.nullable and not extreme and self._rng.random() < 0.15:
            return "NULL"
        if column.default and not key and self._rng.random() < 0.1:
            return "DEFAULT"
        text = next(self._extremes[column.name], None) if extreme else None
        if text is None and column.nullable and self._rng.random() < 0.15:
            return "NULL"
        return literal(text if text is not None else column.shape.any(self._rng, self._valid))

    def _transaction(self) -> int:
        return self._connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()[0]

    def _do(self, operation: str, statement: str, ctid: str | None = None) -> str | None:
        """Run a statement that changes one row, and note it. Another row that has the key already refuses it.

        Returns:
            The ctid of the row as it is now.
        """
        columns = ", ".join(["ctid", *map(identifier, self._names)])
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                transaction = self._transaction()
                with cursor.copy(f"COPY ({statement} RETURNING {columns}) TO STDOUT") as copy:
                    ((now, *values),) = list(copy.rows())
        except (psycopg.errors.UniqueViolation, psycopg.errors.CheckViolation, psycopg.errors.ProgramLimitExceeded):
            return None
        texts = dict(zip(self._names, values, strict=True))
        before = self._history.rows.pop(ctid) if ctid is not None else {}
        if operation != "d":
            self._history.rows[now] = texts
        self._note(operation, transaction, before, texts)
        return now

    def _note(self, operation: str, transaction: int, before: Texts, texts: Texts) -> None:
        table = self._table
        others = frozenset(name for name in self._names if name not in table.key)
        add = self._history.changes.append
        if operation == "d":
            add(Change("d", transaction, texts, frozenset() if table.full else others))
        elif operation == "u":
            same = frozenset(name for name in self._names if before[name] == texts[name])
            unsent = frozenset() if table.full else frozenset(
                name for name in same if name in others and _is_large(texts)
            )  # fmt: skip
            if set(table.key) <= same:
                add(Change("u", transaction, texts, unsent))
            else:
                # A row of another key is another row.
                add(Change("d", transaction, before, frozenset() if table.full else others))
                add(Change("c", transaction, texts, unsent))
        else:
            add(Change("c", transaction, texts))


def _is_large(texts: Texts) -> bool:
    """Whether PostgreSQL may have stored values of the row out of line: below 2 kB it does not."""
    return sum(len(text.encode()) for text in texts.values() if text is not None) > 1000


def checker(connection: psycopg.Connection) -> Valid:
    """Asks the server whether a type takes a text; remembers what it said."""
    connection.execute(
        "CREATE OR REPLACE FUNCTION pg_temp.valid(kind text, given text) RETURNS boolean LANGUAGE plpgsql AS $$"
        " BEGIN EXECUTE format('SELECT %L::%s', given, kind); RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false;"
        " END $$"
    )
    known: dict[tuple[str, str], bool] = {}

    def valid(kind: str, text: str) -> bool:
        if (kind, text) not in known:
            row = connection.execute("SELECT pg_temp.valid(%s, %s)", (kind, text)).fetchone()
            known[kind, text] = row[0]
        return known[kind, text]

    return valid


def rows_now(connection: psycopg.Connection, table: Table) -> list[Texts]:
    """The table's rows as PostgreSQL has them."""
    names = [each.name for each in table.columns]
    columns = ", ".join(map(identifier, names))
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY (SELECT {columns} FROM {table.qualified}) TO STDOUT") as copy,
    ):
        return [dict(zip(names, values, strict=True)) for values in copy.rows()]
