"""Columns as they were read become columns of their meaning: what ``connect.name`` says a long, string or struct is.

==========================================  ==================================  =====================================
meaning                                     on the wire                         in the object
==========================================  ==================================  =====================================
io.debezium.time.ZonedTimestamp             string                              timestamp, microseconds, UTC
io.debezium.time.{,Micro,Nano}Timestamp     long                                timestamp, microseconds, no zone
io.debezium.time.Date                       int                                 date
io.debezium.time.{,Micro,Nano}Time          int, long                           time
io.debezium.time.ZonedTime, ...             string                              string
io.debezium.time.Interval                   string, microseconds cut off        string, microseconds restored
io.debezium.time.MicroDuration              long                                64-bit integer, microseconds
org.apache.kafka.connect.data.Decimal       bytes, decimal(p, s)                decimal(p, s); string where p > 38,
                                                                                s < 0 or s > p
io.debezium.data.VariableScaleDecimal       struct(scale, value)                string
io.debezium.data.{Json,Uuid,Xml,Enum,...}   string                              string
union of several types                      {type: value}                       string, JSON
enum                                        index                               string
map (hstore)                                entries                             string, JSON
array                                       array                               list
bytes, fixed                                bytes                               binary
record without fields                       nothing                             string, {}
other records                               record                              struct
__text, __unsent, __cut, __commit_order     map, array, long                    as `lossless` has them
==========================================  ==================================  =====================================

A value that its type in the object cannot hold exactly (an infinite timestamp, ``time`` 24:00:00, text that is no
instant, more digits than the type has) is null in its column, with its text in ``__text``. An array or struct is one
value.
A record's field that has a name of the archive's own columns gets trailing underscores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from cdc_pipeline.archive import decimals, lossless, pgtext, times
from cdc_pipeline.archive.avro_schema import Node, own_name
from cdc_pipeline.archive.conversion import Conversion, Misfits, only
from cdc_pipeline.archive.json_text import to_json

PARTITION, OFFSET = "__partition", "__offset"

_PLAIN: dict[str, Any] = {
    "boolean": pl.Boolean(),
    "int": pl.Int32(),
    "long": pl.Int64(),
    "float": pl.Float32(),
    "double": pl.Float64(),
    "bytes": pl.Binary(),
    "fixed": pl.Binary(),
    "string": pl.String(),
    "enum": pl.Int32(),
    "null": pl.String(),
    "union": pl.String(),
}


def raw_dtype(node: Node, as_decimals: bool = True) -> Any:
    """The Polars type in which the values of ``node`` are read. ``as_decimals``: decimals as numbers; else bytes."""
    if node.kind == "record":
        return pl.Struct({name: raw_dtype(field, as_decimals) for name, field in node.fields if field.kind != "null"})
    if node.kind == "array":
        return pl.List(raw_dtype(node.items, as_decimals))
    if node.kind == "map":
        return pl.List(pl.Struct({"key": pl.String(), "value": raw_dtype(node.items, as_decimals)}))
    if node.kind == "bytes" and node.fits_decimal and as_decimals:
        return pl.Decimal(node.precision, node.scale)
    return _PLAIN[node.kind]


def dtype(node: Node) -> Any:
    """The Polars type in which they are written."""
    conversion = _conversion(node)
    if conversion is not None:
        return conversion.dtype
    if node.kind == "record":
        return pl.Struct({name: dtype(field) for name, field in node.fields})
    if node.kind == "array":
        return pl.List(dtype(node.items))
    return raw_dtype(node)


class Table:
    """The columns of a record type.

    Attributes:
        schema: names and types of the columns.
    """

    def __init__(self, node: Node) -> None:
        given = {name for name, _ in node.fields}
        self._fields: list[tuple[str, str, Node]] = []
        self.schema: dict[str, Any] = {}
        for field, part in node.fields:
            name = field
            reserved = field in (PARTITION, OFFSET) or field in lossless.COLUMNS
            if reserved and not lossless.is_one(field, part):
                name = own_name(field, given | {field} | self.schema.keys())
            self._fields.append((field, name, part))
            self.schema[name] = lossless.COLUMNS[name] if name in lossless.COLUMNS else dtype(part)

    def frame(self, raw: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """The columns, converted and in the schema's order; other columns of ``raw`` are dropped.

        Returns:
            The frame, and how many values of it became null with a text in ``__text``.
        """
        columns: list[pl.Series] = []
        texts: dict[int, dict[str, str]] = {}
        for field, name, node in self._fields:
            if node.kind == "null":
                columns.append(pl.Series(name, [None] * raw.height, dtype=pl.String))
            elif name in lossless.COLUMNS:
                columns.append(lossless.as_written(raw.get_column(field)))
            else:
                series, misfits = convert(raw.get_column(field), node)
                columns.append(series.alias(name))
                for row, text in misfits.items():
                    texts.setdefault(row, {})[name] = text
        frame = pl.DataFrame(columns)
        return (_with_texts(frame, texts) if texts else frame), sum(len(each) for each in texts.values())


def _with_texts(frame: pl.DataFrame, texts: dict[int, dict[str, str]]) -> pl.DataFrame:
    """The frame with more texts by row and column; those that a record has itself stay."""
    own = frame.get_column(lossless.TEXT).to_list() if lossless.TEXT in frame.columns else [None] * frame.height
    for row, added in texts.items():
        own[row] = added | (own[row] or {})
    return frame.with_columns(pl.Series(lossless.TEXT, own, dtype=lossless.COLUMNS[lossless.TEXT]))


def convert(series: pl.Series, node: Node) -> tuple[pl.Series, dict[int, str]]:
    """Values as read to values as written, and the texts of those that the written type cannot hold, by row.

    Such a value is null in the series. A list or struct with such a part is null as a whole.
    """
    misfits = Misfits()
    out = _converted(series, node, misfits)
    if not misfits.count:
        return out, {}
    rows = (series.is_not_null() & out.is_null()).arg_true().to_list()
    if len(rows) < misfits.count:  # inside of lists and structs
        rows = sorted(set(_rows_with_misfits(series, node, pl.Series(range(len(series)), dtype=pl.UInt32))))
        out = _converted(only(series, pl.Series([True] * len(series)).scatter(rows, False)), node, Misfits())
    values = _textual(series.gather(rows)).to_list()
    return out, {row: text(value, node) for row, value in zip(rows, values, strict=True)}


def _converted(series: pl.Series, node: Node, misfits: Misfits) -> pl.Series:
    """Values as written, null where there is none; those are counted."""
    conversion = _conversion(node)
    if conversion is not None:
        out = conversion.convert(series, node, misfits)
        misfits.count += out.null_count() - series.null_count()
        return out
    if node.kind == "array" and _changes(node.items):
        inner = node.items
        return series.list.eval(
            pl.element().map_batches(lambda s: _converted(s, inner, misfits), return_dtype=dtype(inner))
        )
    if node.kind == "record" and _changes(node):
        return _struct(series, node, misfits)
    return series


def _rows_with_misfits(series: pl.Series, node: Node, rows: pl.Series) -> list[int]:
    """``rows``: the row that each value is in. One may come several times."""
    if not _changes(node) or node.kind == "null":
        return []
    if node.kind in ("array", "map"):
        both = pl.DataFrame([series.alias("values"), rows.alias("rows")])
        both = both.filter(pl.col("values").list.len() > 0).explode("values")
        values = both.get_column("values")
        parts = [(values if node.kind == "array" else values.struct.field("value"), node.items)]
        rows = both.get_column("rows")
    elif _conversion(node) is None:
        parts = [(series.struct.field(name), field) for name, field in node.fields if field.kind != "null"]
    else:
        out = _converted(series, node, Misfits())
        return rows.filter(series.is_not_null() & out.is_null()).to_list()
    return [row for values, part in parts for row in _rows_with_misfits(values, part, rows)]


def text(value: Any, node: Node) -> str:
    """PostgreSQL's text of a value as read (decimals as strings or bytes), as far as its record says what it was."""
    conversion = _conversion(node)
    if conversion is not None:
        return conversion.text(value, node)
    if node.kind == "array":
        return pgtext.array([None if part is None else text(part, node.items) for part in value])
    return value if isinstance(value, str) else to_json(value)


