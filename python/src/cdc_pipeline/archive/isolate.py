"""Finds the records with which something fails, by trying halves."""

from __future__ import annotations

from collections.abc import Callable

from cdc_pipeline.archive.errors import blames_records, said

MANY = 10
"""So many records that all fail are not to blame: what handles them is."""


def culprits(count: int, trial: Callable[[int, int], object]) -> dict[int, str]:
    """Which of ``count`` records make ``trial(begin, end)`` fail when they are alone, and with what.

    Raises:
        BaseException: what ``trial`` raises and no record is to blame for.
    """
    found: dict[int, str] = {}
    parts = _halves(0, count) if count > 1 else [(0, count)]
    while parts:
        begin, end = parts.pop()
        try:
            trial(begin, end)
        except BaseException as error:
            if not blames_records(error):
                raise
            if end - begin > 1:
                parts += _halves(begin, end)
            else:
                found[begin] = said(error)
    return found


def _halves(begin: int, end: int) -> list[tuple[int, int]]:
    middle = (begin + end) // 2
    return [(middle, end), (begin, middle)]
