"""A DuckDB in memory in which the captured tables are views over the archive's objects."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb

from cdc_pipeline.cli.archive_files import ArchiveFiles, Entry, pattern
from cdc_pipeline.cli.complete import Complete
from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.views import (
    asks_for_all,
    changes_query,
    current_query,
    identifier,
    mentioned,
    names_of,
    read_shape,
)

_MEMORY = "1GiB"
_BATCH = 1000
# What a statement is called in another one. A column of that name would stand for the whole row.
_ROW = '"a row of the statement"'
_STRING_OR_POINT = re.compile(r'"(?:[^"\\]|\\.)*"|(?<=[:\[,])(-?)\.(?=\d)')
Asked = Callable[[Sequence[str]], Mapping[str, Complete]]
_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U", "DECIMAL", "FLOAT", "DOUBLE")


class Tables(Protocol):
    """As :class:`cdc_pipeline.cli.archive.Archive`."""

    topics: dict[str, str]

    def folder(self, table: str) -> str: ...

    def objects(self, below: str) -> Iterator[Entry]: ...

    def fetch(self, key: str, begin: int, end: int) -> bytes: ...

    def keys(self, table: str) -> list[str]: ...


def without_semicolon(query: str) -> str:
    """A statement that can be a part of another one."""
    text = query.encode()
    tokens = [at for at, kind in duckdb.tokenize(query) if kind != duckdb.token_type.comment]
    last = tokens[-1] if tokens else 0
    return text[:last].decode() if text[last : last + 1] == b";" else query


def with_zeros(document: str) -> str:
    """JSON as it must be: DuckDB writes -.5 for a wide decimal without digits before the point."""
    return _STRING_OR_POINT.sub(lambda found: found[0] if found[1] is None else f"{found[1]}0.", document)


@contextmanager
def refusals() -> Iterator[None]:
    """What DuckDB says is the whole message."""
    try:
        yield
    except duckdb.Error as error:
        raise CdcError(str(error)) from None


class Result:
    """What a statement gives.

    Attributes:
        columns: their names; none where it gives nothing.
        numeric: of each column, whether it holds numbers.
        is_text: whether it is made for people already, as a plan of a query is.
        complete: up to when the tables are complete that the statement mentions.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement, complete: Mapping[str, Complete]
    ) -> None:
        self._connection = connection
        self.complete = complete
        self.is_text = statement.type == duckdb.StatementType.EXPLAIN
        self._query = without_semicolon(statement.query)
        # Others, such as EXPLAIN, cannot be part of another query; their values are simple.
        self._wrapped = statement.type == duckdb.StatementType.SELECT
        if self._wrapped:
            described = connection.execute(f"DESCRIBE {self._query}").fetchall()
            self.columns = [str(row[0]) for row in described]
            self.numeric = [str(row[1]).startswith(_NUMERIC) for row in described]
        else:
            connection.execute(self._query)
            gives = duckdb.ExpectedResultType.NOTHING not in statement.expected_result_type
            self.columns = [str(each[0]) for each in connection.description or ()] if gives else []
            self.numeric = [False] * len(self.columns)

    def rows(self) -> Iterator[tuple[str | None, ...]]:
        """Each row as DuckDB's own text of its values."""
        for row in self._fetched("COLUMNS(*)::VARCHAR"):
            yield tuple(None if value is None else str(value) for value in row)

    def documents(self) -> Iterator[str]:
        """Each row as the text of a JSON object, decimals with all their digits."""
        for row in self._fetched(f"to_json({_ROW})::VARCHAR"):
            if self._wrapped:
                yield with_zeros(str(row[0]))
            else:
                yield json.dumps(dict(zip(self.columns, row, strict=True)), default=str, ensure_ascii=False)

    def _fetched(self, expression: str) -> Iterator[tuple[Any, ...]]:
        """The rows, of which the expression is made where the statement can be a part of another one."""
        with refusals():
            if self._wrapped:
                self._connection.execute(f"SELECT {expression} FROM (\n{self._query}\n) AS {_ROW}")
            while batch := self._connection.fetchmany(_BATCH):
                yield from batch


