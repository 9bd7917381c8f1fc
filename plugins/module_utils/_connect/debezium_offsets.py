# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which tables a Debezium connector captures, and the snapshots that stand in its offset. Pure.

Debezium keeps the tables whose incremental snapshot is not finished in the offset itself, and takes them up whenever a
task starts. Asking for a snapshot there, while the connector is stopped, cannot be lost by a crash, and the thread
that streams also takes the snapshot. By a signal from outside of the database another thread begins it, on the same
connection: under load, rows of one table then came in the topic of another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_PENDING = "incremental_snapshot_collections"
# How far the first of them has come.
_PROGRESS = (
    "incremental_snapshot_primary_key",
    "incremental_snapshot_maximum_key",
    "incremental_snapshot_total_rows",
)
_CASE_MATTERS = "(?-i)"


def captured(config: Mapping[str, str], tables: Iterable[str]) -> list[str]:
    """Those of `tables` (as Debezium calls them) that `table.include.list` names; all of them without that setting."""
    patterns = config.get("table.include.list")
    if patterns is None:
        return list(tables)
    entries = [_pattern(entry) for entry in _entries_of(patterns)]
    return [table for table in tables if any(entry.fullmatch(table) for entry in entries)]


def naming(config: Mapping[str, str], table: str) -> str:
    """The entry of `table.include.list` that names a captured table."""
    return next(entry for entry in _entries_of(config["table.include.list"]) if _pattern(entry).fullmatch(table))


def _entries_of(patterns: str) -> list[str]:
    return [entry.strip() for entry in patterns.split(",") if entry.strip()]


def _pattern(entry: str) -> re.Pattern[str]:
    # Debezium ignores case unless the entry says otherwise; Python knows that flag for a group alone.
    if entry.startswith(_CASE_MATTERS):
        return re.compile(entry.removeprefix(_CASE_MATTERS))
    return re.compile(entry, re.IGNORECASE)


def offset_of(offsets: Iterable[Mapping[str, Any]], server: str) -> Mapping[str, Any] | None:
    """The offset of the connector whose `topic.prefix` is `server`, None when it has none yet.

    :param offsets: as Connect gives them, each with `partition` and `offset`.
    """
    for entry in offsets:
        if entry["partition"] == {"server": server} and entry["offset"]:
            return entry["offset"]
    return None


def begins_with_snapshot(offset: Mapping[str, Any] | None) -> bool:
    """Whether the next start begins with the initial snapshot, of all tables: it never ran, or did not finish."""
    return offset is None or ("snapshot" in offset and not offset.get("last_snapshot_record"))


def pending(offset: Mapping[str, Any] | None) -> list[str]:
    """Tables whose incremental snapshot is not finished, in their order."""
    return [str(entry[f"{_PENDING}_id"]) for entry in _entries(offset or {})]


def with_pending(offset: Mapping[str, Any], tables: Sequence[str]) -> dict[str, Any]:
    """The offset with snapshots of `tables` asked for, each from its first row; others keep what they have reached."""
    found = _entries(offset)
    kept = [entry for entry in found if entry[f"{_PENDING}_id"] not in tables]
    asked = [
        {f"{_PENDING}_id": table, f"{_PENDING}_additional_condition": None, f"{_PENDING}_surrogate_key": None}
        for table in tables
    ]
    result = {**offset, _PENDING: json.dumps([*kept, *asked])}
    if found[:1] != kept[:1]:
        for key in _PROGRESS:
            result.pop(key, None)
    return result


def _entries(offset: Mapping[str, Any]) -> list[dict[str, Any]]:
    return json.loads(offset.get(_PENDING) or "[]")
