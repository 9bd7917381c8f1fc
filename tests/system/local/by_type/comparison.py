# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is archived of a table, compared with what PostgreSQL has: every change once, in order, cell by cell."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from history import Change, Texts
from reader import OWN, Row
from rules import Cell, Fault, problem
from tables import Table

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def archived_names(table: Table) -> dict[str, str]:
    """The archive's name of each column: PostgreSQL's, unless Avro lacks it or the archive has it for itself."""
    names = [each.name for each in table.sent]
    # Readers of Parquet take names for one that differ by case alone.
    taken = {name.lower() for name in OWN}
    found = {}
    for name in names:
        if _NAME.fullmatch(name) and name.lower() not in taken:
            taken.add(name.lower())
            found[name] = name
    for name in names:
        if name in found:
            continue
        adjusted = re.sub(r"[^A-Za-z0-9_]", "_", name)
        if not _NAME.fullmatch(adjusted):
            adjusted = f"_{adjusted}"
        while adjusted.lower() in taken:
            adjusted += "_"
        taken.add(adjusted.lower())
        found[name] = adjusted
    return {name: found[name] for name in names}


class Comparison:
    """Collects the faults of one table."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.faults: list[Fault] = []
        self._names = archived_names(table)
        self._shapes = {each.name: each.shape for each in table.columns}

    def rows_of_snapshot(self, wanted: Sequence[Texts], rows: Sequence[Row]) -> None:
        """Each row of the table once, as it was."""
        left = list(wanted)
        for row in rows:
            if row.operation != "r":
                self._fault("not of a snapshot", row)
                continue
            if not self._has_columns(row):
                continue
            match = next((texts for texts in left if self._is_key(texts, row)), None)
            if match is None:
                self._fault("a row that is not in the table, or is there twice", row)
                continue
            left.remove(match)
            self._cells(match, row.columns, frozenset())
        for texts in left:
            self._missing("r", texts)

    def changes(self, wanted: Sequence[Change], rows: Sequence[Row]) -> None:
        """Each change once, in the order in which they were committed."""
        # Of a changed key, the old row's end and the new row's begin have one LSN.
        ordered = sorted(rows, key=lambda row: (row.own["__lsn"] or 0, row.operation != "d"))
        counted = Counter(row.own["__txId"] for row in ordered)
        strange = set(counted) - {change.transaction % 2**32 for change in wanted}
        for row in ordered:
            if row.own["__txId"] in strange:
                self._fault("of no transaction that was made", row)
        at: dict[int, list[Row]] = defaultdict(list)
        for row in ordered:
            at[row.own["__txId"]].append(row)
        matched: list[Row] = []
        for change in wanted:
            found = at[change.transaction % 2**32]
            if not found:
                self._missing(change.operation, change.texts)
                continue
            row = found.pop(0)
            if row.operation != change.operation:
                self._fault(f"operation {row.operation} instead of {change.operation}", row)
                continue
            matched.append(row)
            self._change(change, row)
        for row in (row for rest in at.values() for row in rest if row.own["__txId"] not in strange):
            self._fault("once more", row)
        self._in_order(matched)

    def current(self, wanted: Sequence[Texts], rows: Iterable[Mapping[str, Cell]]) -> None:
        """The table's rows as they are now, each once, with every value that was ever sent."""
        left = list(wanted)
        for columns in rows:
            match = next((texts for texts in left if self._is_key(texts, columns)), None)
            if match is None:
                self.faults.append(
                    Fault("a current row that the table does not have", "", "", None, str(columns)[:2000])
                )
                continue
            left.remove(match)
            self._cells(match, columns, frozenset(), "current rows")
        for texts in left:
            self._missing("current row", texts)

    def _change(self, change: Change, row: Row) -> None:
        deleted = str(row.own["__deleted"]).lower() == "true"
        if deleted != (change.operation in "dt"):
            self._fault(f"__deleted is {row.own['__deleted']}", row)
        if not self._has_columns(row):
            return
        if change.operation == "t":
            for name, cell in row.columns.items():
                if cell.value is not None or cell.beside is not None or cell.cut is not None:
                    self._fault(f"a TRUNCATE with a value of {name}", row)
            return
        self._cells(change.texts, row.columns, change.may_be_unsent, f"operation {change.operation}")

    def _in_order(self, rows: Sequence[Row]) -> None:
        """By the archive's order of commits, and by offset within a partition."""
        highest: dict[int, int] = {}
        before = lsn = 0
        for row in rows:
            order = row.own["__commit_order"]
            if order is None or order < before:
                self._fault(f"__commit_order is {order} after {before}", row)
            before = order or before
            if row.own["__lsn"] < lsn:
                self._fault(f"__lsn is {row.own['__lsn']} after {lsn}", row)
            lsn = row.own["__lsn"]
            partition, offset = row.own["__partition"], row.own["__offset"]
            if offset <= highest.get(partition, -1) and row.operation != "t":
                self._fault("before a change that was made earlier", row)
            highest[partition] = max(offset, highest.get(partition, -1))

    def _has_columns(self, row: Row) -> bool:
        if list(row.columns) != list(self._names.values()):
            self._fault(f"columns {list(row.columns)} instead of {list(self._names.values())}", row)
            return False
        return True

    def _is_key(self, texts: Texts, row: Row | Mapping[str, Cell]) -> bool:
        columns = row.columns if isinstance(row, Row) else row
        return all(
            self._names[name] in columns
            and problem(self._shapes[name], texts[name], columns[self._names[name]]) is None
            for name in self.table.key
        )

    def _cells(
        self, texts: Texts, columns: Mapping[str, Cell], unsent: frozenset[str], where: str = "snapshot"
    ) -> None:
        size = sum(len(text.encode()) for text in texts.values() if text is not None)
        for name, called in self._names.items():
            shape = self._shapes[name]
            cell = columns.get(called)
            why = "no such column" if cell is None else problem(shape, texts[name], cell, name in unsent, size)
            if why is not None:
                seen = None if cell is None else cell.value
                more = () if cell is None else self._said(cell)
                self.faults.append(Fault(why, name, shape.declared, texts[name], seen, (where, *more)))

    def _said(self, cell: Cell) -> Iterator[str]:
        yield f"as {cell.type}"
        if cell.beside is not None:
            yield f"__text: {cell.beside[:300]!r}"
        if cell.unsent:
            yield "in __unsent"
        if cell.cut is not None:
            yield str(cell.cut)

    def report(self) -> str:
        """What is needed to look into the faults: of each column the first of each."""
        kinds: dict[tuple[str, str], list[Fault]] = defaultdict(list)
        for fault in self.faults:
            kinds[fault.column, fault.why[:40]].append(fault)
        shown = "\n\n".join(f"{len(faults)} times: {faults[0]}" for faults in kinds.values())
        return f"{len(self.faults)} faults; seed {self.table.seed}\n{self.table.ddl}\n\n{shown}"

    def _fault(self, why: str, row: Row) -> None:
        self.faults.append(Fault(why, "", "", None, _short(row)))

    def _missing(self, operation: str, texts: Texts) -> None:
        keys = {name: texts.get(name) for name in self.table.key}
        self.faults.append(Fault(f"missing: {operation} of {keys}", "", "", None, None))


def _short(row: Row) -> dict[str, Any]:
    values = {name: str(cell.value)[:60] for name, cell in row.columns.items()}
    return {**row.own, **values}
