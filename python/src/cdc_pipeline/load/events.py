"""Finds the number of a change in its event, without reading the rest of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

FRAME = 5
# Avro writes these as zigzag integers.
_NUMBERS = {"int", "long"}


def leading_numbers(schema: dict[str, Any], names: tuple[str, ...]) -> list[int] | None:
    """How a record's first fields are read, which are integers of these names, in this order.

    Returns:
        Of each field the branch of its union that is the integer, as the integer before it says; -1 where it is no
        union, and no integer is before it. None where the fields are others.
    """
    fields = schema.get("fields", [])[: len(names)]
    if [field["name"] for field in fields] != list(names):
        return None
    branches = [_branch(field["type"]) for field in fields]
    return None if None in branches else branches


def _branch(kind: Any) -> int | None:
    kinds = kind if isinstance(kind, list) else [kind]
    plain = [each.get("type") if isinstance(each, dict) else each for each in kinds]
    found = [at for at, each in enumerate(plain) if isinstance(each, str) and each in _NUMBERS]
    if len(found) != 1 or set(plain) - _NUMBERS - {"null"}:
        return None
    return found[0] if isinstance(kind, list) else -1


def read_numbers(data: bytes, branches: list[int], at: int = FRAME) -> list[int]:
    """The leading integers, from ``at`` on.

    Args:
        branches: as `leading_numbers` gives them.

    Raises:
        IndexError: the data ends before.
        ValueError: one is null.
    """
    found = []
    for branch in branches:
        if branch >= 0:
            # A union has few branches: one byte says which.
            if data[at] != branch << 1:
                raise ValueError("a number of the load table is null")
            at += 1
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
        self._known: dict[bytes, list[int]] = {}

    def __call__(self, value: bytes) -> tuple[int, int]:
        """
        Raises:
            ValueError: the event is not one of the load table.
        """
        frame = value[:FRAME]
        branches = self._known.get(frame)
        if branches is None:
            schema = json.loads(self._fetch(int.from_bytes(frame[1:], "big")))
            branches = leading_numbers(schema, ("run", "id", "seq")) if frame[:1] == b"\0" else None
            if branches is None:
                raise ValueError("the load table does not begin with the columns run, id, seq: recreate it")
            self._known[frame] = branches
        run, _, seq = read_numbers(value, branches)
        return run, seq
