"""The records of a tile as rows: values decoded, foreign tombstones as key-only rows, the archive's columns added."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

from cdc_pipeline.archive import lossless
from cdc_pipeline.archive.columns import OFFSET, PARTITION
from cdc_pipeline.archive.decode import Decoder
from cdc_pipeline.archive.errors import UnknownSchemaError, UnsupportedSchemaError
from cdc_pipeline.archive.records import Records
from cdc_pipeline.archive.tile import Rejection, Source
from cdc_pipeline.archive.wire import all_begin_with, frame_of, schema_of

DEBEZIUM_COLUMNS: dict[str, Any] = {
    "__deleted": pl.String(),
    "__op": pl.String(),
    "__lsn": pl.Int64(),
    "__txId": pl.Int64(),
    "__ts_us": pl.Int64(),
    "__source_ts_us": pl.Int64(),
}
"""Added by the connector's transformation (ExtractNewRecordState in earlier versions); null where a record lacks them.

``__ts_us`` is when Debezium processed the change, ``__source_ts_us`` when the transaction committed.
"""

RULE_FRAME = "avro.frame"
RULE_DATUM = "avro.datum"
RULE_UNKNOWN = "schema.unknown"
RULE_UNSUPPORTED = "schema.unsupported"
RULE_TOMBSTONE = "tombstone.key"
RULE_RECORD = "record.refused"
"""Decoding, hashing or encoding fails with this record, and does not without it."""
RULE_TEXT = "value.text"
"""Rejects nothing: values that only Parquet cannot hold, so that the archive put their texts into ``__text``."""
RULE_CUT = "value.cut"
"""Rejects nothing: rows without values that were too large or could not be read, which ``__cut`` names."""


class Decoders(Protocol):
    """Where decoders come from: `Registry`."""

    def decoder(self, schema_id: int) -> Decoder:
        """As `Registry.decoder`."""


@dataclass(slots=True)
class Rows:
    """What became of a tile's records: ``frame`` has a row for each that is not in ``undecodable``, in offset order.

    ``texts``: how many values the archive itself put into ``__text``. ``reject_unknown``: see `build`.
    """

    frame: pl.DataFrame
    schema_id: int | None
    undecodable: list[Rejection] = field(default_factory=list)
    texts: int = 0
    reject_unknown: bool = False


def build(
    records: Records, schema_id: int | None, source: Source, decoders: Decoders, reject_unknown: bool = False
) -> Rows:
    """Decode a tile's records.

    Args:
        records: in offset order.
        schema_id: the one schema id of all framed values, or None if there is no framed value.
        reject_unknown: whether records of a schema that the registry does not know are dead letters.

    Raises:
        UnavailableError: the registry cannot answer now.
        UnknownSchemaError: it does not know a schema, and its records are not to be rejected.
    """
    values = records.values
    framed: list[int] | range = range(len(values))
    tombstones: list[int] = []
    bad: list[Rejection] = []
    out = Rows(pl.DataFrame(), schema_id, bad, reject_unknown=reject_unknown)
    if schema_id is None or not all_begin_with(values, frame_of(schema_id)):
        framed, tombstones = [], []
        for i, value in enumerate(values):
            if value is None:
                tombstones.append(i)
            elif schema_of(value) is not None:
                framed.append(i)
            else:
                reason = "the value does not begin with a zero byte and a schema id"
                bad.append(Rejection(records.offsets[i], RULE_FRAME, reason))
    frame = _values(values, framed, records.offsets, schema_id, decoders, out)
    if tombstones:
        frame = _with_tombstones(frame, records, tombstones, decoders, out)
    bad.sort(key=lambda r: r.offset)
    out.frame = _complete(frame, source.partition)
    return out


def _values(
    values: list[Any],
    framed: list[int] | range,
    offsets: list[int],
    schema_id: int | None,
    decoders: Decoders,
    out: Rows,
) -> pl.DataFrame:
    if schema_id is None or not len(framed):
        return pl.DataFrame(schema={OFFSET: pl.Int64})
    whole = len(framed) == len(values)
    try:
        decoder = decoders.decoder(schema_id)
    except (UnknownSchemaError, UnsupportedSchemaError) as error:
        if isinstance(error, UnknownSchemaError) and not out.reject_unknown:
            raise
        rule = RULE_UNKNOWN if isinstance(error, UnknownSchemaError) else RULE_UNSUPPORTED
        out.undecodable += [Rejection(offsets[i], rule, str(error)) for i in framed]
        return pl.DataFrame(schema={OFFSET: pl.Int64})
    decoded = decoder.decode(values if whole else [values[i] for i in framed])
    out.undecodable += [Rejection(offsets[framed[i]], RULE_DATUM, reason) for i, reason in decoded.bad]
    out.texts += decoded.texts
    at = offsets if whole and not decoded.bad else [offsets[framed[i]] for i in decoded.rows]
    return decoded.frame.hstack([pl.Series(OFFSET, at, dtype=pl.Int64)])


def _with_tombstones(
    frame: pl.DataFrame, records: Records, tombstones: list[int], decoders: Decoders, out: Rows
) -> pl.DataFrame:
    """A tombstone has a key alone: what else the table has, as far as this tile's records say it, was not sent."""
    by_schema: dict[int | None, list[int]] = {}
    keys = {i: records.messages[i].key() for i in tombstones}
    for i in tombstones:
        by_schema.setdefault(schema_of(keys[i]), []).append(i)
    columns = [c for c in frame.columns if c not in ADDED]
    for key_schema, at in by_schema.items():
        offsets = [records.offsets[i] for i in at]
        part = Rows(pl.DataFrame(), key_schema, reject_unknown=out.reject_unknown)
        if key_schema is None:
            part.undecodable = [Rejection(o, RULE_TOMBSTONE, "a tombstone without an Avro key") for o in offsets]
        else:
            rows = _values([keys[i] for i in at], range(len(at)), offsets, key_schema, decoders, part)
            unsent = [c for c in columns if c not in rows.columns] or None
            rows = rows.with_columns(
                pl.lit("true").alias("__deleted"),
                pl.lit("d").alias("__op"),
                pl.Series(lossless.UNSENT, [unsent] * rows.height, dtype=lossless.COLUMNS[lossless.UNSENT]),
            )
            try:
                typed = rows.cast({c: t for c, t in frame.schema.items() if c in rows.columns})
                frame = pl.concat([frame, typed], how="diagonal")
            except pl.exceptions.PolarsError:
                reason = "the tombstone's key does not fit the columns of its table"
                part.undecodable = [Rejection(o, RULE_TOMBSTONE, reason) for o in offsets]
        out.undecodable += [Rejection(r.offset, RULE_TOMBSTONE, r.reason) for r in part.undecodable]
        out.texts += part.texts
    return frame.sort(OFFSET)


ADDED: dict[str, Any] = DEBEZIUM_COLUMNS | lossless.COLUMNS | {PARTITION: pl.Int32(), OFFSET: pl.Int64()}
"""What a tile has besides the table's columns, in this order; null where a record lacks it."""


def _complete(frame: pl.DataFrame, partition: int) -> pl.DataFrame:
    """The record's own columns, then those of `ADDED`, each there in every tile."""
    there = set(frame.columns)
    own = [frame.get_column(c) for c in frame.columns if c not in ADDED]
    added = [
        frame.get_column(c)
        if c in there
        else pl.Series(c, [partition if c == PARTITION else None], dtype=t).new_from_index(0, frame.height)
        for c, t in ADDED.items()
    ]
    return pl.DataFrame([*own, *added])  # not select: it takes longer than all of this
