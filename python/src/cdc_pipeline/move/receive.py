"""The volume's side of a move: runs in a pod that holds the volume for the server to come.

A marker in the volume says what the move has brought. While it is there the volume is the move's, and may be filled
again; without it, and with data, it is a server's and is refused.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO, Any

from cdc_pipeline.move.tree import INCOMING, MARKER, TreeError, clear, empty, unpack


def state(folder: Path) -> dict[str, Any]:
    """What the move has brought, with ``state``: `empty`, `arriving`, `arrived` or `foreign`."""
    try:
        return json.loads((folder / MARKER).read_text())
    except FileNotFoundError:
        return {"state": "empty" if empty(folder) else "foreign"}


def receive(stream: IO[bytes], folder: Path) -> dict[str, Any]:
    """Fills the volume from a stream, in place of whatever an earlier attempt has brought.

    Raises:
        TreeError: the volume has data that no move has brought.
    """
    if state(folder)["state"] == "foreign":
        raise TreeError(f"{folder} has data that this move did not bring; it is not overwritten")
    _mark(folder, {"state": "arriving"})
    clear(folder)
    incoming = folder / INCOMING
    incoming.mkdir()
    found = unpack(stream, incoming)
    for path in incoming.iterdir():
        path.rename(folder / path.name)
    incoming.rmdir()
    told = {"state": "arrived", **found.plain()}
    _mark(folder, told)
    return told


def release(folder: Path) -> dict[str, Any]:
    """Hands the volume over to its server: from now on no move touches it."""
    before = state(folder)
    if before["state"] == "arriving":
        raise TreeError(f"{folder} was not filled to its end")
    (folder / MARKER).unlink(missing_ok=True)
    os.sync()
    return {"state": "released"}


def _mark(folder: Path, told: dict[str, Any]) -> None:
    temporary = folder / f"{INCOMING}.marker"
    temporary.write_text(json.dumps(told))
    temporary.replace(folder / MARKER)
    os.sync()
