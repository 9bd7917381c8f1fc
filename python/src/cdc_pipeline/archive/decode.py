"""Framed Avro values of one schema id to columns, without a step per record in Python.

The datums, each followed by a marker, are joined behind one Avro container header and read at once. A malformed datum
can swallow a part of its neighbour and still be read, with wrong values in both; it cannot then find its own marker in
its place. So a batch whose markers are not all right, or that makes the reader panic, is halved until the culprits
stand alone. A single datum that fails is given to the strict reader, whose word is final.
"""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from cdc_pipeline.archive import columns
from cdc_pipeline.archive.avro_schema import SYNC, Node, container_header, mark_field, resolve
from cdc_pipeline.archive.errors import MalformedError, survivable
from cdc_pipeline.archive.fallback import SlowReader
from cdc_pipeline.archive.lossless import COLUMNS
from cdc_pipeline.archive.wire import FRAME

# Another marker in every process, so that no stored datum can contain it on purpose. 0x3f..: a finite double.
MARK = os.urandom(6) + b"\xe5\x3f"
MARK_VALUE = struct.unpack("<d", MARK)[0]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Rows and what is none. ``rows[i]`` is the index, in what was given, of row i; ``bad`` are (index, reason).

    ``texts``: how many values are null in their columns and texts in ``__text`` that the record had otherwise.
    """

    frame: pl.DataFrame
    rows: list[int] | range
    bad: list[tuple[int, str]] = field(default_factory=list)
    texts: int = 0


class Decoder:
    """Reads the values of one writer schema.

    Args:
        schema: the schema as the registry has it, parsed.
        references: the schemas it refers to, by full name.

    Raises:
        UnsupportedSchemaError: see `resolve`.
    """

    def __init__(self, schema: Any, references: dict[str, Any] | None = None) -> None:
        self.node: Node = resolve(schema, references)
        self.columnar = not self.node.odd
        self.columns = len(self.node.fields)
        self.as_objects = self.node.odd or _has_map(self.node)
        """Whether values become Python objects on their way, which take much more memory."""
        self._table = columns.Table(self.node)
        self._mark = mark_field(self.node)
        self._header = container_header(self.node) if self.columnar else b""
        self._slow = SlowReader(schema, references or {}, self.node)

    def decode(self, values: list[bytes]) -> Decoded:
        """Rows of framed values, which must all carry this decoder's schema id."""
        try:
            frame, texts = self._batch(values)
            return Decoded(frame, range(len(values)), texts=texts)
        except BaseException as error:
            _reraise_if_not_of_a_reader(error)
        return self._halve(values)

    def empty(self) -> pl.DataFrame:
        """No rows, with the columns of the schema."""
        return pl.DataFrame(schema=self._table.schema)

    def _batch(self, values: list[bytes]) -> tuple[pl.DataFrame, int]:
        datums = [value[FRAME:] for value in values]
        raw = self._columnar(datums) if self.columnar else self._slow.read(datums)
        return self._table.frame(raw)

    def _columnar(self, datums: list[bytes]) -> pl.DataFrame:
        """The datums, which are taken out of the list."""
        count = len(datums)
        size = sum(map(len, datums)) + count * len(MARK)
        # Joined once: with large values, every copy counts.
        datums[0] = b"".join((self._header, zigzag(count), zigzag(size), datums[0]))
        datums.append(SYNC)
        block = io.BytesIO(MARK.join(datums))
        datums.clear()
        raw = pl.read_avro(block)
        marks = raw.get_column(self._mark)
        # min and max of a column without NaN and null: one pass each, no temporary column.
        right = raw.height == count and marks.min() == MARK_VALUE == marks.max() and not marks.is_nan().any()
        if not right:
            raise MalformedError("markers are out of place")
        return raw

    def _halve(self, values: list[bytes]) -> Decoded:
        frames: list[pl.DataFrame] = []
        rows: list[int] = []
        bad: list[tuple[int, str]] = []
        texts = 0
        parts = [(0, len(values))] if len(values) == 1 else _halves(0, len(values))
        while parts:
            begin, end = parts.pop()
            try:
                frame, count = self._batch(values[begin:end])
            except BaseException as error:
                _reraise_if_not_of_a_reader(error)
                if end - begin > 1:
                    parts += _halves(begin, end)
                    continue
                row_or_reason = self._single(values[begin], error)
                if isinstance(row_or_reason, str):
                    bad.append((begin, row_or_reason))
                    continue
                frame, count = row_or_reason
            texts += count
            frames.append(frame)
            rows.extend(range(begin, end))
        # Not every part need have texts, so not each has the column for them.
        return Decoded(pl.concat(frames, how="diagonal") if frames else self.empty(), rows, bad, texts)

    def _single(self, value: bytes, error: BaseException) -> tuple[pl.DataFrame, int] | str:
        if not self.columnar:
            return _reason(error)
        try:
            return self._table.frame(self._slow.read([value[FRAME:]]))
        except BaseException as second:
            _reraise_if_not_of_a_reader(second)
            return _reason(second)


def _has_map(node: Node) -> bool:
    """Whether a value below is a map. Those of the archive's own columns (`lossless`) are short."""
    parts = [part for name, part in node.fields if name not in COLUMNS]
    below = [*parts, *([node.items] if node.items else [])]
    return node.kind == "map" or any(map(_has_map, below))


def _halves(begin: int, end: int) -> list[tuple[int, int]]:
    """Both halves; the left one last, since it is taken first and rows come out in order."""
    middle = (begin + end) // 2
    return [(middle, end), (begin, middle)]


def _reraise_if_not_of_a_reader(error: BaseException) -> None:
    if isinstance(error, MemoryError) or not survivable(error):
        raise error


def _reason(error: BaseException) -> str:
    if isinstance(error, MalformedError):
        return str(error)
    return f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}"


def zigzag(n: int) -> bytes:
    """Avro's variable-length long of a count."""
    n <<= 1
    out = bytearray()
    while n > 0x7F:
        out.append((n & 0x7F) | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)
