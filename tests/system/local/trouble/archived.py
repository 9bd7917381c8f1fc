# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the archive of a running instance has of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import obstore
import polars as pl
from cdc_pipeline.cli.views import current_query, read_shape
from cdc_pipeline.clients import topics
from cdc_pipeline.instance.archive import flush, unarchived
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.plan import read_plan
from cdc_pipeline.verify.archive_state import State, read_state
from site_runs import Site
from waiting import until

# From a commit to its object, with a flush; a connector that waits for its next restart takes a minute more.
SECONDS = 60


@dataclass(frozen=True)
class Object:
    """A tile: the id of its schema, and the file."""

    schema_id: int | None
    content: bytes

    @property
    def rows(self) -> list[dict[str, Any]]:
        return pl.read_parquet(self.content).rows(named=True)


def context_of(site: Site) -> Context:
    """Clients of the instance's servers, as verification has them."""
    return Context(read_plan(site.home / "verify-plan.json"))


def objects_of(context: Context, table: str, rows: int, seconds: float = SECONDS) -> list[Object]:
    """A table's objects, or those of `message`, in the order in which its records came, once they have so many rows.

    Its topic is then archived to its end, and its objects tile it without gap or overlap.
    """
    connectors = context.plan.expected.connectors
    topic = context.plan.topic(table) if "." in table else f"{connectors.topic_prefix}.{table}"

    def look() -> tuple[dict[str, int], int, State]:
        ends = topics.ends(context.kafka_admin, topics.partitions_of(context.kafka_admin, [topic]))
        flush(context).raise_for_status()
        left, state = unarchived(context, ends, 5), read_state(context, [topic])
        return left, sum(tile.rows for tile in state.tiles), state

    what = f"all of {table} is archived, with {rows} rows"
    _left, _rows, state = until(look, lambda seen: not seen[0] and seen[1] >= rows, seconds, what, 1)
    assert not state.unreadable, state.unreadable
    for at, chain in state.chains().items():
        assert not chain.problems, (at, chain.problems)
        assert (chain.first, chain.rejected, chain.gaps) == (0, 0, 0), (at, chain)
    tiles = sorted(state.tiles, key=lambda tile: tile.modified)
    return [Object(tile.footer.schema_id, bytes(obstore.get(context.store, tile.key).bytes())) for tile in tiles]


def rows_of(objects: Iterable[Object]) -> list[dict[str, Any]]:
    """The rows of all objects."""
    return [row for each in objects for row in each.rows]


def current(objects: Iterable[Object], key: str, folder: Path) -> list[tuple[Any, ...]]:
    """The table's rows in the order of their key, as `cdc sql` shows them, without what is beside them.

    Args:
        folder: an empty one, for copies of the objects.
    """
    for number, each in enumerate(objects):
        (folder / f"{number}.parquet").write_bytes(each.content)
    files = f"{folder}/*.parquet"
    with duckdb.connect() as connection:
        query = current_query(files, [key], read_shape(connection, files))
        own = "__text, __unsent, __cut"
        return connection.execute(f"SELECT * EXCLUDE ({own}) FROM ({query}) ORDER BY {key}").fetchall()
