"""How results are printed."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Where nobody looks at it, a table is not folded to a width.
_WIDE = 1000


def print_json(value: Any) -> None:
    """The value as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[str] = ()) -> None:
    """Rows below a heading.

    Args:
        rows: cells as text or as Rich's text; None is shown as a dash.
        right: columns that are aligned to the right.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDE)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, name in enumerate(columns):
        last = index == len(columns) - 1
        justify = "right" if name in right else "left"
        table.add_column(name, justify=justify, no_wrap=not last, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text("-" if cell is None else str(cell)) for cell in row))
    with console.capture() as captured:
        console.print(table)
    # Cells of the last column are filled up with blanks.
    click.echo("\n".join(line.rstrip() for line in captured.get().rstrip("\n").splitlines()))


def colored(text: str, good: bool) -> Text:
    """Text in green or red, where the terminal has colors."""
    return Text(text, style="green" if good else "bold red")


def duration(seconds: float | None) -> str | None:
    """Seconds for people; None stays None."""
    if seconds is None:
        return None
    days, rest = divmod(int(seconds), 86400)
    clock = time.strftime("%H:%M:%S", time.gmtime(rest))
    return f"{days}d {clock}" if days else clock


def mebibytes(amount: int | None) -> str | None:
    """Bytes as MiB for a column; None stays None."""
    return None if amount is None else f"{amount / 2**20:.0f}"
