# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a realiser reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._module import Outcome

NEW, STOPPED, RUNNING = FOUND = "new", "stopped", "running"


@dataclass
class Report:
    """What was done to a workload, or would be in check mode, on either runtime.

    Attributes:
        reasons: why, by replica.
        differences: of files on a host, of objects in a cluster.
        found: in check mode, what there is of a service, one of :data:`FOUND`.
    """

    changed: bool = False
    started: list[str] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    differences: list[Any] = field(default_factory=list)
    found: str = ""

    def outcome(self, **facts: Any) -> Outcome:
        """The outcome of the module, with further ``facts``."""
        lists = {
            "started": sorted(self.started),
            "restarted": sorted(self.restarted),
            "stopped": sorted(self.stopped),
            "removed": sorted(self.removed),
            "reasons": self.reasons,
        }
        found = {"found": self.found} if self.found else {}
        return Outcome(self.changed, differences=self.differences, facts={**lists, **found, **facts})
