"""A tile: one object, one contiguous offset range of one partition. Names and footers only, no I/O."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

FOOTER_KEY = "cdc.tile"
"""Name of the Parquet key-value entry that carries the footer, as JSON."""

FORMAT = 1
MS_PER_HOUR = 3_600_000
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


@dataclass(frozen=True, slots=True)
class Footer:
    """What a tile says of itself; once written it is the truth for every writer.

    ``start`` and ``next`` are offsets, [start, next); ``rows + len(rejected) + holes == next - start``.
    """

    source: Source
    start: int
    next: int
    rows: int
    rejected: tuple[Rejection, ...] = ()
    schema_id: int | None = None
    contract_version: str | None = None
    gap: bool = False

    @property
    def holes(self) -> int:
        """Offsets without a visible record: transaction markers, aborted records; the whole range of a gap tile."""
        return self.next - self.start - self.rows - len(self.rejected)

    def to_json(self) -> str:
        """The text that is stored under `FOOTER_KEY`. Rejections are grouped, since reasons repeat."""
        groups: dict[tuple[str, str], list[int]] = {}
        for r in self.rejected:
            groups.setdefault((r.rule, r.reason), []).append(r.offset)
        return json.dumps(
            {
                "format": FORMAT,
                "topic": self.source.topic,
                "topic_id": self.source.topic_id,
                "partition": self.source.partition,
                "start": self.start,
                "next": self.next,
                "rows": self.rows,
                "rejected_count": len(self.rejected),
                "holes": self.holes,
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
            if raw["format"] != FORMAT:
                raise ValueError(f"footer format {raw['format']} is not {FORMAT}")
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
            )
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"not a tile footer: {error!r}") from error


def hour_of(timestamp_ms: int) -> int:
    """Hours since the epoch, UTC, of a Kafka timestamp; records without one (-1) count as the epoch."""
    return max(timestamp_ms, 0) // MS_PER_HOUR


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
