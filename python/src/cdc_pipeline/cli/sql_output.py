"""How the result of a query is written."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Sequence
from typing import TextIO

from cdc_pipeline.cli.sql_session import Result

# More would have to be kept, to find out how wide the columns are.
_MOST_ROWS = 1000
_GAP = "  "
_NULL = "NULL"
Writer = Callable[[Result, TextIO], None]


def write_csv(result: Result, out: TextIO) -> None:
    """A line for each row, below one with the columns' names. Null is an empty field."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(result.rows())


def write_json(result: Result, out: TextIO) -> None:
    """A list of objects, one a line."""
    out.write("[")
    for number, text in enumerate(result.documents()):
        out.write(("," if number else "") + "\n" + text)
    out.write("\n]\n")


def table_writer(width: int | None) -> Writer:
    """Writes for people: a table, or where it is wider than the terminal a block of lines for each row."""

    def write(result: Result, out: TextIO) -> None:
        if result.is_text:
            out.writelines(f"{row[-1]}\n" for row in result.rows())
            return
        rows = list(itertools.islice(result.rows(), _MOST_ROWS + 1))
        shown = [[_NULL if cell is None else _line(cell) for cell in row] for row in rows[:_MOST_ROWS]]
        lines = _table(result.columns, result.numeric, shown)
        if width is not None and shown and max(len(line) for line in lines) > width:
            lines = _blocks(result.columns, shown)
        out.writelines(line + "\n" for line in lines)
        if len(rows) > _MOST_ROWS:
            out.write(f"(the first {_MOST_ROWS} rows; --csv and --json write all)\n")
        else:
            out.write(f"({len(rows)} row{'' if len(rows) == 1 else 's'})\n")

    return write


def _line(cell: str) -> str:
    return cell.replace("\r", "\\r").replace("\n", "\\n")


def _table(columns: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(name), *(len(row[index]) for row in rows), 0) for index, name in enumerate(columns)]

    def line(cells: Sequence[str]) -> str:
        parts = zip(cells, widths, numeric, strict=True)
        return _GAP.join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in parts).rstrip()

    return [line(columns), _GAP.join("─" * width for width in widths), *(line(row) for row in rows)]


def _blocks(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    width = max(len(name) for name in columns)
    lines = []
    for number, row in enumerate(rows, 1):
        lines.append(f"── row {number} ──")
        lines += [f"{name.ljust(width)}{_GAP}{cell}" for name, cell in zip(columns, row, strict=True)]
    return lines
