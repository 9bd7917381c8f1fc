"""How often a process has ended by itself, as supervisord's log tells."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

_READ_BYTES = 4 * 1024 * 1024
# `stopped` is what was asked for; what ends otherwise, or is ended because it hangs, has `exited`.
_LINE = re.compile(r" (?P<what>exited|stopped): (?P<name>\S+) \(| (?P<start>supervisord started) with pid ")


def unasked_ends(text: str) -> Counter[str]:
    """The ends of each process since it was last stopped on purpose, or since supervisord itself started."""
    found: Counter[str] = Counter()
    for match in _LINE.finditer(text):
        if match["start"]:
            found.clear()
        elif match["what"] == "stopped":
            found.pop(match["name"], None)
        else:
            found[match["name"]] += 1
    return found


def read_unasked_ends(path: Path) -> Counter[str]:
    """The same of a log, of whose end the last few megabytes count; nothing where it cannot be read."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _READ_BYTES))
            return unasked_ends(stream.read().decode("utf-8", "replace"))
    except OSError:
        return Counter()
