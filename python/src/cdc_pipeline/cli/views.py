"""What a captured table is in SQL: its changes, as the archive has them, and its rows as they are now.

This is the only place that says which change of a row is the last one, and what a value is that was not sent with it.
`docs/guarantees.md` has the rule for readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

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
        truncated: the place of the last TRUNCATE; None where there is none.
    """

    types: Mapping[str, str]
    unsent: tuple[str, ...] = ()
    truncated: tuple[int, ...] | None = None


def read_shape(connection: duckdb.DuckDBPyConnection, files: str) -> Shape:
    """The shape of a table. ``files``: a pattern; its objects must be the same when the query runs.

    Raises:
        duckdb.Error: an object cannot be read.
    """
    described = connection.execute(f"DESCRIBE SELECT * FROM {_objects(files)}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    if "__commit_order" not in types:
        return Shape(types)
    truncated = f"max(row({', '.join(_PLACE)})) FILTER (WHERE __op = 't')"
    unsent = f"list_distinct(flatten(list(DISTINCT {_UNSENT}) FILTER (WHERE {_UNSENT} IS NOT NULL AND NOT {_GONE})))"
    query = f"SELECT {truncated}, {unsent} FROM ({changes_query(files, types)})"
    place, names = connection.execute(query).fetchone() or (None, None)
    lacking = set(names or ())
    return Shape(types, tuple(name for name in types if name in lacking), place and tuple(place))


def changes_query(files: str, types: Mapping[str, str], more: str = "") -> str:
    """Every change of a table: its columns, then what is added to them, whether or not the objects have it.

    Args:
        files: a pattern, which DuckDB resolves when it reads.
        types: as of the table's :class:`Shape`.
        more: further expressions, each after a comma.
    """
    columns = [identifier(name) for name in types if name not in OWN]
    return f"SELECT {', '.join([*columns, *(_own(name, types) for name in OWN)])}{more} FROM {_objects(files)}"


def current_query(files: str, keys: Sequence[str], shape: Shape) -> str:
    """The table's rows as they are now: the last change of each key, unless it is a delete.

    A column that it did not bring has the value that was last sent. ``__text`` and ``__cut`` say of the columns that
    are null what they are; ``__unsent`` names those of which no value was ever sent.
    """
    return _filled(files, keys, shape) if shape.unsent else _last(files, keys, shape)


def _last(files: str, keys: Sequence[str], shape: Shape) -> str:
    """The current rows of a table in which every change but deletes brings every column."""
    order = ", ".join(f"{each} DESC" for each in _order())
    last = f"QUALIFY row_number() OVER (PARTITION BY {', '.join(_identity(keys))} ORDER BY {order}) = 1"
    changes = f"SELECT * FROM ({changes_query(files, shape.types)}) WHERE {_counts(shape)} {last}"
    columns = [identifier(name) for name in shape.types if name not in OWN]
    return f"SELECT {', '.join([*columns, _TEXT, _UNSENT, _CUT])} FROM ({changes}) WHERE NOT {_GONE}"


def _filled(files: str, keys: Sequence[str], shape: Shape) -> str:
    """The current rows where some columns have to be looked up in earlier changes.

    First it is found which changes are wanted, by the few columns that this takes; then those are read whole. What is
    between an insert and the delete is a life of a key. A change of the key ends one and begins another, with the same
    LSN in the same transaction, and what was not sent is then what it was in the former life.
    """
    # Files are numbered by the listing, which is the same for all parts of a query.
    changes = changes_query(files, shape.types, ", (file_index::BIGINT << 32) | file_row_number AS __at")
    columns, joins = [], []
    found: dict[str, str] = {}
    for name in shape.types:
        if name in OWN:
            continue
        quoted = identifier(name)
        if name not in shape.unsent:
            columns.append(f"now.{quoted}")
            continue
        found[name] = source = f"__source_{len(found)}"
        columns.append(f"CASE WHEN {_lacks('now', name)} THEN {source}.value ELSE now.{quoted} END AS {quoted}")
        joins.append(
            f"LEFT JOIN (SELECT __sources.target, __changes.{quoted} AS value, {_TEXT}[{literal(name)}] AS text,"
            f" {_CUT}[{literal(name)}] AS cut FROM __changes JOIN __sources ON __changes.__at = __sources.source"
            f" WHERE __sources.name = {literal(name)}) AS {source} ON {source}.target = now.__at"
        )
    never = ", ".join(
        f"CASE WHEN {_lacks('now', name)} AND {source}.target IS NULL THEN {literal(name)} END"
        for name, source in found.items()
    )
    return f"""WITH RECURSIVE __changes AS NOT MATERIALIZED ({changes}),
__places AS MATERIALIZED (
  SELECT __at, row({", ".join(_identity(keys))}) AS key, {_GONE} AS gone, __op, {_UNSENT}, __lsn, __txId,
    row_number() OVER w AS seq, lead(__at) OVER w IS NULL AS last,
    count(*) FILTER (WHERE __op = 'c') OVER (w ROWS UNBOUNDED PRECEDING)
    + count(*) FILTER (WHERE {_GONE}) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS life
  FROM __changes WHERE {_counts(shape)}
  WINDOW w AS (PARTITION BY {", ".join(_identity(keys))} ORDER BY {", ".join(_order())})),
__moves AS (
  SELECT new.key, new.life, old.key AS former_key, old.life AS former_life
  FROM __places AS new JOIN __places AS old ON old.__lsn = new.__lsn AND old.__txId = new.__txId
  WHERE new.__op = 'c' AND new.{_UNSENT} IS NOT NULL AND old.gone),
__lives AS (
  SELECT __at AS target, key, life, 0 AS back FROM __places WHERE last AND NOT gone AND {_UNSENT} IS NOT NULL
  UNION SELECT target, former_key, former_life, back + 1 FROM __lives JOIN __moves USING (key, life)),
__wanted AS (SELECT __at AS target, unnest({_UNSENT}) AS name FROM __places WHERE last AND NOT gone),
__sources AS MATERIALIZED (
  SELECT target, name, arg_max(__at, row(-back, seq)) AS source
  FROM __wanted JOIN __lives USING (target) JOIN __places USING (key, life)
  WHERE NOT gone AND NOT coalesce(list_contains({_UNSENT}, name), false) GROUP BY ALL)
SELECT {", ".join(columns)}, {_merged(_TEXT, "text", found)}, {_nonempty(f"[{never}]")} AS {_UNSENT},
  {_merged(_CUT, "cut", found)}
FROM __changes AS now {" ".join(joins)}
WHERE now.__at IN (SELECT __at FROM __places WHERE last AND NOT gone)"""


def _objects(files: str) -> str:
    # A table may have a column `year` of its own, which a folder's would hide.
    return f"read_parquet({literal(files)}, union_by_name = true, hive_partitioning = false)"


def _own(name: str, types: Mapping[str, str]) -> str:
    """One of the added columns; where no object has it, null. Maps may be lists of keys and values in Parquet."""
    if name not in types:
        return f"NULL::{OWN[name]} AS {name}"
    is_list = OWN[name].startswith("MAP") and types[name].endswith("[]")
    return f"map_from_entries({name})::{OWN[name]} AS {name}" if is_list else name


def _identity(keys: Sequence[str]) -> list[str]:
    """What tells the rows of a table apart. A column of the key may be null, with its value as text beside it."""
    return [
        part
        for key in keys
        for part in (
            identifier(key),
            f"CASE WHEN {identifier(key)} IS NULL THEN {_TEXT}[{literal(key)}] END",
        )
    ]


def _order() -> list[str]:
    """The order of the changes of a key. Two that differ in how one value is written, such as 1.5 and 1.50, are one
    key to DuckDB: its delete comes before its insert, which have one LSN, and not always one partition."""
    return [*_PLACE, f"NOT {_GONE}", "__offset"]


def _counts(shape: Shape) -> str:
    """Whether a change is of a row that no TRUNCATE has removed since."""
    own = "__op IS DISTINCT FROM 't'"
    if shape.truncated is None:
        return own
    after = "false"
    for place, value in reversed(tuple(zip(_PLACE, shape.truncated, strict=True))):
        after = f"({place} > {value} OR ({place} = {value} AND {after}))"
    return f"{own} AND {after}"


def _lacks(change: str, name: str) -> str:
    return f"coalesce(list_contains({change}.{_UNSENT}, {literal(name)}), false)"


def _merged(own: str, field: str, found: Mapping[str, str]) -> str:
    """A map of the change itself, and what it says of the columns that come from others."""
    entries = ", ".join(f"{{'key': {literal(name)}, 'value': {source}.{field}}}" for name, source in found.items())
    others = f"map_from_entries(list_filter([{entries}], lambda each: each.value IS NOT NULL))"
    whole = f"map_concat(now.{own}, {others})"
    return f"CASE WHEN now.{_UNSENT} IS NULL THEN now.{own} WHEN cardinality({whole}) > 0 THEN {whole} END AS {own}"


def _nonempty(names: str) -> str:
    filtered = f"list_filter({names}, lambda each: each IS NOT NULL)"
    return f"CASE WHEN now.{_UNSENT} IS NOT NULL AND len({filtered}) > 0 THEN {filtered} END"


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

    current = {table: free(*table.split(".", 1)) for table in tables}
    return {
        table: Names(schema, name, free(schema, name + _CHANGES))
        for table, name in current.items()
        for schema in (table.split(".", 1)[0],)
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
