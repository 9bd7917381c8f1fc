"""A tile's bytes: Parquet with the footer of `tile` in its key-value metadata."""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import replace

import polars as pl

from cdc_pipeline.archive import hashes
from cdc_pipeline.archive.tile import FOOTER_KEY, Footer

MAGIC = b"PAR1"
_TO_COME = hashlib.sha256(b"the hash of the data pages").hexdigest()
GROUP = 8 << 20
"""Bytes of values that are encoded at a time."""
TAIL = 64 << 10
"""Bytes from an object's end that hold nearly every footer, so that one request reads it."""


def encode(frame: pl.DataFrame, footer: Footer) -> bytes:
    """The object, whose footer says the hash of its data pages. zstd at level 1: half of lz4's size."""
    if footer.seen is not None:
        footer = replace(footer, seen=replace(footer.seen, pages_hash=_TO_COME))
    out = io.BytesIO()
    frame.write_parquet(
        out,
        compression="zstd",
        compression_level=1,
        row_group_size=_rows_of_a_group(frame),
        metadata={FOOTER_KEY: footer.to_json()},
    )
    if footer.seen is not None:
        # Pages come first, so their hash is known only now; what stands for it has its length.
        with out.getbuffer() as body:
            needed = tail_needed(body[-8:])
            at = bytes(body[-needed:]).rindex(_TO_COME.encode()) + len(body) - needed
            body[at : at + len(_TO_COME)] = hashes.of_pages(body).encode()
    return out.getvalue()


def _rows_of_a_group(frame: pl.DataFrame) -> int | None:
    """So many that a group's values are no more than `GROUP`; None: all rows."""
    size = frame.estimated_size()
    return None if size <= GROUP else max(1, frame.height * GROUP // size)


def tail_needed(tail: bytes | memoryview) -> int:
    """How many bytes from the object's end hold its metadata, given at least its last 8.

    Raises:
        ValueError: the bytes are not the end of a Parquet object.
    """
    if len(tail) < 8 or tail[-4:] != MAGIC:
        raise ValueError("the object does not end as Parquet does")
    return struct.unpack("<I", tail[-8:-4])[0] + 8


def decode_footer(tail: bytes) -> Footer:
    """The footer in the last bytes of an object, at least `tail_needed` of them.

    Raises:
        ValueError: there is none.
    """
    needed = tail_needed(tail)
    if needed > len(tail):
        raise ValueError(f"the metadata takes {needed} bytes, {len(tail)} are there")
    # The reader wants a whole file; the metadata alone behind a magic number is one to it.
    metadata = pl.read_parquet_metadata(io.BytesIO(MAGIC + tail[-needed:]))
    if FOOTER_KEY not in metadata:
        raise ValueError(f"the object has no {FOOTER_KEY} entry, so it is not a tile")
    return Footer.from_json(metadata[FOOTER_KEY])
