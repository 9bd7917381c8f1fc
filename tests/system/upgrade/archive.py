# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the archive has: objects by their footers, as verification reads them, and rows by DuckDB's reader.

Objects are written by Polars, so that another reader of Parquet looks at the values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import obstore
from cdc_pipeline.clients import topics
from cdc_pipeline.instance.archive import flush, unarchived
from cdc_pipeline.instance.context import Context
from cdc_pipeline.verify.archive_state import State, read_state
from changes import KEYS, Change
from obstore.store import S3Store
from waiting import wait

_LOOK_SECONDS = 5.0


def topics_of(context: Context) -> list[str]:
    """Names of the topics of the tables that are compared."""
    return [context.plan.topic(table) for table in KEYS]


def archived(context: Context, rows: int, seconds: float) -> State:
    """The archive's objects, once they have at least so many rows and every record in Kafka."""
    names = topics_of(context)

    def look() -> tuple[int, dict[str, int], httpx.Response | Exception, State]:
        ends = topics.ends(context.kafka_admin, topics.partitions_of(context.kafka_admin, names))
        flushed: httpx.Response | Exception
        try:
            flushed = flush(context)
        except httpx.HTTPError as error:
            flushed = error
        left, state = unarchived(context, ends, _LOOK_SECONDS), read_state(context, names)
        return sum(tile.rows for tile in state.tiles), left, flushed, state

    found, left, flushed, state = wait(look, lambda seen: seen[0] >= rows and not seen[1], seconds, 1)
    assert found >= rows and not left, (
        f"within {seconds:.0f} s, {found} of {rows} rows are archived, and Kafka has {left} more; flush: {flushed}"
    )
    return state


def tiling_problems(state: State) -> list[str]:
    """Where objects do not tile their partition from its begin, or reject a record."""
    problems = [f"{each.key} cannot be read: {each.why}" for each in state.unreadable]
    if state.former:
        problems.append(f"{state.former} objects are of topics that were deleted since")
    for (topic, partition), chain in state.chains().items():
        at = f"{topic}-{partition}"
        problems += [f"{at}: {problem}" for problem in chain.problems]
        if chain.first != 0:
            problems.append(f"{at} begins at {chain.first}")
        problems += [f"{at}: {n} {what}" for n, what in ((chain.rejected, "rejected"), (chain.gaps, "gaps")) if n]
    return problems


def store_of(endpoint: Mapping[str, Any]) -> S3Store:
    """The bucket, as endpoints.json describes it: this version need not read other files of the earlier one."""
    return S3Store(
        endpoint["bucket"],
        endpoint=endpoint["endpoint_url"] or None,
        region=endpoint["region"],
        access_key_id=endpoint["access_key_id"],
        secret_access_key=endpoint["secret_access_key"],
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def objects(store: S3Store) -> dict[str, str]:
    """The tables' objects, each with the tag that changes with its content."""
    return {
        entry["path"]: str(entry["e_tag"])
        for page in obstore.list(store)
        for entry in page
        if any(f".{table}/" in entry["path"] for table in KEYS)
    }


def read_changes(context: Context, folder: Path) -> list[Change]:
    """Every row in the bucket, those of a partition in the order of their offsets.

    Args:
        folder: an empty one, for copies of the objects.
    """
    found: list[Change] = []
    keys = sorted(objects(context.store))
    for table in KEYS:
        files = []
        for key in keys:
            if f".{table}/" in key:
                files.append(str(folder / f"{table}-{len(files)}.parquet"))
                Path(files[-1]).write_bytes(bytes(obstore.get(context.store, key).bytes()))
        found += rows_in(table, files)
    return found


def rows_in(table: str, files: list[str]) -> Iterator[Change]:
    """The rows of a table's objects, those of a partition in the order of their offsets."""
    if not files:
        return
    source = "FROM read_parquet(?, union_by_name = true, hive_partitioning = false)"
    with duckdb.connect() as base:
        types = dict(
            base.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * {source})", [files]).fetchall()
        )
        # Its own values of that type need a package of time zones.
        moments = {name for name, kind in types.items() if kind == "TIMESTAMP WITH TIME ZONE"}
        columns = ", ".join(f'epoch_us("{name}")' if name in moments else f'"{name}"' for name in types)
        for values in base.execute(f"SELECT {columns} {source} ORDER BY __partition, __offset", [files]).fetchall():
            row = dict(zip(types, values, strict=True))
            row |= {name: _moment(row[name]) for name in moments}
            yield Change(table, row["__op"], {k: v for k, v in row.items() if not k.startswith("__")})


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def with_documents(made: Iterable[Change], changes: Iterable[Change]) -> list[Change]:
    """The same changes with JSON as what it means, in the columns in which the database has it.

    The archive keeps JSON as text, whose blanks and order mean nothing.
    """
    columns = {
        (change.table, name) for change in made for name, value in change.row.items() if isinstance(value, dict | list)
    }

    def cell(table: str, name: str, value: Any) -> Any:
        return json.loads(value) if (table, name) in columns and isinstance(value, str) else value

    return [
        Change(each.table, each.operation, {name: cell(each.table, name, value) for name, value in each.row.items()})
        for each in changes
    ]
