"""A tile: one object, one contiguous offset range of one partition. Names and footers only, no I/O."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FOOTER_KEY = "cdc.tile"
"""Name of the Parquet key-value entry that carries the footer, as JSON."""

FORMAT = 2
"""Of the footers that are written. Format 1 did not state what was seen; its holes were what the sum lacked."""
MS_PER_HOUR = 3_600_000
LAST_HOUR = (dt.date.max - dt.date(1970, 1, 1)).days * 24 + 23
SUFFIX = ".parquet"


@dataclass(frozen=True, slots=True)
class Source:
    """The partition a tile belongs to. ``topic_id`` tells a re-created topic from the one of the same name before."""

    topic: str
    topic_id: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that is in the dead letter topic instead of a row. ``rule`` is a stable name, ``reason`` a sentence."""

    offset: int
    rule: str
    reason: str


Range = tuple[int, int] | None
"""Lowest and highest value; None without values."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a tile's writer saw and counted, each for itself, so that two sums can be compared.

    Attributes:
        consumed: records that Kafka returned of [start, next); ``rows + rejected + skipped`` where nothing was lost.
        skipped: of them, those that became neither row nor dead letter; there is no reason for one yet.
        holes: offsets of [start, next) at which Kafka returned none; ``next - start - consumed`` where it is true.
        first_offset: of the records that were consumed; None without any. So is ``last_offset``.
        lsn: of the rows. So are ``commit_order`` and ``commit_us``, the microseconds at which transactions committed.
        leader_epoch: of the last record's batch.
        rules: records by the rule that rejected them, values or records by the rules that only count.
        offsets_hash: as `hashes.of_offsets`, of the records that were consumed.
        rows_hash: as `hashes.of_rows`.
        pages_hash: as `hashes.of_pages`; None until the object is there.
    """

    consumed: int
    holes: int
    first_offset: int | None
    last_offset: int | None
    offsets_hash: str
    rows_hash: str
    skipped: int = 0
    lsn: Range = None
    commit_order: Range = None
    commit_us: Range = None
    leader_epoch: int | None = None
    rules: Mapping[str, int] = field(default_factory=dict)
    pages_hash: str | None = None

    def to_raw(self) -> dict[str, Any]:
        """Its part of the footer."""
        return {
            "consumed": self.consumed,
            "skipped": self.skipped,
            "first_offset": self.first_offset,
            "last_offset": self.last_offset,
            "lsn": self.lsn,
            "commit_order": self.commit_order,
            "commit_us": self.commit_us,
            "leader_epoch": self.leader_epoch,
            "rules": dict(self.rules),
            "hashes": {"offsets": self.offsets_hash, "rows": self.rows_hash, "pages": self.pages_hash},
        }

    @classmethod
    def from_raw(cls, raw: dict[str, Any]) -> Seen:
        """Inverse of `to_raw`, from the whole footer.

        Raises:
            KeyError, TypeError: it is not one.
        """
        ranges = {name: None if raw[name] is None else (raw[name][0], raw[name][1]) for name in _RANGES}
        return cls(
            **{name: raw[name] for name in _PLAIN},
            **ranges,
            rules=dict(raw["rules"]),
            offsets_hash=raw["hashes"]["offsets"],
            rows_hash=raw["hashes"]["rows"],
            pages_hash=raw["hashes"]["pages"],
        )


_PLAIN = ("consumed", "skipped", "holes", "first_offset", "last_offset", "leader_epoch")
_RANGES = ("lsn", "commit_order", "commit_us")


