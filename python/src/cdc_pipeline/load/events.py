"""Finds the number of a change in its event, without reading the rest of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

FRAME = 5
# Avro writes these as zigzag integers without a word before them.
_NUMBERS = {"int", "long"}


def leading_numbers(schema: dict[str, Any], names: tuple[str, ...]) -> bool:
    """Whether a record's first fields are plain integers of these names, in this order."""
    fields = schema.get("fields", [])[: len(names)]
    kinds = [field["type"]["type"] if isinstance(field["type"], dict) else field["type"] for field in fields]
    return [field["name"] for field in fields] == list(names) and all(
        isinstance(kind, str) and kind in _NUMBERS for kind in kinds
    )


def read_numbers(data: bytes, count: int, at: int = FRAME) -> list[int]:
    """The first ``count`` zigzag integers from ``at`` on.

    Raises:
        IndexError: the data ends before.
    """
    found = []
    for _ in range(count):
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        found.append((value >> 1) ^ -(value & 1))
    return found


class Reader:
    """Gives run and seq of an event.

    Args:
        fetch: the text of the schema of an id.
    """

    def __init__(self, fetch: Callable[[int], str]) -> None:
        self._fetch = fetch
        self._checked: set[bytes] = set()

    def __call__(self, value: bytes) -> tuple[int, int]:
        """
        Raises:
            ValueError: the event is not one of the load table.
        """
        frame = value[:FRAME]
        if frame not in self._checked:
            schema = json.loads(self._fetch(int.from_bytes(frame[1:], "big")))
            if frame[:1] != b"\0" or not leading_numbers(schema, ("run", "id", "seq")):
                raise ValueError("the load table does not begin with the columns run, id, seq: make it anew")
            self._checked.add(frame)
        run, _, seq = read_numbers(value, 3)
        return run, seq
