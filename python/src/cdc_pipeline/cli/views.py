"""What a captured table is in SQL: its changes, as the archive has them, and its rows as they are now.

This is the only place that says which change of a row is the last one, and what a value is that was not sent with it.
`docs/guarantees.md` has the rule for readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.names import parse

_TEXT, _UNSENT, _CUT = "__text", "__unsent", "__cut"
# What the source and the archive add to a table's columns, and DuckDB's types of it.
OWN = {
    "__deleted": "VARCHAR",
    "__op": "VARCHAR",
    "__lsn": "BIGINT",
    "__txId": "BIGINT",
    "__ts_us": "BIGINT",
    "__source_ts_us": "BIGINT",
    "__commit_order": "BIGINT",
    _TEXT: "MAP(VARCHAR, VARCHAR)",
    _UNSENT: "VARCHAR[]",
    _CUT: "MAP(VARCHAR, STRUCT(bytes BIGINT, sha256 VARCHAR))",
    "__partition": "INTEGER",
    "__offset": "BIGINT",
}
# Where a change stands among those of its table, without its place in its partition. Rows that were captured before
# there was a commit order come first, by the time at which Debezium processed them, and by their place. A row of a
# snapshot is as the table was before the transaction that follows.
_PLACE = (
    "coalesce(__commit_order, -1)",
    "CASE WHEN __commit_order IS NULL THEN coalesce(__ts_us, -1) ELSE 0 END",
    "CASE WHEN __commit_order IS NULL OR __op = 'r' THEN 0 ELSE coalesce(__lsn, 0) END",
)
_GONE = "(__deleted::BOOL IS TRUE)"
# The order of the changes of a key. Two keys that differ in how a value is written, such as 1.5 and 1.50, are one to
# DuckDB: the delete of the former comes before the insert, which has the same LSN and perhaps another partition. Rows
# without a commit order have no such LSN: those of one time are in the order of their partition.
_ORDER = (*_PLACE, f"__commit_order IS NOT NULL AND NOT {_GONE}", "__offset")
# What DuckDB has infinities of. Objects of before this version hold them in the column, later ones as text.
_INFINITE = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
_CHANGES = "_changes"


@dataclass(frozen=True)
class Names:
    """The views of a table. ``schema``: in DuckDB, as in PostgreSQL."""

    schema: str
    current: str
    changes: str


@dataclass(frozen=True)
class Shape:
    """What the query of a table depends on, beside its key.

    Attributes:
        types: of each column of the objects, DuckDB's type.
        unsent: the columns that a change that is no delete did not bring.
        moved: whether one of them is of a changed key, as an insert.
        truncated: the place of the last TRUNCATE; None where there is none.
    """

    types: Mapping[str, str]
    unsent: tuple[str, ...] = ()
    moved: bool = False
    truncated: tuple[int, ...] | None = None


def read_shape(connection: duckdb.DuckDBPyConnection, files: str) -> Shape:
    """The shape of a table. ``files``: a pattern; its objects must be the same when the query runs.

    Raises:
        CdcError: columns have names that DuckDB does not tell apart.
        duckdb.Error: an object cannot be read.
    """
    _check_names(connection, files)
    described = connection.execute(f"DESCRIBE SELECT * FROM {_objects(files)}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    if "__commit_order" not in types:
        return Shape(types)
    truncated = f"max(row({', '.join(_PLACE)})) FILTER (WHERE __op = 't')"
    unsent = f"FILTER (WHERE {_UNSENT} IS NOT NULL AND NOT {_GONE})"
    query = f"""SELECT {truncated}, list_distinct(flatten(list(DISTINCT {_UNSENT}) {unsent})),
        bool_or(__op = 'c') {unsent} FROM ({changes_query(files, types)})"""
    place, names, moved = connection.execute(query).fetchone() or (None, None, None)
    lacking = set(names or ())
    return Shape(types, tuple(name for name in types if name in lacking), bool(moved), place and tuple(place))


def _check_names(connection: duckdb.DuckDBPyConnection, files: str) -> None:
    """Refuses names that differ by case alone, in one object or in two, or from what is added to them.

    DuckDB renames the second of an object, and takes those of two objects for one column.
    """
    schemas = connection.execute(f"""SELECT DISTINCT names, children FROM (
        SELECT list(name ORDER BY column_id) AS names, list(num_children ORDER BY column_id) AS children
        FROM parquet_schema({literal(files)}) GROUP BY file_name)""").fetchall()
    found: dict[str, set[str]] = {name.lower(): {name} for name in OWN}
    for names, children in schemas:
        for name in _top(names, children):
            found.setdefault(name.lower(), set()).add(name)
    alike = next((sorted(names) for names in found.values() if len(names) > 1), None)
    if alike:
        raise CdcError(
            f"its columns {' and '.join(alike)} differ by case only, and DuckDB treats them as equal. Read its"
            " objects with a program that distinguishes them."
        )


def _top(names: Sequence[str], children: Sequence[int | None]) -> Iterator[str]:
    """The columns of a schema that lists what is within them after each. The first entry is the whole."""
    at = 1
    while at < len(names):
        yield names[at]
        within = 1
        while within:
            within += (children[at] or 0) - 1
            at += 1


def changes_query(files: str, types: Mapping[str, str]) -> str:
    """Every change of a table: its columns, then what is added to them, whether or not the objects have it.

    Args:
        files: a pattern, which DuckDB resolves when it reads.
        types: as of the table's :class:`Shape`.
    """
    columns = [identifier(name) for name in types if name not in OWN]
    return f"SELECT {', '.join([*columns, *_added(types)])} FROM {_objects(files)}"


def current_query(files: str, keys: Sequence[str], shape: Shape) -> str:
    """The table's rows as they are now: the last change of each key, unless it is a delete.

    A column that it did not bring has the value that was last sent. ``__text`` and ``__cut`` say of the columns that
    are null what they are; ``__unsent`` names those of which no value was ever sent.
    """
    return _filled(files, keys, shape) if shape.unsent else _last(files, keys, shape)


def _last(files: str, keys: Sequence[str], shape: Shape) -> str:
    """The current rows of a table in which every change but deletes brings every column."""
    descending = ", ".join(f"{each} DESC" for each in _ORDER)
    identity = ", ".join(_identity(keys, shape.types))
    last = f"QUALIFY row_number() OVER (PARTITION BY {identity} ORDER BY {descending}) = 1"
    changes = f"SELECT * FROM ({changes_query(files, shape.types)}) WHERE {_counts(shape)} {last}"
    columns = [identifier(name) for name in shape.types if name not in OWN]
    return f"SELECT {', '.join([*columns, _TEXT, _UNSENT, _CUT])} FROM ({changes}) WHERE NOT {_GONE}"


def _filled(files: str, keys: Sequence[str], shape: Shape) -> str:
    """The current rows where some columns have to be looked up in earlier changes.

    First it is found which changes are wanted, by the few columns that this takes; then those are read whole. A table's
    columns have other names within, since they may have any that the query gives to something else.
    """
    inner = {name: f"column_{number}" for number, name in enumerate(shape.types) if name not in OWN}
    identity = _identity(keys, shape.types, inner)
    key = [f"key_{number}" for number in range(len(identity))]
    numbers = {name: number for number, name in enumerate(shape.unsent)}
    columns = [_value(name, column, numbers.get(name)) for name, column in inner.items()]
    never = ", ".join(
        f"CASE WHEN {_lacks(n)} AND from_{i}.__at IS NULL THEN {literal(n)} END" for n, i in numbers.items()
    )
    latest = [
        f", arg_max(__at, seq) {_sent(name)} AS source_{i}, max(seq) {_sent(name)} AS sent_{i}"
        for name, i in numbers.items()
    ]
    otherwise = "ELSE former_{0} " if shape.moved else ""
    source = (
        ", CASE WHEN source_{0} IS DISTINCT FROM __at THEN CASE WHEN sent_{0} >= began THEN source_{0}"
        f" {otherwise}END END AS source_{{0}}"
    )
    return f"""WITH RECURSIVE __changes AS NOT MATERIALIZED ({_placed(files, shape.types, inner)}),
