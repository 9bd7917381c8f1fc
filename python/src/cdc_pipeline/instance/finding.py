"""What a check finds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A check's result.

    Attributes:
        id: begins with the component, such as postgresql.wal_level.
        what: what was looked at, as a noun phrase.
        hint: what to do next when it is not ok; stays out of the report's fixed fields but is printed. In it, `{run x}`
            is the command that runs the playbook x, and `{cdc}` the command cdc, see :meth:`.plan.Plan.spoken`.
        requirement: that the check proves, such as T4; empty where it proves none.
    """

    id: str
    what: str
    expected: Any
    found: Any
    ok: bool
    hint: str = ""
    seconds: float = 0.0
    requirement: str = ""

    def as_record(self) -> dict[str, Any]:
        """As it stands in the report."""
        fields = dataclasses.asdict(self)
        hint = fields.pop("hint")
        record = {"id": fields.pop("id"), "requirement": fields.pop("requirement"), **fields}
        record["seconds"] = round(self.seconds, 3)
        if not self.ok and hint:
            record["hint"] = hint
        return record


def equal(id: str, what: str, expected: Any, found: Any, hint: str = "") -> Finding:
    """Ok when both are the same."""
    return Finding(id, what, expected, found, expected == found, hint)
