# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables through a pipeline, three ways, each compared with PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import psycopg
from comparison import Comparison
from current_rows import read_current
from found import kept
from history import History, Writer, checker, rows_now
from pipeline import Pipeline
from reader import Row
from shapes import Types, Valid, prepare, read_types
from tables import SCHEMA, Table, make_tables

# At most so many rows of a table are there before it is captured; its extremes go first.
_ROWS = 24


class Run:
    """Tables of one seed.

    Attributes:
        types: what the server has.
        tables: the table of each history.
        found: the comparison of each table, by its name.
    """

    def __init__(self, pipeline: Pipeline, connection: psycopg.Connection) -> None:
        self._pipeline = pipeline
        self._connection = connection
        prepare(connection)
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        self._valid: Valid = checker(connection)
        self.types: Types = read_types(connection)

    def tables(self, seed: int, count: int) -> list[Table]:
        """Those of a seed."""
        name = f"t{self._pipeline.run}_{seed}"
        return list(make_tables(self.types, seed, count, self._valid, name))

    def kept(self) -> list[Table]:
        """Those in which a fault was found."""
        return list(kept(self.types, f"t{self._pipeline.run}"))

    def through(self, tables: Sequence[Table]) -> dict[str, Comparison]:
        """The comparison of each table, by its name: as it is added, changed, and read by an initial snapshot."""
        found = {table.name: Comparison(table) for table in tables}
        histories = [History(table) for table in tables]
        writers = [
            Writer(self._connection, history, self._valid, random.Random(history.table.seed)) for history in histories
        ]
        for table, writer in zip(tables, writers, strict=True):
            self._connection.execute(table.ddl)
            writer.insert_extremes(_ROWS)
        self._pipeline.mark(self._connection)
        self._pipeline.capture(tables)
        for table in tables:
            # The pipeline may have set FULL.
            self._connection.execute(table.identity)
        rows = self._pipeline.archived({each.table.name: len(each.rows) for each in histories}, "r")
        for history in histories:
            found[history.table.name].rows_of_snapshot(list(history.rows.values()), rows[history.table.name])
            history.started()

        for number, writer in enumerate(writers):
            self._change(writer, truncate=number % 5 == 4)
        self._pipeline.mark(self._connection)
        streamed = self._pipeline.archived({each.table.name: len(each.changes) for each in histories}, "c")
        for history in histories:
            found[history.table.name].changes(history.changes, streamed[history.table.name])
        self._current(tables, {name: [*rows[name], *streamed[name]] for name in found}, found)

        self._pipeline.snapshot_again()
        self._pipeline.mark(self._connection)
        rows = self._pipeline.archived({each.table.name: len(each.rows) for each in histories}, "c")
        for history in histories:
            found[history.table.name].rows_of_snapshot(list(history.rows.values()), rows[history.table.name])
        self._current(tables, rows, found)
        return found

    def _change(self, writer: Writer, truncate: bool) -> None:
        writer.insert(3)
        writer.change(6)
        writer.change(2, large=True)
        writer.delete(2)
        if truncate:
            writer.truncate()
        writer.insert(3)
        writer.change(2)

    def _current(
        self, tables: Sequence[Table], rows: Mapping[str, Sequence[Row]], found: Mapping[str, Comparison]
    ) -> None:
        types = {name: {c: cell.type for c, cell in rows[name][-1].columns.items()} for name in found if rows[name]}
        there = [table for table in tables if table.name in types]
        current = read_current(self._pipeline.site.home, there, types)
        for table in there:
            found[table.name].current(rows_now(self._connection, table), current[table.name])

    def clean(self) -> None:
        """Let the tables go."""
        self._pipeline.capture([])
        self._connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
