"""Which records become rows and which are rejected.

Today only what cannot be decoded is rejected. A table's data contract will be evaluated here, over the frame's columns;
the tile's footer already carries its version and the rule of every rejection, and nothing after this step asks why.
A rule must not judge a value that is missing by name: in the row's ``__text``, ``__unsent`` or ``__cut`` (`lossless`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cdc_pipeline.archive.rows import Rows
from cdc_pipeline.archive.tile import Rejection


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rows to archive and the records to send to the dead letter topic, by offset."""

    frame: pl.DataFrame
    rejected: tuple[Rejection, ...]
    contract_version: str | None = None


def judge(rows: Rows) -> Verdict:
    """The verdict on decoded records."""
    return Verdict(rows.frame, tuple(rows.undecodable))