@dataclass(frozen=True, slots=True)
class Footer:
    """What a tile says of itself; once written it is the truth for every writer.

    ``start`` and ``next`` are offsets, [start, next). ``seen`` is None where the footer is of format 1.
    """

    source: Source
    start: int
    next: int
    rows: int
    rejected: tuple[Rejection, ...] = ()
    schema_id: int | None = None
    contract_version: str | None = None
    gap: bool = False
    seen: Seen | None = None

    @property
    def format(self) -> int:
        """The format that it is written in."""
        return 1 if self.seen is None else FORMAT

    @property
    def leader_epoch(self) -> int | None:
        """Of the last record's batch; None where it is not stated."""
        return None if self.seen is None else self.seen.leader_epoch

    @property
    def holes(self) -> int:
        """Offsets without a visible record: transaction markers, aborted records; the whole range of a gap tile.

        In format 1 they are what is missing from the sum, so they cannot be wrong.
        """
        if self.seen is not None:
            return self.seen.holes
        return self.next - self.start - self.rows - len(self.rejected)

    def to_json(self) -> str:
        """The text that is stored under `FOOTER_KEY`. Rejections are grouped, since reasons repeat."""
        groups: dict[tuple[str, str], list[int]] = {}
        for r in self.rejected:
            groups.setdefault((r.rule, r.reason), []).append(r.offset)
        return json.dumps(
            {
                "format": self.format,
                "topic": self.source.topic,
                "topic_id": self.source.topic_id,
                "partition": self.source.partition,
                "start": self.start,
                "next": self.next,
                "rows": self.rows,
                "rejected_count": len(self.rejected),
                "holes": self.holes,
                **({} if self.seen is None else self.seen.to_raw()),
                "schema_id": self.schema_id,
                "contract_version": self.contract_version,
                "gap": self.gap,
                "rejected": [
                    {"rule": rule, "reason": reason, "offsets": offsets} for (rule, reason), offsets in groups.items()
                ],
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Footer:
        """Inverse of `to_json`.

        Raises:
            ValueError: the text is not a footer of a format this version knows.
        """
        try:
            raw = json.loads(text)
            if raw["format"] not in (1, FORMAT):
                raise ValueError(f"footer format {raw['format']} is neither 1 nor {FORMAT}")
            rejected = sorted(
                (
                    Rejection(offset, group["rule"], group["reason"])
                    for group in raw["rejected"]
                    for offset in group["offsets"]
                ),
                key=lambda r: r.offset,
            )
            return cls(
                source=Source(raw["topic"], raw["topic_id"], raw["partition"]),
                start=raw["start"],
                next=raw["next"],
                rows=raw["rows"],
                rejected=tuple(rejected),
                schema_id=raw["schema_id"],
                contract_version=raw["contract_version"],
                gap=raw["gap"],
                seen=None if raw["format"] == 1 else Seen.from_raw(raw),
            )
        except (KeyError, TypeError, IndexError, json.JSONDecodeError) as error:
            raise ValueError(f"not a tile footer: {error!r}") from error


def hour_of(timestamp_ms: int) -> int:
    """Hours since the epoch, UTC, of a Kafka timestamp; records without one (-1) count as the epoch.

    A producer may say any time. No folder is later than the year 9999.
    """
    return min(max(timestamp_ms, 0) // MS_PER_HOUR, LAST_HOUR)


def folder(prefix: str, topic: str) -> str:
    """The folder that holds every tile of a topic, without a trailing slash."""
    return f"{prefix}/{topic}" if prefix else topic


def name(source: Source, start: int) -> str:
    """The part of a key that identifies the tile, without folder and suffix."""
    return f"{source.topic}+{source.topic_id}+{source.partition}+{start:020d}"


def key(prefix: str, source: Source, start: int, hour: int) -> str:
    """The key of the tile that begins at ``start`` and whose first record lies in ``hour`` (`hour_of`).

    A function of the log alone, so two writers at one position compute one key.
    """
    at = dt.datetime(1970, 1, 1) + dt.timedelta(hours=hour)
    return f"{folder(prefix, source.topic)}/{at:year=%Y/month=%m/day=%d/hour=%H}/{name(source, start)}{SUFFIX}"


def parse(key_or_name: str) -> tuple[Source, int] | None:
    """The source and start that a key (or a `name`) states, or None if it is not one of a tile."""
    parts = key_or_name.rsplit("/", 1)[-1].removesuffix(SUFFIX).split("+")
    if len(parts) != 4 or not parts[2].isdigit() or not parts[3].isdigit():
        return None
    return Source(parts[0], parts[1], int(parts[2])), int(parts[3])


def hour_in(key: str) -> int:
    """The hour (`hour_of`) of a key's folders.

    Raises:
        ValueError: the key has no such folders.
    """
    folders = dict(part.split("=", 1) for part in key.split("/") if "=" in part)
    try:
        at = dt.datetime(*(int(folders[unit]) for unit in ("year", "month", "day", "hour")))
    except KeyError as error:
        raise ValueError(f"{key} has no {error} folder") from error
    return int((at - dt.datetime(1970, 1, 1)).total_seconds()) // 3600
