"""One budget of bytes for the whole process: what each part may take, so that the sum stays below the memory limit.

Deciding only. The sizes are what the parts were measured to take at most; `python/tests/archive/test_memory.py` runs
the service within a bound and prints what it took.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20

BASE = 168 * MIB
"""The interpreter, its libraries, their threads, and what allocators keep to themselves."""
COPIES = 6
"""How many times the bytes of its records a tile takes while it is decoded, hashed, encoded and sent, at most."""
COPIES_AS_OBJECTS = 20
"""The same where values become Python objects: maps, and schemas that the columnar reader cannot take."""
TILE = 2 * MIB
"""What any tile takes, whatever its size."""
CELL = 48
"""What a value takes besides its bytes: its place in columns, offsets and masks, in several copies."""
UNKNOWN_COLUMNS = 100
"""Columns that a schema is taken to have until it is known."""

FETCH_RESPONSE = 256 << 10
FETCH_PARTITION = 128 << 10
"""What a broker is asked for at once. Batches are compressed: what comes out of them may be many times as much."""
QUEUED_RECORDS = 20_000
"""Records that librdkafka fetches ahead; each takes some 400 bytes besides its own."""
RECORD = 600
"""Bytes of a buffered record besides its value, key and headers: the Message object, list slots, allocation."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Bytes by what takes them. The sum is at most the process's limit.

    Attributes:
        base: see `BASE`.
        fetch: librdkafka's queue and the responses that are on their way into it.
        fetch_queue: of ``fetch``, where librdkafka stops to fetch ahead.
        taken: what one reading may bring beyond ``buffer``.
        buffer: records read and not yet archived, with keys, headers and the objects around them.
        work: tiles that are decoded and encoded, and encoded ones that are not yet written.
        letters: copies of dead letters on their way.
        tile: a tile is cut before its records would have more bytes, unless it is one record.
    """

    base: int
    fetch: int
    fetch_queue: int
    taken: int
    buffer: int
    work: int
    letters: int
    tile: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.base + self.fetch + self.taken + self.buffer + self.work + self.letters


def plan(
    limit: int,
    row: int,
    brokers: int = 1,
    fetch_queue: int | None = None,
    buffer: int | None = None,
    tile: int | None = None,
) -> Budget:
    """Divide a limit.

    Args:
        limit: what the process may take.
        row: the largest record.
        brokers: how many may answer at once, each with one batch that is larger than what it was asked for.
        fetch_queue, buffer, tile: as `Budget` has them, where they are given.

    Returns:
        A budget; its ``total`` is above the limit if that is too small for what must be there.
    """
    fetch_queue = _within(limit // 32, 4 * MIB, 32 * MIB) if fetch_queue is None else fetch_queue
    fetch = fetch_queue + QUEUED_RECORDS * 400 + (brokers + 1) * row
    taken = fetch_queue + row
    letters = letters_of(row)
    rest = limit - BASE - fetch - taken - letters
    largest = cost(max(row, tile or 0), 1, UNKNOWN_COLUMNS)
    spare = max(0, rest - largest)
    if buffer is None:
        buffer = max(MIB, spare // 2)
    work = max(largest, rest - buffer)
    if tile is None:
        tile = _within(work // (2 * COPIES), 1 << 16, 64 * MIB)
    return Budget(BASE, fetch, fetch_queue, taken, buffer, work, letters, tile)


def letters_of(row: int) -> int:
    """How much of dead letters may be on the way at once: at least the largest, with its headers."""
    return max(2 * row, 4 * MIB)


def cost(size: int, records: int, columns: int | None = None, as_objects: bool = False) -> int:
    """What a tile is taken to need while it is worked on, besides its records themselves.

    Args:
        size: of the records' values, keys and headers.
        columns: of their schema, with the archive's own; None: not known yet.
        as_objects: see `COPIES_AS_OBJECTS`.
    """
    cells = records * (UNKNOWN_COLUMNS if columns is None else columns)
    return TILE + size * (COPIES_AS_OBJECTS if as_objects else COPIES) + cells * CELL


def written(body: int) -> int:
    """What an encoded tile takes until it is written: itself, and the client's copy while it is sent."""
    return 2 * body


def admits(needed: int, used: int, work: int) -> bool:
    """Whether a tile may be begun beside what is in work. One that is larger than all there is runs alone."""
    return used == 0 or used + needed <= work


def problems(budget: Budget, limit: int, row: int, given: dict[str, int]) -> list[str]:
    """What is wrong with it, in words that name the settings.

    Args:
        given: the parts that were set by name, such as ``memory.buffer_bytes``.
    """
    if budget.total <= limit:
        return []
    parts = {
        "the program itself": budget.base,
        "fetching": budget.fetch,
        "one reading": budget.taken,
        "buffered records": budget.buffer,
        "the largest tile in work": budget.work,
        "dead letters": budget.letters,
    }
    said = ", ".join(f"{name} {_mib(size)}" for name, size in parts.items())
    lower = [f"max_row_bytes ({row})", *(f"{name} ({size})" for name, size in given.items())]
    return [
        f"memory.limit_bytes: {limit} is too little: {budget.total} are needed ({said}). Raise the process's memory "
        f"limit, or lower {' or '.join(lower)}"
    ]


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB"


def _within(value: int, least: int, most: int) -> int:
    return max(least, min(most, value))