def _textual(series: pl.Series) -> pl.Series:
    """Decimals as strings: Python's have 28 digits where they are computed with."""

    def plain(kind: Any) -> Any:
        if isinstance(kind, pl.Decimal):
            return pl.String()
        if isinstance(kind, pl.List):
            return pl.List(plain(kind.inner))
        if isinstance(kind, pl.Struct):
            return pl.Struct({field.name: plain(field.dtype) for field in kind.fields})
        return kind

    to = plain(series.dtype)
    return series if to == series.dtype else series.cast(to)


def _changes(node: Node) -> bool:
    if _conversion(node) is not None or node.kind == "null":
        return True
    if node.kind == "array":
        return _changes(node.items)
    return node.kind == "record" and any(_changes(field) for _, field in node.fields)


def _conversion(node: Node) -> Conversion | None:
    """How values are converted, or None where they are written as they are read (or part by part)."""
    if node.kind == "enum":
        return Conversion(pl.String(), _enum, lambda v, n: n.symbols[v] if 0 <= v < len(n.symbols) else str(v))
    if node.kind == "map":
        return Conversion(pl.String(), _map, _map_text)
    if node.kind == "record" and not node.fields:  # Parquet has no struct without fields
        return _EMPTY
    return decimals.conversion(node) or times.conversion(node)


