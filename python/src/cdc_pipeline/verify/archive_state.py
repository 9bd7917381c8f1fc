"""The archive as its store and its consumer group show it, and the request to write out what it holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from cdc_pipeline.archive.tile import folder
from cdc_pipeline.verify import topics
from cdc_pipeline.verify.chain import Chain, by_partition, follow
from cdc_pipeline.verify.context import Context
from cdc_pipeline.verify.footers import Memory, Tile, Unreadable, read_tiles
from cdc_pipeline.verify.wait import wait_for

_FLUSH_SECONDS = 30.0
_ENDS_SECONDS = 25.0


@dataclass(frozen=True)
class State:
    """Tiles of the archived topics.

    Attributes:
        tiles: of the topics' current ids.
        former: how many tiles are of topics that were deleted and created anew.
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


def flush(context: Context) -> httpx.Response:
    """Asks the archive to write out all that it has read, and waits until it has, or says why it could not in time."""
    # It has the brokers tell where their logs end before its time begins to count.
    return context.archive.post("/flush", params={"timeout": _FLUSH_SECONDS}, timeout=_FLUSH_SECONDS + _ENDS_SECONDS)


def unarchived(context: Context, until: topics.Partitions, seconds: float) -> dict[str, int]:
    """Records before ``until`` that lie beyond the committed offsets, by partition, once time is up or there are none.

    What a committed read does not return (markers of transactions, aborted records) is none.
    """

    def behind() -> topics.Partitions:
        offsets = topics.committed(context.archive_group, until)
        positions = {at: offsets.get(at, (0, ""))[0] for at in until}
        return {at: position for at, position in positions.items() if position < until[at]}

    def records(positions: topics.Partitions) -> dict[str, int]:
        if not positions:
            return {}
        lows = topics.ends(context.kafka_admin, positions, earliest=True)
        consumer = context.kafka_consumer(enable_partition_eof=True, fetch_wait_max_ms=50)
        found: dict[str, int] = {}
        try:
            begin = {at: max(position, lows[at]) for at, position in positions.items()}
            for message in topics.read(consumer, begin, seconds):
                at = (message.topic(), message.partition())
                if message.offset() < until[at]:
                    found[f"{at[0]}-{at[1]}"] = found.get(f"{at[0]}-{at[1]}", 0) + 1
        finally:
            consumer.close()
        return found

    return wait_for(lambda: records(behind()), lambda found: not found, seconds, pause=0.2)
