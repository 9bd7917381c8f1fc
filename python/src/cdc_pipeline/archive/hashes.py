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

BATCH = 200_000
"""Values that Polars (2.1) writes as one batch; it divides by 262,144."""
AT_ONCE = 8 << 20
"""Bytes of columns that are copied at a time to be hashed."""


def of_offsets(offsets: Sequence[int]) -> str:
    """SHA-256 of the offsets as 8-byte little-endian integers, in hex."""
    return hashlib.sha256(struct.pack(f"<{len(offsets)}q", *offsets)).hexdigest()


def of_pages(body: bytes | memoryview) -> str:
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
    columns = [frame.get_column(name) for name in sorted(frame.columns, key=str.encode)]
    if skip_empty:
        columns = [column for column in columns if column.null_count() < len(column)]
    for some in _groups(columns):
        nulls, flat = _flat(some)
        for i, column in enumerate(some):
            yield column.name.encode() + b"\0"
            if i in nulls:
                yield b"\1"
                yield from nulls[i]
            else:
                yield b"\0"
            yield from flat[i] if i in flat else _nested(column)


def _groups(columns: list[pl.Series]) -> Iterator[list[pl.Series]]:
    """The columns, as many at a time as may be copied at once."""
    some: list[pl.Series] = []
    size = 0
    for column in columns:
        more = int(column.estimated_size())
        if some and size + more > AT_ONCE:
            yield some
            some, size = [], 0
        some.append(column)
        size += more
    yield some


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
    items = column.filter(lengths > 0).explode().alias("item")
    yield from _columns(items.to_frame(), skip_empty=False)


Parts = tuple[bytes | memoryview, ...]


def _flat(columns: list[pl.Series]) -> tuple[dict[int, Parts], dict[int, Parts]]:
    """By index: which values are there, of columns that have nulls; the bytes of the values, of columns not nested."""
    if not columns:
        return {}, {}
    nulls = [i for i, column in enumerate(columns) if column.null_count()]
    height = len(columns[0])
    there, flat = _batch([column.slice(0, BATCH) for column in columns] if height > BATCH else columns, nulls)
    # The items of lists may be many more than rows.
    for begin in range(BATCH, height, BATCH):
        more_there, more = _batch([column.slice(begin, BATCH) for column in columns], nulls)
        there = {i: (*parts, *more_there[i]) for i, parts in there.items()}
        flat = {i: _joined(parts, more[i]) for i, parts in flat.items()}
    return there, flat


def _joined(first: Parts, then: Parts) -> Parts:
    """The values of one column after those of another; of both, what stands before them is the same."""
    if first[0] != b"s":
        return (*first, *then[1:])
    before = struct.unpack("<q", first[1][-8:])[0]
    ends = struct.unpack(f"<{len(then[1]) // 8}q", then[1])[1:]
    offsets = bytes(first[1]) + struct.pack(f"<{len(ends)}q", *[before + end for end in ends])
    return (b"s", offsets, *first[2:], then[2])


def _batch(columns: list[pl.Series], nulls: list[int]) -> tuple[dict[int, Parts], dict[int, Parts]]:
    """As `_flat`, of so few values that Polars makes one batch of them. ``nulls``: columns to say which are there.

    All are made at once, since a step of Polars costs more than the values of a thousand rows.
    """
    height = len(columns[0])
    kinds = {i: _kind(column) for i, column in enumerate(columns) if not column.dtype.is_nested()}
    changed = set(nulls) | {i for i, (kind, _) in kinds.items() if kind == b"b"}
    steps = []
    for i in sorted(changed):
        value = pl.col(columns[i].name)
        if i in nulls:
            steps.append(value.is_not_null().cast(pl.UInt8).name.suffix(_IS_THERE))
        if i in kinds:
            steps.append(_plain(value, kinds[i][0], columns[i].dtype))
    made = pl.DataFrame([columns[i] for i in changed]).select(steps) if steps else pl.DataFrame()
    values = [made.get_column(columns[i].name) if i in changed else columns[i] for i in kinds]
    frame = pl.DataFrame([*values, *(made.get_column(columns[i].name + _IS_THERE) for i in nulls)])
    buffers = _buffers(frame.rechunk())
    flat: dict[int, Parts] = {}
    for i, (kind, width) in kinds.items():
        next(buffers)  # which are null: none any more
        if width:
            flat[i] = (kind, _first(next(buffers), width * height))
        else:
            offsets = _first(next(buffers), 8 * (height + 1)) if height else bytes(8)
            flat[i] = (kind, offsets, _first(next(buffers), struct.unpack("<q", offsets[-8:])[0]))
    there = {}
    for i in nulls:
        next(buffers)
        there[i] = (_first(next(buffers), height),)
    return there, flat


def _first(buffer: memoryview, size: int) -> memoryview:
    if len(buffer) < size:
        raise RuntimeError(f"Polars made a buffer of {len(buffer)} bytes, not {size}: are there several batches?")
    return buffer[:size]


def _plain(value: pl.Expr, kind: bytes, dtype: Any) -> pl.Expr:
    """Values of which a null one is 0 or nothing, and a boolean a byte."""
    if kind == b"b":
        return value.cast(pl.UInt8).fill_null(0)
    if kind[:1] == b"i":
        return value.to_physical().fill_null(0)
    return value.fill_null(b"" if dtype == pl.Binary else _NOTHING[kind[:1]])


_IS_THERE = "\0"
"""Behind a column's name, which cannot have it."""
_NOTHING: dict[bytes, Any] = {b"f": 0.0, b"d": 0, b"s": ""}
_WIDTHS: dict[Any, tuple[bytes, int]] = {
    pl.Boolean: (b"b", 1),
    pl.Int32: (b"i", 4),
    pl.Date: (b"i", 4),
    pl.Int64: (b"i", 8),
    pl.Time: (b"i", 8),
    pl.Datetime("us"): (b"i", 8),
    pl.Datetime("us", "UTC"): (b"i", 8),
    pl.Float32: (b"f", 4),
    pl.Float64: (b"f", 8),
    pl.String: (b"s", 0),
    pl.Binary: (b"s", 0),
}


def _kind(column: pl.Series) -> tuple[bytes, int]:
    """What stands before a column's values, and their width in bytes; 0: each has its own."""
    if isinstance(column.dtype, pl.Decimal):
        return b"d" + bytes([column.dtype.scale]), 16
    kind, width = _WIDTHS[column.dtype]
    return (kind + bytes([width]) if kind in (b"i", b"f") else kind), width


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
