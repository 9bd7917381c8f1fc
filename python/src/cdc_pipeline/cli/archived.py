"""How many rows of a table are in the archive, and when the last of them changed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from cdc_pipeline.archive.tile import parse
from cdc_pipeline.instance.objects import Object

# Of objects whose names do not tell which one is a partition's last.
_NEWEST = 8
_TIMES = ("__source_ts_us", "__ts_us")


@dataclass(frozen=True)
class Archived:
    """``last_change``: its commit in PostgreSQL, in seconds since the epoch; None where there is none."""

    rows: int
    objects: int
    last_change: float | None


def newest(objects: Iterable[Object]) -> list[Object]:
    """The last object of each partition, or the last few written where names do not tell."""
    last: dict[tuple[str, int], tuple[int, Object]] = {}
    others: list[Object] = []
    for each in objects:
        found = parse(each.key)
        if found is None:
            others.append(each)
            continue
        source, start = found
        at = (source.topic_id, source.partition)
        if at not in last or last[at][0] < start:
            last[at] = (start, each)
    others.sort(key=lambda each: each.modified)
    return [each for _start, each in last.values()] + others[-_NEWEST:]


def last_change(objects: Iterable[Object], fetch: Callable[[Object], bytes]) -> float | None:
    """The latest commit in some objects, in seconds since the epoch. A snapshot's rows may have none of their own."""
    latest: int | None = None
    for each in objects:
        body = io.BytesIO(fetch(each))
        names = [name for name in _TIMES if name in pl.read_parquet_schema(body)]
        if names:
            body.seek(0)
            frame = pl.read_parquet(body, columns=names)
            value = frame.select(pl.coalesce(names).max()).item()
            latest = value if latest is None or (value is not None and value > latest) else latest
    return None if latest is None else latest / 1e6
