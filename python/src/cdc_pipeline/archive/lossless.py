"""The columns by which a row says what its other columns cannot: text beside a null, what was not sent, what was cut.

A record has them from the source (`__commit_order`, `__text`, `__unsent`, `__cut`); every tile has them, whatever its
records have. `columns` adds to `__text` where only Parquet cannot hold a value.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from cdc_pipeline.archive.avro_schema import Node

COMMIT_ORDER, TEXT, UNSENT, CUT = "__commit_order", "__text", "__unsent", "__cut"

COLUMNS: dict[str, Any] = {
    COMMIT_ORDER: pl.Int64(),
    TEXT: pl.Map(pl.String(), pl.String()),
    UNSENT: pl.List(pl.String()),
    CUT: pl.Map(pl.String(), pl.Struct({"bytes": pl.Int64(), "sha256": pl.String()})),
}
"""Types in the object.

``__commit_order``: an LSN that orders transactions as they committed. ``__text``: PostgreSQL's text by column, where
its type cannot hold the value. ``__unsent``: columns that PostgreSQL did not send. ``__cut``: columns that were too
large, with their size in bytes and SHA-256. The value of a named column is null.
"""


def is_one(name: str, node: Node) -> bool:
    """Whether a field of a record is one of these, by name and type: an earlier record's table may use the name."""
    items = node.items
    if name == COMMIT_ORDER:
        return node.kind == "long"
    if items is None:
        return False
    if name == TEXT:
        return node.kind == "map" and items.kind == "string"
    if name == UNSENT:
        return node.kind == "array" and items.kind == "string"
    parts = [(part, field.kind) for part, field in items.fields]
    return name == CUT and node.kind == "map" and parts == [("bytes", "long"), ("sha256", "string")]


def as_written(series: pl.Series) -> pl.Series:
    """One of these columns as read, with the type of `COLUMNS`."""
    to = COLUMNS[series.name]
    return series if series.dtype == to else series.cast(to)