__ordered AS (
  SELECT {", ".join(f"{part} AS {name}" for part, name in zip(identity, key, strict=True))}, __at, __op, __lsn, __txId,
    {_UNSENT}, {_GONE} AS gone,
    row_number() OVER (PARTITION BY {", ".join(identity)} ORDER BY {", ".join(_ORDER)}) AS seq
  FROM __changes WHERE {_counts(shape)}),
__keys AS (
  SELECT arg_max(__at, seq) AS __at, arg_max(gone, seq) AS gone,
    coalesce(max(seq) FILTER (WHERE __op = 'c' OR gone), 0) AS began{"".join(latest)}
  FROM __ordered GROUP BY {", ".join(key)}),
{_former(key, numbers) if shape.moved else ""}
__now AS MATERIALIZED (
  SELECT __at{"".join(source.format(i) for i in numbers.values())}
  FROM __keys {"LEFT JOIN __former USING (__at)" if shape.moved else ""} WHERE NOT gone)
SELECT {", ".join(columns)}, {_merged(_TEXT, "text", numbers)}, {_names(never)} AS {_UNSENT},
  {_merged(_CUT, "cut", numbers)}
FROM __changes JOIN __now USING (__at) {" ".join(_join(name, inner[name], i) for name, i in numbers.items())}"""


def _former(key: Sequence[str], numbers: Mapping[str, int]) -> str:
    """Where the columns of a row come from whose key has changed.

    What is between an insert and the delete is a life of a key. A change of the key ends one and begins another, with
    one LSN in one transaction, and what was not sent is what it was in the former life.
    """
    sources = "".join(f", arg_max(__at, row(-back, seq)) {_sent(name)} AS former_{i}" for name, i in numbers.items())
    return f"""__numbered AS (SELECT *, row({", ".join(key)}) AS key FROM __ordered),