def _struct(series: pl.Series, node: Node, misfits: Misfits) -> pl.Series:
    raw = series.struct.unnest()
    parts = [
        pl.Series(name, [None] * raw.height, dtype=pl.String)
        if field.kind == "null"
        else _converted(raw.get_column(name), field, misfits).alias(name)
        for name, field in node.fields
    ]
    out = pl.DataFrame(parts).to_struct(series.name)
    return only(out, series.is_not_null()) if series.null_count() else out


# --- what is written as text


def _enum(series: pl.Series, node: Node, _: Misfits) -> pl.Series:
    inside = (series >= 0) & (series < len(node.symbols))
    if not inside.all():
        series = only(series, inside)
    return pl.Series(node.symbols, dtype=pl.String).gather(series.cast(pl.UInt32)).alias(series.name)


def _empty(series: pl.Series, _: Node, __: Misfits) -> pl.Series:
    return pl.Series(series.name, [None if value is None else "{}" for value in series.to_list()], dtype=pl.String)


def _map(series: pl.Series, node: Node, misfits: Misfits) -> pl.Series:
    if _changes(node.items):
        _converted(series.explode().struct.field("value"), node.items, misfits)  # counts them
        # From what was read: Python has no date before the year 1 or after 9999.
        out = _texts_of_maps(_textual(series), lambda entries: _map_text(entries, node))
    else:
        out = _texts_of_maps(series, lambda entries: to_json({e["key"]: e["value"] for e in entries}))
    return pl.Series(series.name, out, dtype=pl.String)


ENTRIES = 20_000
"""Entries of maps that are Python objects at a time: each takes some 400 bytes."""


def _texts_of_maps(series: pl.Series, text_of: Callable[[list[dict[str, Any]]], str]) -> list[str | None]:
    """The JSON of each map, of so many at a time as have few entries together."""
    lengths = [length or 0 for length in series.list.len().to_list()]
    out: list[str | None] = []
    begin = 0
    while begin < len(lengths):
        end, count = begin + 1, lengths[begin]
        while end < len(lengths) and count + lengths[end] <= ENTRIES:
            count += lengths[end]
            end += 1
        part = series.slice(begin, end - begin)
        if count > ENTRIES:  # one map
            out.append(_text_of_long_map(part.explode(), text_of))
        else:
            out += [None if entries is None else text_of(entries) for entries in part.to_list()]
        begin = end
    return out


def _text_of_long_map(entries: pl.Series, text_of: Callable[[list[dict[str, Any]]], str]) -> str:
    if entries.struct.field("key").n_unique() < len(entries):  # the last one of a key counts
        return text_of(entries.to_list())
    parts = (entries.slice(begin, ENTRIES).to_list() for begin in range(0, len(entries), ENTRIES))
    return "{" + ",".join(text_of(part)[1:-1] for part in parts) + "}"


def _map_text(entries: list[dict[str, Any]], node: Node) -> str:
    return to_json({e["key"]: _within_json(e["value"], node.items) for e in entries})


def _within_json(value: Any, node: Node) -> Any:
    """A part of JSON for a value as read: itself, or its text where it means something else."""
    if value is None:
        return None
    if node.kind == "record" and node.meaning != decimals.VARIABLE:
        return {name: _within_json(value.get(name), field) for name, field in node.fields}
    if node.kind == "array":
        return [_within_json(part, node.items) for part in value]
    conversion = _conversion(node)
    return value if conversion is None else conversion.text(value, node)


_EMPTY = Conversion(pl.String(), _empty, lambda _, __: "{}")
