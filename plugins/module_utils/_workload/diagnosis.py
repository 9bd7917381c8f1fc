# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why a process ended or does not come up: its own words, a cause, a remedy."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LINES = 15
_READ_BYTES = 64 * 1024
_SHORTEST_MASKED = 6
# A secret in a file of settings or in JSON stands behind a separator.
_VALUE = re.compile(r"[=:]\s*\"?([^\"\n]+?)\"?\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Cause:
    """A recognised cause with what to do about it."""

    what: str
    remedy: str


_CAUSES = (
    (
        r"Address already in use|BindException|could not bind",
        "a port it needs is taken",
        "find who has it with `ss -ltnp`, or choose another cdc_port_offset",
    ),
    (
        r"No space left on device|Disk quota exceeded",
        "the disk is full",
        "free space in cdc_home (df -h), then run again",
    ),
    (
        r"OutOfMemoryError|Cannot allocate memory|insufficient memory for the Java|std::bad_alloc|MemoryError",
        "it ran out of memory",
        "raise its memory limit, or lower what it keeps in memory",
    ),
    (
        r"Permission denied|AccessDeniedException|Operation not permitted",
        "it may not read or write something it needs",
        "see the evidence for the path; its owner must be the user of the process",
    ),
    (
        r"cannot execute|No such file or directory|NoSuchFileException|ClassNotFoundException|ModuleNotFoundError",
        "a file it needs is missing",
        "run the playbook with the tag artifacts again",
    ),
    (
        r"password authentication failed|AuthenticationException|InvalidAccessKeyId|SignatureDoesNotMatch",
        "its credentials were refused",
        "check the credentials in the inventory, then run again",
    ),
    (
        r"Connection refused|ConnectException|Name or service not known|UnknownHostException",
        "something it depends on does not answer",
        "look at the status of the other components with `make status`",
    ),
    (
        r"ConfigException|Invalid (value|config)|unrecognized configuration|Unknown (option|setting)|usage:",
        "it refuses its configuration",
        "mend the setting that the evidence names",
    ),
    (
        r"earlier process .* still runs",
        "an earlier process of it still runs",
        "end the process that the evidence names",
    ),
)


def recognise(text: str) -> Cause | None:
    """The cause that stands last in ``text``, which is the nearest to its end."""
    best: tuple[int, Cause] | None = None
    for pattern, what, remedy in _CAUSES:
        for match in re.finditer(pattern, text):
            if best is None or match.start() > best[0]:
                best = (match.start(), Cause(what, remedy))
    return best[1] if best else None


def tail(path: Path, offset: int = 0) -> str:
    """The end of the file at ``path``, not before ``offset`` bytes; empty where there is none."""
    try:
        size = path.stat().st_size
        if size < offset:  # rotated meanwhile
            offset = 0
        with path.open("rb") as stream:
            stream.seek(max(offset, size - _READ_BYTES))
            return stream.read(_READ_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def size(path: Path) -> int:
    """Bytes in the file at ``path``; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def last_lines(text: str, count: int = _LINES) -> list[str]:
    """The last lines of ``text`` that are not blank."""
    return list(deque((line.rstrip() for line in text.splitlines() if line.strip()), maxlen=count))


class Masker:
    """Replaces every secret in what is shown."""

    def __init__(self, secrets: Iterable[str]) -> None:
        values = set()
        for content in secrets:
            values.add(content.strip())
            values.update(line.strip() for line in content.splitlines())
            values.update(match[1].strip() for match in _VALUE.finditer(content))
        self.values = sorted((item for item in values if len(item) >= _SHORTEST_MASKED), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self.values:
            text = text.replace(value, "********")
        return text
