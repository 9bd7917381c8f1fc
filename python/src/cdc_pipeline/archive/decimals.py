"""Decimals, of a fixed scale and of a scale for each value."""

from __future__ import annotations

from typing import Any

import polars as pl

from cdc_pipeline.archive import pgtext
from cdc_pipeline.archive.avro_schema import Node
from cdc_pipeline.archive.conversion import Conversion, Misfits, only
from cdc_pipeline.archive.json_text import to_json

VARIABLE = "io.debezium.data.VariableScaleDecimal"
_MOST_DIGITS = 150_000
"""PostgreSQL's numeric has at most 131,072 digits before and 16,383 after the point."""
_GREATEST_SCALE = 1000
"""Of a numeric(p, s). A negative one comes from Debezium as 2048 + s."""


def conversion(node: Node) -> Conversion | None:
    """How the values of a decimal type are converted; None of other types."""
    if node.kind == "record":
        return _VARIABLE if node.meaning == VARIABLE else None
    if node.precision and node.kind in ("bytes", "fixed"):
        to = pl.Decimal(node.precision, node.scale) if node.fits_decimal else pl.String()
        return Conversion(to, _decimal, _decimal_text)
    return None


def _variable_decimal(series: pl.Series, _: Node, __: Misfits) -> pl.Series:
    scales, values = series.struct.field("scale").to_list(), series.struct.field("value").to_list()
    texts = [
        None if v is None or s is None or abs(s) > _MOST_DIGITS else pgtext.decimal(v, s)
        for s, v in zip(scales, values, strict=True)
    ]
    return pl.Series(series.name, texts, dtype=pl.String)


def _variable_decimal_text(value: dict[str, Any], _: Node) -> str:
    return to_json(value) if None in value.values() else f"{pgtext.decimal(value['value'], 0)}e{-value['scale']}"


def _decimal(series: pl.Series, node: Node, _: Misfits) -> pl.Series:
    if series.dtype == pl.Binary:
        texts = [None if value is None else _decimal_text(value, node) for value in series.to_list()]
        out = pl.Series(series.name, texts, dtype=pl.String)
        return out.cast(pl.Decimal(node.precision, node.scale), strict=False) if node.fits_decimal else out
    unscaled, bound = series.to_physical(), 10**node.precision
    lowest, highest = unscaled.min(), unscaled.max()
    if highest is not None and (highest >= bound or lowest <= -bound):
        return only(series, (unscaled < bound) & (unscaled > -bound))
    return series


def _decimal_text(value: str | bytes, node: Node) -> str:
    if isinstance(value, str):
        return value
    out = pgtext.decimal(value, node.scale)
    return out.rstrip("0").rstrip(".") if node.scale > _GREATEST_SCALE else out


_VARIABLE = Conversion(pl.String(), _variable_decimal, _variable_decimal_text)