class Session:
    """Runs statements.

    A view is made when a statement mentions it, or a view or macro of the user that does, since that reads every
    object's schema, and again when there are more objects: what it looks up depends on what they have.

    Args:
        asked: up to when tables are complete, by what the servers say now; None if that is not asked for.
    """

    def __init__(self, archive: Tables, connection: duckdb.DuckDBPyConnection, asked: Asked | None = None) -> None:
        self._archive = archive
        self._connection = connection
        self._asked = asked
        self._files = ArchiveFiles(archive.objects, archive.fetch)
        connection.register_filesystem(self._files)
        self.names = names_of(archive.topics)
        self._made: dict[str, list[str]] = {}
        for schema in sorted({"public", *(names.schema for names in self.names.values())}):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(schema)}")
        connection.execute("SET search_path = 'public'; SET TimeZone = 'UTC'")

    def run(self, text: str) -> Iterator[Result]:
        """The result of each statement that has one, to be read before the next is asked for.

        Raises:
            CdcError: DuckDB refuses, or a table has nothing in the archive yet.
        """
        with refusals():
            for statement in self._connection.extract_statements(text):
                complete = self._prepare(statement.query)
                result = Result(self._connection, statement, complete)
                if result.columns:
                    yield result

    def _prepare(self, text: str) -> Mapping[str, Complete]:
        """Makes the views that a statement is about; up to when their tables are complete."""
        every = asks_for_all(text)
        text = self._with_definitions(text)
        wanted = [
            (table, view)
            for table, names in self.names.items()
            for view in (names.changes, names.current)
            if every or mentioned(view, text)
        ]
        complete: Mapping[str, Complete] = {}
        if self._asked is not None and wanted and not every:
            # Before the objects are listed, so that all that was archived at that time is among them.
            complete = self._asked(sorted({table for table, _view in wanted}))
        # Of no others: what is read of them must be what their views were made for.
        for table in {table for table, _view in wanted}:
            self._files.forget(pattern(self._archive.folder(table)))
        for table, view in wanted:
            self._make(table, view, required=not every)
        return complete

    def _with_definitions(self, text: str) -> str:
        """A statement, and what the user's own views and macros are that it is about."""
        found = self._connection.execute("""
            SELECT view_name, sql, schema_name FROM duckdb_views() WHERE NOT internal UNION ALL
            SELECT function_name, macro_definition, '' FROM duckdb_functions()
            WHERE NOT internal AND macro_definition IS NOT NULL""").fetchall()
        own = {
            (str(name), str(definition))
            for name, definition, schema in found
            if f"{identifier(schema)}.{identifier(name)}" not in self._made
        }
        while more := {(name, definition) for name, definition in own if mentioned(name, text)}:
            own -= more
            text = "\n".join([text, *(definition for _name, definition in more)])
        return text

    def _make(self, table: str, view: str, required: bool) -> None:
        """A view of a table over the objects that there are now; none where it has no objects, or no key."""
        names = self.names[table]
        files = pattern(self._archive.folder(table))
        objects = self._files.glob(files)
        if not objects:
            if not required:
                return
            raise CdcError(
                f"{table} has nothing in the archive yet. The archive writes an object when it is full or its time is"
                " over; see `cdc tables`."
            )
        made = f"{identifier(names.schema)}.{identifier(view)}"
        if self._made.get(made) == objects:
            return
        keys = self._archive.keys(table) if view == names.current else []
        if view == names.changes or keys:
            try:
                shape = read_shape(self._connection, files)
            except CdcError as error:
                if not required:
                    return
                raise CdcError(f"{table} cannot be shown: {error}") from None
            query = current_query(files, keys, shape) if keys else changes_query(files, shape.types)
            self._connection.execute(f"CREATE OR REPLACE VIEW {made} AS {query}")
            self._made[made] = objects


@contextmanager
def session(archive: Tables, asked: Asked | None = None) -> Iterator[Session]:
    """A session that ends with all that it has written to disk. ``asked``: as of :class:`Session`."""
    with tempfile.TemporaryDirectory(prefix="cdc-sql-") as folder, duckdb.connect() as connection:
        # What does not fit into memory goes to the disk, not the host's other memory.
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        # It would be in the midst of the result.
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET temp_directory = ?", [str(Path(folder) / "spilled")])
        yield Session(archive, connection, asked)
