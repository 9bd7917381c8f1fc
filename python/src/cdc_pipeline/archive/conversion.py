"""How the values of a column are converted: what `columns` and the files of its types share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from cdc_pipeline.archive.avro_schema import Node


class Misfits:
    """How many values had no representation."""

    count = 0


@dataclass(frozen=True, slots=True)
class Conversion:
    """The written type; values as read to values as written, null where there is none; the text of a value as read."""

    dtype: Any
    convert: Callable[[pl.Series, Node, Misfits], pl.Series]
    text: Callable[[Any, Node], str]


def only(series: pl.Series, mask: pl.Series) -> pl.Series:
    """The values where ``mask`` is true, null elsewhere."""
    # By columns: a series of one value would become a literal, which panics where it is a decimal of too many digits.
    both = pl.DataFrame([series.alias("values"), mask.alias("mask")])
    return both.select(pl.when("mask").then("values")).to_series().alias(series.name)
