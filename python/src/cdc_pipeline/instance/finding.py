"""What a check finds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A check's result.

    Attributes:
        id: begins with the requirement, such as T4.wal_level.
        what: what was looked at, as a noun phrase.
        hint: what to do next when it is not ok; stays out of the report's fixed fields but is printed. In it, `{run x}`
            is the command that runs the playbook x, and `{cdc}` the command cdc, see :meth:`.plan.Plan.spoken`.
    """

    id: str
    what: str
    expected: Any
    found: Any
    ok: bool
    hint: str = ""
    seconds: float = 0.0

    def as_record(self) -> dict[str, Any]:
        """As it stands in the report."""
        record = dataclasses.asdict(self)
        hint = record.pop("hint")
        record["seconds"] = round(self.seconds, 3)
        if not self.ok and hint:
            record["hint"] = hint
        return record


def equal(id: str, what: str, expected: Any, found: Any, hint: str = "") -> Finding:
    """Ok when both are the same."""
    return Finding(id, what, expected, found, expected == found, hint)
