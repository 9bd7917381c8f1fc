"""What of the load is in Parquet: every change once, and how long after its commit."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import obstore
import polars as pl

from cdc_pipeline.archive.tile import folder, parse
from cdc_pipeline.clients import topics
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.objects import Object, list_objects
from cdc_pipeline.load.ledger import Ledger

_THREADS = 8
_COLUMNS = ["run", "seq", "__partition", "__offset"]


@dataclass(frozen=True)
class Archived:
    """Tiles that hold the run's changes.

    Attributes:
        doubled: positions (partition, offset) that stand in more than one row.
        bytes: of all objects.
    """

    tiles: int
    rows: int
    bytes: int
    doubled: int


def hours(begin: float, end: float) -> list[str]:
    """The folders of the hours from one moment to another, wall clock seconds."""
    at = datetime.fromtimestamp(begin, UTC).replace(minute=0, second=0, microsecond=0)
    found = []
    while at.timestamp() <= end:
        found.append(f"{at:year=%Y/month=%m/day=%d/hour=%H}")
        at += timedelta(hours=1)
    return found


def read_back(
    context: Context, topic: str, run: int, partitions: topics.Partitions, since: float, until: float, ledger: Ledger
) -> Archived:
    """Reads the run's rows in the tiles of the hours of the run.

    Args:
        since, until: wall clock of the run.
        ledger: takes each change with the time at which its object was there, see `written`.
    """
    where = context.plan.endpoints.object_store
    topic_id = topics.topic_ids(context.kafka_admin, [topic])[topic]
    listed: list[Object] = []
    # A record's timestamp is the broker's, whose clock may be a little off.
    for hour in hours(since - 60, until + 60):
        listed += list_objects(context.store, f"{folder(where.prefix, topic)}/{hour}")
    wanted = [each for each in listed if _may_hold(each.key, topic_id, partitions)]

    def read(each: Object) -> pl.DataFrame:
        body = bytes(obstore.get(context.store, each.key).bytes())
        if "seq" not in pl.read_parquet_schema(io.BytesIO(body)):
            return pl.DataFrame(
                schema={"run": pl.Int32, "seq": pl.Int64, "__partition": pl.Int32, "__offset": pl.Int64}
            )
        return pl.read_parquet(io.BytesIO(body), columns=_COLUMNS).filter(pl.col("run") == run)

    frames = []
    size = tiles = 0
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="objects") as pool:
        for each, frame in zip(wanted, pool.map(read, wanted), strict=True):
            if frame.height:
                tiles += 1
                size += each.size
                frames.append(frame)
                ledger.see(frame["seq"].to_list(), written(each.modified))
    rows = pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.Int64))
    positions = rows.select("__partition", "__offset")
    return Archived(tiles, rows.height, size, rows.height - positions.unique().height)


def written(modified: datetime) -> float:
    """When an object was there at the latest, wall clock. Stores tell whole seconds, rounded down: the second's end."""
    return modified.timestamp() + (0.0 if modified.microsecond else 1.0)


def _may_hold(key: str, topic_id: str, partitions: topics.Partitions) -> bool:
    named = parse(key)
    if named is None or topics.plain_id(named[0].topic_id) != topic_id:
        return False
    return (named[0].topic, named[0].partition) in partitions
