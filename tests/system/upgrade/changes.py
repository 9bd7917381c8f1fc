# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Changes that were made, changes that were archived, and how the two differ. Values are compared cell by cell."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The tables that every instance captures, each with its primary key.
KEYS = {
    "public.users": ("user_id",),
    "public.products": ("product_id",),
    "public.orders": ("order_id",),
    "public.order_items": ("order_id", "line"),
}
SNAPSHOT, INSERT, UPDATE, DELETE = "r", "c", "u", "d"
# Enough to see what is wrong.
_SHOWN = 5


@dataclass(frozen=True)
class Change:
    """A row as a change left it.

    Attributes:
        operation: as Debezium calls it.
        row: every column by name; of a delete only the key counts.
    """

    table: str
    operation: str
    row: Mapping[str, Any]

    @property
    def key(self) -> tuple[Any, ...]:
        return tuple(self.row[name] for name in KEYS[self.table])

    def cells(self) -> tuple[Any, ...]:
        """What of it has to be the same, comparable and hashable."""
        if self.operation == DELETE:
            return (self.table, self.operation, self.key)
        return (self.table, self.operation, tuple((name, _cell(self.row[name])) for name in sorted(self.row)))


def _cell(value: Any) -> Any:
    # A type beside the value, or true would be 1, and 1 be 1.0.
    return (type(value).__name__, _document(value) if isinstance(value, dict | list) else value)


def _document(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def differences(made: Iterable[Change], archived: Iterable[Change]) -> list[str]:
    """What is archived less often, more often, or otherwise than it was made; a sentence each, not more than a few."""
    expected = Counter(change.cells() for change in made)
    found = Counter(change.cells() for change in archived)
    lost, more = expected - found, found - expected
    doubled = Counter({cells: count for cells, count in more.items() if cells in expected})
    strange = more - doubled
    return [
        *_listed("archived less often than made", lost),
        *_listed("archived more often than made", doubled),
        *_listed("archived and never made", strange),
    ]


def _listed(what: str, cells: Counter[tuple[Any, ...]]) -> list[str]:
    found = [f"{what}: {count} x {each}" for each, count in list(cells.items())[:_SHOWN]]
    if len(cells) > _SHOWN:
        found.append(f"{what}: {cells.total()} in all")
    return found


def current(archived: Sequence[Change]) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    """The rows as the changes leave them, by table and key.

    Args:
        archived: those of a key in the order in which they were made.
    """
    rows: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for change in archived:
        if change.operation == DELETE:
            rows.pop((change.table, *change.key), None)
        else:
            rows[(change.table, *change.key)] = change.row
    return rows


def row_differences(
    expected: Mapping[tuple[Any, ...], Mapping[str, Any]], found: Mapping[tuple[Any, ...], Mapping[str, Any]]
) -> list[str]:
    """Rows that one side lacks, and cells that differ; a sentence each, not more than a few."""
    problems = [f"not in the archive: {key}" for key in sorted(expected.keys() - found.keys())]
    problems += [f"only in the archive: {key}" for key in sorted(found.keys() - expected.keys())]
    for key in sorted(expected.keys() & found.keys()):
        here, there = expected[key], found[key]
        for name in sorted(here.keys() | there.keys()):
            if name not in here or name not in there or _cell(here[name]) != _cell(there[name]):
                problems.append(f"{key}: {name} is {here.get(name)!r}, and {there.get(name)!r} in the archive")
    if len(problems) > 2 * _SHOWN:
        return [*problems[: 2 * _SHOWN], f"{len(problems)} in all"]
    return problems
