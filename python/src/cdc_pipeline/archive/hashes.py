"""Hashes of what a tile holds, defined so that any program can recompute them from the object: see the README.

That of the rows is one of their values, whatever file they are in and however it is encoded.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl


def of_offsets(offsets: Sequence[int]) -> str:
    """SHA-256 of the offsets as 8-byte little-endian integers, in hex."""
    return hashlib.sha256(struct.pack(f"<{len(offsets)}q", *offsets)).hexdigest()


def of_pages(body: bytes) -> str:
    """SHA-256 of a Parquet file's bytes between its leading magic and its metadata, in hex."""
    size = struct.unpack("<I", body[-8:-4])[0]
    return hashlib.sha256(memoryview(body)[4 : len(body) - 8 - size]).hexdigest()


def of_rows(frame: pl.DataFrame) -> str:
    """SHA-256 of the values of all columns, in hex; neither their order counts nor columns without a value."""
    digest = hashlib.sha256()
    for part in _columns(frame, skip_empty=True):
        digest.update(part)
    return digest.hexdigest()


def _columns(frame: pl.DataFrame, skip_empty: bool) -> Iterator[bytes | memoryview]:
    """The bytes of columns, in the order of their names."""
    names = sorted(frame.columns, key=str.encode)
    kept = [frame.get_column(name) for name in names]
    if skip_empty:
        kept = [column for column in kept if column.null_count() < len(column)]
    flat = _flat([column for column in kept if not column.dtype.is_nested()], frame.height)
    for column in kept:
        yield column.name.encode() + b"\0"
        yield _presence(column)
        yield from flat.pop(column.name) if column.name in flat else _nested(column)


def _presence(column: pl.Series) -> bytes:
    if not column.null_count():
        return b"\1" * len(column)
    return bytes(column.is_not_null().cast(pl.UInt8).to_list())


def _nested(column: pl.Series) -> Iterator[bytes | memoryview]:
    if isinstance(column.dtype, pl.Struct):
        yield b"r"
        yield from _columns(column.struct.unnest(), skip_empty=False)
        return
    if isinstance(column.dtype, pl.Map):
        entry = {"key": column.dtype.key, "value": column.dtype.value}
        column = column.cast(pl.List(pl.Struct(entry)))
    lengths = column.list.len().fill_null(0)
    yield b"l"
    yield struct.pack(f"<{len(lengths)}q", *lengths.to_list())
    items = column.filter(lengths > 0).explode().alias("")
    yield from _columns(items.to_frame(), skip_empty=False)


def _flat(columns: list[pl.Series], height: int) -> dict[str, tuple[bytes | memoryview, ...]]:
    """The bytes of columns that are not nested, all made at once, since a step of Polars costs more than its values."""
    if not columns:
        return {}
    steps = [_step(column) for column in columns]
    frame = pl.DataFrame([column.alias(str(i)) for i, column in enumerate(columns)])
    frame = frame.select(step(pl.col(str(i))) for i, (_, step, _) in enumerate(steps)).rechunk()
    buffers = _buffers(frame)
    out = {}
    for column, (kind, _, width) in zip(columns, steps, strict=True):
        next(buffers)  # which are null: none any more
        if width:
            out[column.name] = (kind, _first(next(buffers), width * height))
        else:
            offsets = _first(next(buffers), 8 * (height + 1)) if height else bytes(8)
            out[column.name] = (kind, offsets, _first(next(buffers), struct.unpack("<q", offsets[-8:])[0]))
    return out


def _first(buffer: memoryview, size: int) -> memoryview:
    if len(buffer) < size:
        raise RuntimeError(f"Polars made a buffer of {len(buffer)} bytes, not {size}: are there several batches?")
    return buffer[:size]


def _step(column: pl.Series) -> tuple[bytes, Any, int]:
    """A column's kind, the step that makes its values plain ones without nulls, and their width; 0: of their own."""
    kind = column.dtype
    if kind == pl.Boolean:
        return b"b", lambda c: c.cast(pl.UInt8).fill_null(0), 1
    if kind.is_float():
        return b"f", lambda c: c.cast(pl.Float64).fill_null(0.0).fill_nan(float("nan")), 8
    if isinstance(kind, pl.Decimal):
        return b"d" + bytes([kind.scale]), lambda c: c.fill_null(0), 16
    if kind in (pl.String, pl.Binary):
        return b"s", lambda c: c.cast(pl.Binary).fill_null(b""), 0
    if isinstance(kind, pl.Datetime) and kind.time_unit != "us":
        raise ValueError(f"{column.name} is of {kind}, which no tile has")
    return b"i", lambda c: c.cast(pl.Int64).fill_null(0), 8


def _buffers(frame: pl.DataFrame) -> Iterator[memoryview]:
    """The buffers of a frame of one chunk, as they lie in an Arrow stream (its columnar format, "IPC Streaming")."""
    out = io.BytesIO()
    # Without the newest types, whose strings lie in no order.
    frame.write_ipc_stream(out, compression="uncompressed", compat_level=pl.CompatLevel.oldest())
    stream = out.getbuffer()
    # Two messages, the schema and the batch: each a mark, its size, itself. The buffers are behind the second.
    batch = 8 + struct.unpack_from("<i", stream, 4)[0]
    body = batch + 8 + struct.unpack_from("<i", stream, batch + 4)[0]
    message = stream[batch + 8 : body]
    header = _field(message, struct.unpack_from("<I", message)[0], 2)
    listed = _field(message, header, 2)
    (count,) = struct.unpack_from("<I", message, listed)
    for i in range(count):
        at, size = struct.unpack_from("<qq", message, listed + 4 + 16 * i)
        yield stream[body + at : body + at + size]


def _field(message: memoryview, table: int, index: int) -> int:
    """Where the table or vector lies to which a field of a flatbuffer's table refers."""
    fields = table - struct.unpack_from("<i", message, table)[0]
    at = table + struct.unpack_from("<H", message, fields + 4 + 2 * index)[0]
    return at + struct.unpack_from("<I", message, at)[0]
