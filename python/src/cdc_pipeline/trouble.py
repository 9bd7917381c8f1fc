"""What is stuck, since when, why, and what to do: as services say it, and as `cdc status` and verify read it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

_LONGEST = 500
_RETRIED_SECONDS = 60.0
# Credentials in a URL, and settings that are named like one.
_IN_URL = re.compile(r"(\w+://)[^/\s@]+@")
_SETTING = re.compile(r"(?i)(password|secret|token|credential)(\w*\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&]+)")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that makes no progress, or needs a person.

    Attributes:
        what: connector, task, slot, partition, or a server: postgresql, kafka-connect.
        name: which one.
        state: in a word of a fixed set, such as stuck, failed, absent, paused, slot_lost.
        since: seconds since the epoch; None where it is not known.
        reason: why, in one line.
        remedy: what to do, in one line.
    """

    what: str
    name: str
    state: str
    since: float | None
    reason: str
    remedy: str = ""

    def document(self) -> dict[str, Any]:
        """As in the services' answers and in the output of `cdc status --json`."""
        return {**asdict(self), "since": stamp(self.since)}

    def line(self) -> str:
        """For people."""
        since = f" since {stamp(self.since)}" if self.since is not None else ""
        return f"{self.what} {self.name} {self.state}{since}: {self.reason}"


def stamp(seconds: float | None) -> str | None:
    """Seconds since the epoch in ISO 8601, UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def plain(text: object, secrets: Iterable[str] = ()) -> str:
    """Somebody else's text in one line of bounded length, without what looks like a credential.

    Args:
        secrets: that are known, and are hidden wherever they stand.
    """
    line = " ".join(str(text).split())
    for secret in secrets:
        if len(secret) > 3:
            line = line.replace(secret, "********")
    line = _SETTING.sub(r"\1\2********", _IN_URL.sub(r"\1********@", line))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def troubles_in(body: str | bytes) -> list[Trouble]:
    """What a service's readiness says is stuck; nothing where the answer is another one.

    Two shapes: ``troubles``, a list as :meth:`Trouble.document` gives them, and the archive's ``stopped`` and
    ``waiting``, lists of its partitions with ``topic``, ``partition``, ``reason`` and ``since``. A step that is tried
    again for less than a minute is no trouble.
    """
    found = _document(body)
    troubles = [
        Trouble(
            str(each.get("what", "")),
            str(each.get("name", "")),
            str(each.get("state", "")),
            _seconds(each.get("since")),
            str(each.get("reason", "")),
            str(each.get("remedy", "")),
        )
        for each in _maps(found.get("troubles"))
    ]
    for state in ("stopped", "waiting"):
        troubles += [
            Trouble(
                "partition",
                f"{each.get('topic', '')}-{each.get('partition', '')}",
                state,
                _seconds(each.get("since")),
                str(each.get("reason", "")),
                str(each.get("remedy", "")),
            )
            for each in _maps(found.get(state))
            if state == "stopped" or _lasts(_seconds(each.get("since")))
        ]
    return troubles


def notes_in(body: str | bytes) -> list[str]:
    """What a service says that is no trouble, and explains what looks like one: a sentence each."""
    notes = _document(body).get("notes")
    return [str(each) for each in notes] if isinstance(notes, list) else []


def says_troubles(body: str | bytes) -> bool:
    """Whether this is the answer of a service that lists its troubles, be it none."""
    return isinstance(_document(body).get("troubles"), list)


def _document(body: str | bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _lasts(since: float | None) -> bool:
    return since is None or time.time() - since >= _RETRIED_SECONDS


def _seconds(value: Any) -> float | None:
    """Seconds since the epoch of a number or of a time in ISO 8601."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return None
