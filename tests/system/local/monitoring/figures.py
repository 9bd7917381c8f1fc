# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How long alerts took, as a table at the end of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from collection_path import make_importable
from receivers import NAMES
from site_runs import ROOT

make_importable()

from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.alerts import scaled  # noqa: E402

# What a scrape, an evaluation and the wait for others may come to, on top of the alert's own time.
_PROMISED = 60
_ALERTS = yaml.safe_load((ROOT / "roles/monitoring/files/alerts.yml").read_text())
_FOR = {alert["alert"]: alert["for"] for alerts in _ALERTS.values() for alert in alerts}


@dataclass
class Figure:
    """A row. Seconds by receiver: from the begin of the fault, and from its end. ``alert``: its name; empty for none.

    Attributes:
        scale: by which the alert's times are multiplied.
    """

    fault: str
    alert: str
    scale: float
    told: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    def row(self) -> str:
        promised = int(scaled(_FOR[self.alert], self.scale).removesuffix("s")) + _PROMISED if self.alert else None
        times = [promised, *(where.get(name) for where in (self.told, self.ended) for name in NAMES)]
        shown = ["" if seconds is None else f"{seconds:.0f} s" for seconds in times]
        return f"| {' | '.join([self.fault, self.alert or 'none', f'{self.scale:g}', *shown])} |"


# Of all tests of this run.
FIGURES: list[Figure] = []


def table() -> Iterator[str]:
    if FIGURES:
        heads = ["fault", "alert", "scale", "promised within", *NAMES, *(f"its end by {name}" for name in NAMES)]
        yield f"| {' | '.join(heads)} |"
        yield "|---" * len(heads) + "|"
    yield from (each.row() for each in FIGURES)
