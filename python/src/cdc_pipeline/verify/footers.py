"""Reads the footers of the archive's tiles, remembering those of earlier runs."""

from __future__ import annotations

import contextlib
import io
import sqlite3
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import obstore
import polars as pl
from obstore.store import S3Store

from cdc_pipeline.archive import hashes, parquet
from cdc_pipeline.archive.tile import FOOTER_KEY, Footer, parse
from cdc_pipeline.instance.objects import Object, list_objects

# Requests in flight: enough to keep a store busy, few enough for a small one.
_THREADS = 24
# Footers of a thousand rows and thirty columns take 5 KiB.
_TAIL = 16 * 1024


@dataclass(frozen=True)
class Tile:
    """An object with what it says of itself. ``rows``: by Parquet's own count, not by the archive's footer."""

    key: str
    footer: Footer
    rows: int
    modified: datetime


@dataclass(frozen=True)
class Unreadable:
    """An object that has no footer, and why."""

    key: str
    why: str


class Memory:
    """Footers by bucket, key and entity tag in a SQLite file. Losing it costs time, never truth."""

    def __init__(self, folder: str, store: str) -> None:
        self._store = store
        self._base: sqlite3.Connection | None = None
        if not folder:
            return
        with contextlib.suppress(OSError, sqlite3.Error):
            Path(folder).mkdir(parents=True, exist_ok=True)
            base = sqlite3.connect(Path(folder) / "footers.sqlite", timeout=1.0, check_same_thread=False)
            base.execute(
                "CREATE TABLE IF NOT EXISTS footers"
                " (store TEXT, key TEXT, tag TEXT, rows INTEGER, footer TEXT, PRIMARY KEY (store, key, tag))"
            )
            self._base = base

    def known(self, folder: str) -> dict[tuple[str, str], tuple[int, str]]:
        """Rows and footer by key and tag, of every object in a folder."""
        if self._base is None:
            return {}
        # A range of keys, since a folder may hold the characters that LIKE or GLOB treat apart.
        query = "SELECT key, tag, rows, footer FROM footers WHERE store = ? AND key >= ? AND key < ?"
        with contextlib.suppress(sqlite3.Error):
            rows = self._base.execute(query, (self._store, f"{folder}/", f"{folder}0")).fetchall()
            return {(key, tag): (count, footer) for key, tag, count, footer in rows}
        return {}

    def keep(self, tiles: Iterable[tuple[Object, int, str]]) -> None:
        """Remembers what was read."""
        if self._base is None:
            return
        rows = [(self._store, each.key, each.tag, count, footer) for each, count, footer in tiles]
        with contextlib.suppress(sqlite3.Error):
            self._base.executemany("INSERT OR REPLACE INTO footers VALUES (?, ?, ?, ?, ?)", rows)
            self._base.commit()

    def close(self) -> None:
        if self._base is not None:
            self._base.close()


def read_tiles(store: S3Store, folder: str, memory: Memory) -> tuple[list[Tile], list[Unreadable]]:
    """All tiles below a folder, and the objects that are none."""
    known = memory.known(folder)
    tiles: list[Tile] = []
    unread: list[Object] = []
    for each in list_objects(store, folder):
        kept = known.get((each.key, each.tag)) if each.tag else None
        if kept is None:
            unread.append(each)
        else:
            tiles.append(Tile(each.key, Footer.from_json(kept[1]), kept[0], each.modified))
    fresh, bad = read_footers(store, unread)
    memory.keep((each, tile.rows, tile.footer.to_json()) for each, tile in fresh if each.tag)
    return tiles + [tile for _, tile in fresh], bad


def read_footers(store: S3Store, objects: list[Object]) -> tuple[list[tuple[Object, Tile]], list[Unreadable]]:
    """The footers of objects, by one request each."""
    good: list[tuple[Object, Tile]] = []
    bad: list[Unreadable] = []

    def read(each: Object) -> Tile | Unreadable:
        try:
            return _read(store, each)
        except Exception as error:  # Whatever is wrong with an object is a finding.
            return Unreadable(each.key, f"{type(error).__name__}: {str(error).splitlines()[0][:200]}")

    if not objects:
        return good, bad
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="footers") as pool:
        for each, result in zip(objects, pool.map(read, objects), strict=True):
            if isinstance(result, Tile):
                good.append((each, result))
            else:
                bad.append(result)
    return good, bad


def _read(store: S3Store, each: Object) -> Tile:
    if parse(each.key) is None:
        raise ValueError("its name is not that of a tile")
    start = max(0, each.size - _TAIL)
    tail = bytes(obstore.get_range(store, each.key, start=start, end=each.size))
    needed = parquet.tail_needed(tail)
    if needed > len(tail):
        tail = bytes(obstore.get_range(store, each.key, start=each.size - needed, end=each.size))
    metadata = tail[-needed:]
    entries = pl.read_parquet_metadata(io.BytesIO(metadata))
    if FOOTER_KEY not in entries:
        raise ValueError(f"it has no {FOOTER_KEY} entry")
    rows = pl.scan_parquet(io.BytesIO(metadata)).select(pl.len()).collect().item()
    footer = Footer.from_json(entries[FOOTER_KEY])
    # A small object is there as a whole, so its pages cost nothing more.
    if len(tail) == each.size and footer.seen is not None and hashes.of_pages(tail) != footer.seen.pages_hash:
        raise ValueError("its data pages are not those that were written")
    return Tile(each.key, footer, rows, each.modified)
