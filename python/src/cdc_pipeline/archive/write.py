"""One tile's way to the store: decode, judge, encode, write, or read what whoever was first has written."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cdc_pipeline.archive import isolate, parquet, rows, seen, tile, verdict
from cdc_pipeline.archive.clients import Cluster
from cdc_pipeline.archive.cuts import Cut
from cdc_pipeline.archive.errors import (
    ArchiveError,
    EveryRecordError,
    UnavailableError,
    UnknownSchemaError,
    UnsupportedSchemaError,
    blames_records,
    said,
)
from cdc_pipeline.archive.rows import Decoders
from cdc_pipeline.archive.store import Store
from cdc_pipeline.archive.tile import Footer, Rejection, Source
from cdc_pipeline.archive.wire import schema_of

_NONE: Mapping[int, str] = {}


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


def prepare(
    cut: Cut, source: Source, prefix: str, decoders: Decoders, offsets: list[int], reject_unknown: bool = False
) -> Prepared:
    """Decode, judge and encode a tile. A record with which that fails becomes a dead letter.

    Where it fails with the records together and with none of them alone, the tile is that of the first half.

    Args:
        offsets: what the consumer returned of its range.
        reject_unknown: as `rows.build` has it.

    Raises:
        ArchiveError: as `seen.of`.
        EveryRecordError: it fails with each of many records, so that they are not to blame.
        MemoryError: there is not enough for the tile.
        UnavailableError, UnknownSchemaError: as `rows.build`.
    """

    def make(part: Cut, its: list[int], refused: Mapping[int, str] = _NONE) -> Prepared:
        return _prepare(part, source, prefix, decoders, its, reject_unknown, refused)

    try:
        return make(cut, offsets)
    except BaseException as error:
        if not blames_records(error):
            raise

        def trial(begin: int, end: int) -> None:
            records = cut.records.part(begin, end)
            make(replace(cut, records=records, start=records.offsets[0]), records.offsets)

        refused = isolate.culprits(len(cut), trial)
        if len(refused) == len(cut) >= isolate.MANY:
            raise EveryRecordError(
                f"none of the {len(cut)} records from offset {cut.start} can be written, so the fault is not theirs: "
                f"{said(error)}"
            ) from error
        if refused:
            return make(cut, offsets, refused)
        if len(cut) == 1:
            raise
    head = cut.head(len(cut) // 2)
    return prepare(head, source, prefix, decoders, [at for at in offsets if at < head.next], reject_unknown)


def _prepare(
    cut: Cut,
    source: Source,
    prefix: str,
    decoders: Decoders,
    offsets: list[int],
    reject_unknown: bool,
    refused: Mapping[int, str],
) -> Prepared:
    records = cut.records
    if refused:
        records = records.only([i for i in range(len(cut)) if i not in refused])
    built = rows.build(records, cut.schema_id, source, decoders, reject_unknown)
    if refused:
        out = [Rejection(cut.records.offsets[i], rows.RULE_RECORD, reason) for i, reason in refused.items()]
        built.undecodable = sorted([*built.undecodable, *out], key=lambda rejection: rejection.offset)
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


def any_can_be_read(values: Iterable[bytes], decoders: Decoders) -> bool:
    """Whether one of the framed values becomes a row.

    Raises:
        UnavailableError: the registry cannot answer for one, and none of the others does.
    """
    unavailable: UnavailableError | None = None
    for value in values:
        schema_id = schema_of(value)
        if schema_id is None:
            continue
        try:
            if len(decoders.decoder(schema_id).decode([value]).rows):
                return True
        except UnavailableError as error:
            unavailable = error
        except (UnknownSchemaError, UnsupportedSchemaError):
            continue
    if unavailable is not None:
        raise unavailable
    return False


def land(prepared: Prepared, store: Store) -> Landed:
    """Write the tile, or learn what is there.

    Raises:
        UnavailableError: the store cannot do it now.
        UnreadableError: what is there is no tile.
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
