"""The archive as its store shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cdc_pipeline.archive.tile import folder
from cdc_pipeline.clients import topics
from cdc_pipeline.instance.context import Context
from cdc_pipeline.verify.chain import Chain, by_partition, follow
from cdc_pipeline.verify.footers import Memory, Tile, Unreadable, read_tiles


@dataclass(frozen=True)
class State:
    """Tiles of the archived topics.

    Attributes:
        tiles: of the topics' current ids.
        former: how many tiles are of topics that were deleted and created again.
    """

    tiles: tuple[Tile, ...]
    former: int
    unreadable: tuple[Unreadable, ...]
    ids: dict[str, str]

    def chains(self) -> dict[tuple[str, int], Chain]:
        """The chain of each partition that has tiles."""
        return {(topic, partition): follow(each) for (topic, _, partition), each in by_partition(self.tiles).items()}


def read_state(context: Context, names: Iterable[str]) -> State:
    """Every footer of the topics' tiles."""
    where = context.plan.endpoints.object_store
    ids = topics.topic_ids(context.kafka_admin, names)
    memory = Memory(context.plan.paths.cache, f"{where.endpoint_url}/{where.bucket}")
    current: list[Tile] = []
    unreadable: list[Unreadable] = []
    former = 0
    try:
        for topic, topic_id in ids.items():
            tiles, bad = read_tiles(context.store, folder(where.prefix, topic), memory)
            unreadable += bad
            of_now = [tile for tile in tiles if topics.plain_id(tile.footer.source.topic_id) == topic_id]
            former += len(tiles) - len(of_now)
            current += of_now
    finally:
        memory.close()
    return State(tuple(current), former, tuple(unreadable), ids)
