"""One tile's way to the store: decode, judge, encode, write, or read what whoever was first has written."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cdc_pipeline.archive import parquet, rows, seen, tile, verdict
from cdc_pipeline.archive.clients import Cluster
from cdc_pipeline.archive.errors import ArchiveError
from cdc_pipeline.archive.planner import Cut
from cdc_pipeline.archive.rows import Decoders
from cdc_pipeline.archive.store import Store
from cdc_pipeline.archive.tile import Footer, Source


class TopicReplacedError(ArchiveError):
    """The topic's id is another one now: the records may not be those of the topic the tile would name."""


@dataclass(slots=True)
class Prepared:
    """An encoded tile, ready to be written any number of times."""

    key: str
    body: bytes
    footer: Footer


@dataclass(frozen=True, slots=True)
class Landed:
    """``footer`` is at ``key``; ``won`` says whether this write put it there. ``seconds``: the PUT's duration."""

    key: str
    footer: Footer
    won: bool
    seconds: float
    size: int


def prepare(cut: Cut, source: Source, prefix: str, decoders: Decoders, offsets: list[int]) -> Prepared:
    """Decode, judge and encode a tile.

    Args:
        offsets: what the consumer returned of its range.

    Raises:
        ArchiveError: as `seen.of`.
        UnavailableError: the schema registry cannot answer now.
    """
    built = rows.build(cut.records, cut.schema_id, source, decoders)
    judged = verdict.judge(built)
    footer = Footer(
        source=source,
        start=cut.start,
        next=cut.next,
        rows=judged.frame.height,
        rejected=judged.rejected,
        schema_id=cut.schema_id,
        contract_version=judged.contract_version,
        seen=seen.of(cut, judged, built.texts, offsets),
    )
    return Prepared(tile.key(prefix, source, cut.start, cut.hour), parquet.encode(judged.frame, footer), footer)


def land(prepared: Prepared, store: Store) -> Landed:
    """Write the tile, or learn what is there.

    Raises:
        UnavailableError: the store cannot do it now.
    """
    began = time.perf_counter()
    won = store.put(prepared.key, prepared.body)
    seconds = time.perf_counter() - began
    footer = prepared.footer if won else store.footer(prepared.key)
    return Landed(prepared.key, footer, won, seconds, len(prepared.body))


def check_topic(cluster: Cluster, source: Source, read_at: float) -> None:
    """Prove that the topic still had the source's id after its records were read.

    Args:
        read_at: monotonic seconds, not before the last record was read.

    Raises:
        TopicReplacedError: it has another, or is gone.
        UnavailableError: the brokers do not answer.
    """
    topic = cluster.topics([source.topic], not_before=read_at).get(source.topic)
    if topic is None or topic.topic_id != source.topic_id:
        now = "is gone" if topic is None else f"has id {topic.topic_id} now"
        raise TopicReplacedError(f"{source.topic} was {source.topic_id} and {now}")
