"""Whether a pipeline that was moved is the one that was left. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]


def differences(before: Record, after: Record) -> list[str]:
    """What is not as it was, a sentence each; empty when nothing is lost or doubled."""
    return [
        *_postgresql(before["postgresql"], after["postgresql"]),
        *_kafka(before["kafka"], after["kafka"]),
        *_same("schema", before["schema_registry"], after["schema_registry"]),
        *_same("offsets of the connector", before["connectors"], after["connectors"]),
        *_same("archive's", before["object_store"], after["object_store"]),
    ]


def _postgresql(before: Record, after: Record) -> list[str]:
    """It is the same cluster, further on; each slot still has its WAL and is not ahead of what Connect has."""
    found = []
    if before["system"] != after["system"]:
        found.append(f"PostgreSQL is another cluster: {after['system']}, which was {before['system']}")
    if lsn(after["lsn"]) < lsn(before["lsn"]):
        found.append(f"PostgreSQL is at {after['lsn']}, before {before['lsn']}")
    for name, slot in before["slots"].items():
        now = after["slots"].get(name)
        if now is None:
            found.append(f"the replication slot {name} is missing")
            continue
        if now["wal"] == "lost":
            found.append(f"the replication slot {name} has lost WAL")
        # A restart may take it back to an earlier position, since PostgreSQL keeps it lazily; Debezium names its own.
        if lsn(now["confirmed"]) > lsn(slot["confirmed"]):
            found.append(f"the replication slot {name} is at {now['confirmed']}, beyond {slot['confirmed']}")
    return found


def _kafka(before: Record, after: Record) -> list[str]:
    found = _same("id of the topic", before["ids"], after["ids"])
    found += _same("position of the archive in", before["archived"], after["archived"])
    for name in sorted({*before["ends"], *after["ends"]}):
        was, now = before["ends"].get(name), after["ends"].get(name)
        if was is None or now is None:
            found.append(f"the partition {name} is {'new' if was is None else 'missing'}")
        # Retention may take records away at any time, from the beginning.
        elif now[1] != was[1] or not was[0] <= now[0] <= now[1]:
            found.append(f"the partition {name} has the offsets {now}, which were {was}")
    return found


def _same(what: str, before: Record, after: Record) -> list[str]:
    changed = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    return [f"{what} {key}: {after.get(key)}, which was {before.get(key)}" for key in changed]


def lsn(text: str | None) -> int:
    """A position in PostgreSQL's log, such as 0/1A2B3C4D, as a number."""
    high, _, low = (text or "0/0").partition("/")
    return (int(high, 16) << 32) + int(low, 16)
