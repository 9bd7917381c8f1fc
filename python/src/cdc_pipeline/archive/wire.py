"""Confluent's wire format: a zero byte and a 4-byte schema id before each Avro datum."""

from __future__ import annotations

from collections.abc import Sequence

FRAME = 5
"""Bytes before the datum."""


def frame_of(schema_id: int) -> bytes:
    """The bytes before each datum of a schema."""
    return b"\0" + schema_id.to_bytes(4, "big")


def schema_of(value: bytes | None) -> int | None:
    """The schema id of a framed value; None of a tombstone or of bytes that have no frame."""
    if value is None or len(value) < FRAME or value[0] != 0:
        return None
    return int.from_bytes(value[1:FRAME], "big")


def all_begin_with(values: Sequence[bytes | None], frame: bytes) -> bool:
    """Whether there is no tombstone among the values and each has this frame, which is the common case."""
    return None not in values and [value[:FRAME] for value in values].count(frame) == len(values)  # type: ignore[index]
