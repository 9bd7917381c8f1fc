"""The records of a tile as rows: values decoded, foreign tombstones as key-only rows, the archive's columns added."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

from cdc_pipeline.archive.decode import Decoder
from cdc_pipeline.archive.errors import UnknownSchemaError, UnsupportedSchemaError
from cdc_pipeline.archive.planner import Records, schema_of
from cdc_pipeline.archive.tile import Rejection, Source

DEBEZIUM_COLUMNS: dict[str, Any] = {
    "__deleted": pl.String(),
    "__op": pl.String(),
    "__lsn": pl.Int64(),
    "__txId": pl.Int64(),
    "__ts_us": pl.Int64(),
    "__source_ts_us": pl.Int64(),
}
"""Added by ExtractNewRecordState (``add.fields=op,lsn,txId,ts_us,source.ts_us``); null where a record lacks them.

``__ts_us`` is when Debezium processed the change, ``__source_ts_us`` when the transaction committed.
"""

PARTITION, OFFSET = "__partition", "__offset"

RULE_FRAME = "avro.frame"
RULE_DATUM = "avro.datum"
RULE_UNKNOWN = "schema.unknown"
RULE_UNSUPPORTED = "schema.unsupported"
RULE_TOMBSTONE = "tombstone.key"


class Decoders(Protocol):
    """Where decoders come from: `Registry`."""

    def decoder(self, schema_id: int) -> Decoder:
        """As `Registry.decoder`."""


@dataclass(slots=True)
class Rows:
    """What became of a tile's records: ``frame`` has a row for each that is not in ``undecodable``, in offset order."""

    frame: pl.DataFrame
    schema_id: int | None
    undecodable: list[Rejection] = field(default_factory=list)


def build(records: Records, schema_id: int | None, source: Source, decoders: Decoders) -> Rows:
    """Decode a tile's records.

    Args:
        records: in offset order.
        schema_id: the one schema id of all framed values, or None if there is no framed value.

    Raises:
        UnavailableError: the registry cannot answer now.
    """
    values = records.values
    framed: list[int] | range = range(len(values))
    tombstones: list[int] = []
    bad: list[Rejection] = []
    frame_head = None if schema_id is None else b"\0" + schema_id.to_bytes(4, "big")
    if frame_head is None or None in values or [v[:5] for v in values].count(frame_head) < len(values):  # type: ignore[index]
        framed, tombstones = [], []
        for i, value in enumerate(values):
            if value is None:
                tombstones.append(i)
            elif schema_of(value) is not None:
                framed.append(i)
            else:
                reason = "the value does not begin with a zero byte and a schema id"
                bad.append(Rejection(records.offsets[i], RULE_FRAME, reason))
    frame = _values(values, framed, records.offsets, schema_id, decoders, bad)
    if tombstones:
        frame = _with_tombstones(frame, records, tombstones, decoders, bad)
    bad.sort(key=lambda r: r.offset)
    return Rows(_complete(frame, source.partition), schema_id, bad)


def _values(
    values: list[Any],
    framed: list[int] | range,
    offsets: list[int],
    schema_id: int | None,
    decoders: Decoders,
    bad: list[Rejection],
) -> pl.DataFrame:
    if schema_id is None or not len(framed):
        return pl.DataFrame(schema={OFFSET: pl.Int64})
    whole = len(framed) == len(values)
    try:
        decoder = decoders.decoder(schema_id)
    except (UnknownSchemaError, UnsupportedSchemaError) as error:
        rule = RULE_UNKNOWN if isinstance(error, UnknownSchemaError) else RULE_UNSUPPORTED
        bad += [Rejection(offsets[i], rule, str(error)) for i in framed]
        return pl.DataFrame(schema={OFFSET: pl.Int64})
    decoded = decoder.decode(values if whole else [values[i] for i in framed])
    bad += [Rejection(offsets[framed[i]], RULE_DATUM, reason) for i, reason in decoded.bad]
    at = offsets if whole and not decoded.bad else [offsets[framed[i]] for i in decoded.rows]
    return decoded.frame.with_columns(pl.Series(OFFSET, at, dtype=pl.Int64))


def _with_tombstones(
    frame: pl.DataFrame, records: Records, tombstones: list[int], decoders: Decoders, bad: list[Rejection]
) -> pl.DataFrame:
    by_schema: dict[int | None, list[int]] = {}
    keys = {i: records.messages[i].key() for i in tombstones}
    for i in tombstones:
        by_schema.setdefault(schema_of(keys[i]), []).append(i)
    for key_schema, at in by_schema.items():
        offsets = [records.offsets[i] for i in at]
        part: list[Rejection] = []
        if key_schema is None:
            part = [Rejection(o, RULE_TOMBSTONE, "a tombstone without an Avro key") for o in offsets]
        else:
            rows = _values([keys[i] for i in at], range(len(at)), offsets, key_schema, decoders, part)
            rows = rows.with_columns(pl.lit("true").alias("__deleted"), pl.lit("d").alias("__op"))
            try:
                typed = rows.cast({c: t for c, t in frame.schema.items() if c in rows.columns})
                frame = pl.concat([frame, typed], how="diagonal")
            except pl.exceptions.PolarsError:
                reason = "the tombstone's key does not fit the columns of its table"
                part = [Rejection(o, RULE_TOMBSTONE, reason) for o in offsets]
        bad += [Rejection(r.offset, RULE_TOMBSTONE, r.reason) for r in part]
    return frame.sort(OFFSET)


def _complete(frame: pl.DataFrame, partition: int) -> pl.DataFrame:
    """The record's own columns, then Debezium's, then partition and offset, each there in every tile."""
    own = [c for c in frame.columns if c not in DEBEZIUM_COLUMNS and c != OFFSET]
    debezium = [
        pl.col(c) if c in frame.columns else pl.lit(None, dtype=t).alias(c) for c, t in DEBEZIUM_COLUMNS.items()
    ]
    position = [pl.lit(partition, dtype=pl.Int32).alias(PARTITION), pl.col(OFFSET)]
    return frame.select(*(pl.col(c) for c in own), *debezium, *position)