__pairs AS MATERIALIZED (
  SELECT new.key AS key, new.seq AS seq, old.key AS former_key, old.seq AS former_seq
  FROM __numbered AS new JOIN __numbered AS old ON old.__lsn = new.__lsn AND old.__txId = new.__txId
  WHERE new.__op = 'c' AND new.{_UNSENT} IS NOT NULL AND old.gone),
__lived AS MATERIALIZED (
  SELECT __numbered.*, lead(seq) OVER w IS NULL AS last,
    count(*) FILTER (WHERE __op = 'c') OVER (w ROWS UNBOUNDED PRECEDING)
    + count(*) FILTER (WHERE gone) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS life
  FROM __numbered JOIN (SELECT key FROM __pairs UNION SELECT former_key FROM __pairs) USING (key)
  WINDOW w AS (PARTITION BY key ORDER BY seq)),
__moves AS MATERIALIZED (
  SELECT new.key AS key, new.life AS life, old.key AS former_key, old.life AS former_life
  FROM __pairs JOIN __lived AS new USING (key, seq)
    JOIN __lived AS old ON old.key = former_key AND old.seq = former_seq),
__lives AS (
  SELECT __at AS target, key, life, 0 AS back FROM __lived WHERE last AND NOT gone
  UNION SELECT target, former_key, former_life, back + 1 FROM __lives JOIN __moves USING (key, life)),
__former AS (
  SELECT target AS __at{sources} FROM __lives JOIN __lived USING (key, life) GROUP BY target),
"""


def _value(name: str, column: str, number: int | None) -> str:
    """A column of a current row."""
    own = f"__changes.{column}"
    if number is None:
        return f"{own} AS {identifier(name)}"
    return f"CASE WHEN {_lacks(name)} THEN from_{number}.value ELSE {own} END AS {identifier(name)}"


def _join(name: str, column: str, number: int) -> str:
    """What an earlier change says of a column, by the current change that lacks it."""
    entry = literal(name)
    return (
        f"LEFT JOIN (SELECT __now.__at, {column} AS value, {_TEXT}[{entry}] AS text, {_CUT}[{entry}] AS cut"
        f" FROM __changes JOIN __now ON __changes.__at = source_{number}) AS from_{number}"
        f" ON from_{number}.__at = __now.__at"
    )


def _objects(files: str, more: str = "") -> str:
    """``more``: options, each after a comma."""
    # A table may have a column `year` of its own, which a folder's would hide.
    return f"read_parquet({literal(files)}, union_by_name = true, hive_partitioning = false{more})"


def _placed(files: str, types: Mapping[str, str], inner: Mapping[str, str]) -> str:
    """Every change of a table, with the names that its columns have within, and ``__at``, which tells rows apart.

    What DuckDB says of a row's place has a name of its own, and a column of that name hides it.
    """
    taken = {name.lower() for name in types}
    file, row, path = "file_index", "file_row_number", "filename"
    while path in taken:
        path += "_"
    columns = ", ".join([*(f"{identifier(name)} AS {column}" for name, column in inner.items()), *_added(types)])
    if taken.isdisjoint((file, row)):
        # Files are numbered by the listing, which is the same for all parts of a query.
        return f"SELECT {columns}, ({file}::BIGINT << 32) | {row} AS __at FROM {_objects(files)}"
    place = f"row({path}, {'__partition, __offset' if row in taken else row})"
    return f"SELECT {columns}, {place} AS __at FROM {_objects(files, f', filename = {literal(path)}')}"


def _added(types: Mapping[str, str]) -> list[str]:
    return [_own(name, types) for name in OWN]


def _own(name: str, types: Mapping[str, str]) -> str:
    """One of the added columns; where no object has it, null. Maps may be lists of keys and values in Parquet."""
    if name not in types:
        return f"NULL::{OWN[name]} AS {name}"
    is_list = OWN[name].startswith("MAP") and types[name].endswith("[]")
    return f"map_from_entries({name})::{OWN[name]} AS {name}" if is_list else name


def _identity(keys: Sequence[str], types: Mapping[str, str], inner: Mapping[str, str] | None = None) -> list[str]:
    """What tells the rows of a table apart. A column of the key may be null, with its value as text beside it.

    ``inner``: the columns' names, where they are not their own.
    """
    return [part for key in keys for part in _part(key, types.get(key), (inner or {}).get(key, identifier(key)))]


def _part(key: str, kind: str | None, column: str) -> tuple[str, str]:
    beside = f"WHEN {column} IS NULL THEN {_TEXT}[{literal(key)}]"
    if kind not in _INFINITE:
        return column, f"CASE {beside} END"
    infinite = f"WHEN isinf({column}) THEN"
    return f"CASE {infinite} NULL ELSE {column} END", f"CASE {beside} {infinite} {column}::VARCHAR END"


def _counts(shape: Shape) -> str:
    """Whether a change is of a row that no TRUNCATE has removed since."""
    own = "__op IS DISTINCT FROM 't'"
    if shape.truncated is None:
        return own
    after = "false"
    for place, value in reversed(tuple(zip(_PLACE, shape.truncated, strict=True))):
        after = f"({place} > {value} OR ({place} = {value} AND {after}))"
    return f"{own} AND {after}"


def _lacks(name: str) -> str:
    return f"coalesce(list_contains({_UNSENT}, {literal(name)}), false)"


def _sent(name: str) -> str:
    return f"FILTER (WHERE NOT gone AND NOT {_lacks(name)})"


def _merged(own: str, field: str, numbers: Mapping[str, int]) -> str:
    """A map of the change itself, and what it says of the columns that come from others."""
    entries = ", ".join(f"{{'key': {literal(name)}, 'value': from_{i}.{field}}}" for name, i in numbers.items())
    others = f"map_from_entries(list_filter([{entries}], lambda each: each.value IS NOT NULL))"
    whole = f"map_concat({own}, {others})"
    return f"CASE WHEN {_UNSENT} IS NULL THEN {own} WHEN cardinality({whole}) > 0 THEN {whole} END AS {own}"


def _names(names: str) -> str:
    filtered = f"list_filter([{names}], lambda each: each IS NOT NULL)"
    return f"CASE WHEN {_UNSENT} IS NOT NULL AND len({filtered}) > 0 THEN {filtered} END"


def names_of(tables: Iterable[str]) -> dict[str, Names]:
    """The views of each table `schema.name`.

    DuckDB does not tell names apart by their case. Where two would be one, as `users_changes` of `users` and a table of
    that name, the latter keeps it, and the other gets an underscore more.
    """
    tables = sorted(tables)
    taken: set[tuple[str, str]] = set()

    def free(schema: str, name: str) -> str:
        while (schema.lower(), name.lower()) in taken:
            name += "_"
        taken.add((schema.lower(), name.lower()))
        return name

    parsed = {table: parse(table) for table in tables}
    current = {table: free(found.schema, found.table) for table, found in parsed.items()}
    return {
        table: Names(parsed[table].schema, name, free(parsed[table].schema, name + _CHANGES))
        for table, name in current.items()
    }


def mentioned(view: str, text: str) -> bool:
    """Whether a statement may be about a view. It may not be, as when the name stands in a string."""
    name = re.escape(view.replace('"', '""'))
    return bool(re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE))


def asks_for_all(text: str) -> bool:
    """Whether a statement lists what there is."""
    return bool(re.search(r"\b(show|information_schema|duckdb_\w+|pg_\w+)\b", text, re.IGNORECASE))


def identifier(name: str) -> str:
    """A name, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string, quoted."""
    return "'" + text.replace("'", "''") + "'"
